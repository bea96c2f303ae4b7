#!/usr/bin/env bash
# Asks the account for what a deployment needs: each thing that is missing is one sentence and the command that mends it. Changes
# nothing. Status 1: the deployment would fail. A small concurrency quota is a warning only, and
# so is SES in its sandbox.
#   ENV, SETTINGS (its tfvars file), STATE_BUCKET; AWS_REGION must be the file's, or unset. `make preflight ENV=dev` sets them.
set -euo pipefail

: "${ENV:?the name of the environment}" "${SETTINGS:?its tfvars file}"
export AWS_PAGER='' AWS_MAX_ATTEMPTS=${AWS_MAX_ATTEMPTS:-2}
blockers=0 warnings=0

blocked() {
    printf 'missing: %s\n    %s\n' "$1" "$2"
    blockers=$((blockers + 1))
}
warn() {
    printf 'warning: %s\n    %s\n' "$1" "$2"
    warnings=$((warnings + 1))
}
done_here() {
    [ "$blockers" = 0 ] || { echo "$ENV cannot be deployed yet."; exit 1; }
    [ "$warnings" = 0 ] && echo "The account is ready for $ENV." || echo "The account is ready for $ENV, but for the warning above."
    exit 0
}
# The numbers that the tfvars file has behind a name, one a line: at the beginning of a line with `^`, else within braces.
numbers() {
    sed -E 's/#.*//' "$SETTINGS" | grep -oE "$1 *= *-?[0-9]+" | grep -oE -- '-?[0-9]+$' || true
}

if ! command -v aws >/dev/null; then
    blocked "The aws CLI is not installed, so nothing can be asked." "install it: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
    done_here
fi

region=$(sed -nE 's/^region *= *"([a-z0-9-]+)".*/\1/p' "$SETTINGS")
if [ -z "$region" ]; then
    blocked "$SETTINGS sets no region." "add a line to it: region = \"eu-central-1\""
    done_here
fi
if [ "${AWS_REGION:-$region}" != "$region" ]; then
    blocked "AWS_REGION is $AWS_REGION, but $SETTINGS says $region." "export AWS_REGION=$region"
fi
# Version 1 of the CLI reads the second name only.
export AWS_REGION=$region AWS_DEFAULT_REGION=$region

if ! account=$(aws sts get-caller-identity --query Account --output text 2>/dev/null); then
    blocked "AWS takes no credentials from this shell." "aws sso login, or aws configure"
    done_here
fi

if [ -z "${STATE_BUCKET:-}" ]; then
    blocked "STATE_BUCKET is not set: the bucket that keeps the Terraform states." "make account, which prints it as state_bucket; then make deploy ENV=$ENV STATE_BUCKET=<state_bucket>"
elif ! bucket_region=$(aws s3api head-bucket --bucket "$STATE_BUCKET" --query BucketRegion --output text 2>/dev/null); then
    blocked "The state bucket $STATE_BUCKET does not exist in account $account, or is out of reach for this role." "make account"
elif [ "$bucket_region" != "$region" ] && [ "$bucket_region" != None ]; then
    blocked "The state bucket $STATE_BUCKET is in $bucket_region, but $SETTINGS says $region." "set region to $bucket_region in $SETTINGS: all environments of an account are in the region of its state bucket"
fi

# Without it AWS refuses the WebSocket stage: "CloudWatch Logs role ARN must be set in account settings".
if ! role=$(aws apigateway get-account --query cloudwatchRoleArn --output text 2>/dev/null); then
    blocked "This role may not read API Gateway's account settings." "use an administrator's credentials; in a workflow the role that make account prints as deploy_role_arn"
elif [ -z "$role" ] || [ "$role" = None ]; then
    blocked "API Gateway has no role in $region with which it may write logs." "make account"
fi

# Each API lets `rate` requests a second through, and a request keeps a sandbox busy for about 50 ms. A crowd that reloads needs twenty.
rate=$(sed -nE 's/^throttling *=.*[{, ]rate *= *([0-9]+).*/\1/p' "$SETTINGS")
wanted=$((${rate:-100} * 2 * 50 / 1000))
[ "$wanted" -ge 20 ] || wanted=20
# What functions reserve: one number for all of them, others for single ones.
functions=$(awk '/^functions:/ { inside = 1; next } /^[a-z]/ { inside = 0 } inside && /^  [a-z]/ { count++ } END { print count }' "$(dirname "$0")/stack.yaml")
for_each=$(numbers '^reserved_concurrency' | head -n 1)
single=$(numbers '[{,[:space:]]reserved_concurrency')
reserved=$(printf '%s\n' "$single" | awk -v each="${for_each:--1}" -v functions="$functions" '
    /[0-9]/ { named++; if ($1 > 0) sum += $1 }
    END { if (each > 0) sum += each * (functions - named); print sum + 0 }')
quota_command() {
    echo "aws service-quotas request-service-quota-increase --region $region --service-code lambda --quota-code L-B99A9384 --desired-value $1"
}
if ! quota=$(aws lambda get-account-settings --query AccountLimit.ConcurrentExecutions --output text 2>/dev/null); then
    blocked "This role may not read Lambda's account settings." "use an administrator's credentials; in a workflow the role that make account prints as deploy_role_arn"
else
    # AWS keeps a hundred for functions that reserve none.
    needed=$((reserved > 0 ? reserved + 100 : 0))
    if [ "$quota" -lt "$needed" ]; then
        blocked "Lambda may run $quota sandboxes at once in this account, and $ENV reserves $reserved beside the 100 that AWS keeps." "$(quota_command $((needed > 1000 ? needed : 1000))), or reserve less in $SETTINGS"
    elif [ "$quota" -lt "$wanted" ]; then
        warn "Lambda may run $quota sandboxes at once in this account, and $ENV lets through as many requests as keep $wanted busy: what is over $quota gets a 503." "$(quota_command 1000)"
    fi
    alarmed=$(numbers '^account_concurrency' | head -n 1)
    if [ "${alarmed:-1000}" -gt "$quota" ]; then
        warn "The alarm on account concurrency counts with a quota of ${alarmed:-1000}, and the account has $quota: it would never be raised." "write account_concurrency = $quota into $SETTINGS"
    fi
fi

# Where the file sets `mail`: SES must send to anybody, for a domain whose DNS has the DKIM records.
sender=$(sed -E 's/#.*//' "$SETTINGS" | grep -oE '(^|[{,[:space:]])from *= *"[^"]+"' | sed -E 's/.*"(.*)"/\1/; s/.*<(.*)>/\1/' | head -n 1 || true)
if [ -n "$sender" ]; then
    if ! access=$(aws sesv2 get-account --query ProductionAccessEnabled --output text 2>/dev/null); then
        blocked "This role may not read the account's settings of SES." "use an administrator's credentials; in a workflow the role that make account prints as deploy_role_arn"
    elif [ "$access" != True ]; then
        warn "SES is in its sandbox in $region: mails reach verified addresses only." "aws sesv2 put-account-details --region $region --production-access-enabled --mail-type TRANSACTIONAL --website-url https://<frontend> --use-case-description '<what is sent to whom>', then wait for AWS (docs/operations.md, Files and mail)"
    fi
    # The first deployment makes the domain's identity, unless another environment has it.
    if verified=$(aws sesv2 get-email-identity --email-identity "${sender##*@}" --query VerifiedForSendingStatus --output text 2>/dev/null); then
        [ "$verified" = True ] || warn "SES does not send for ${sender##*@} yet: its DNS lacks the DKIM records, or SES has not looked since." "make outputs ENV=$ENV prints them as mail_dkim_records"
    elif grep -qE 'identity_exists *= *true' "$SETTINGS"; then
        blocked "$SETTINGS says that another environment has the identity of ${sender##*@}, but SES in $region has none." "deploy that environment first, or leave identity_exists out"
    fi
fi
done_here
