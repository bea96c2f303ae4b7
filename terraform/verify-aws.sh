#!/usr/bin/env bash
# What only a real AWS account can settle about a deployed environment: twelve checks, each passes or fails with one sentence. It reads, but
# for a project that it makes and deletes through the public API, as the person EMAIL. The last check fails logins of people who do not
# exist: each is counted for a while, and logins from this machine's address are refused for a minute. Needs curl and the aws CLI; `make verify-aws ENV=dev` sets the rest:
#   ENV, AWS_REGION, HTTP_URL, WS_URL, HTTP_API_ID, WS_API_ID, TABLES and BUCKETS (their full names), MAIL_IDENTITY (a domain, or empty)
set -uo pipefail

: "${ENV:?}" "${AWS_REGION:?}" "${HTTP_URL:?}" "${WS_URL:?}" "${HTTP_API_ID:?}" "${WS_API_ID:?}" "${TABLES:?}" "${BUCKETS:?}"
# Terraform keeps no output that is null.
[ "${MAIL_IDENTITY:-null}" != null ] || MAIL_IDENTITY=''
export AWS_DEFAULT_REGION=$AWS_REGION AWS_PAGER=''
for command in aws curl; do
    command -v "$command" >/dev/null || { echo "$command is not installed: it is needed to ask."; exit 1; }
done
if [ -z "${EMAIL:-}" ] || [ -z "${PASSWORD:-}" ]; then
    echo "EMAIL and PASSWORD are not set: a test person of $ENV, whom \`make user ENV=$ENV EMAIL=…\` makes."
    exit 1
fi
account=$(aws sts get-caller-identity --query Account --output text 2>/dev/null) || { echo "AWS takes no credentials from this shell: aws sso login, or aws configure."; exit 1; }
prefix=$(sed -nE 's/^project: *([a-z0-9-]+).*/\1/p' "$(dirname "$0")/stack.yaml")-$ENV
began_ms=$(($(date +%s) * 1000 - 1000))
mark=verify-$(date +%s)-$$
work=$(mktemp -d)
passed=0 failed=0 number=0 project='' socket=''

# `call METHOD PATH [BODY [HEADER]]`: the status, with the body in $work/body. Secrets travel by files, where no list of processes shows them.
: >"$work/authorization"
call() {
    local body=()
    if [ -n "${3:-}" ]; then
        printf '%s' "$3" >"$work/request"
        body=(-H 'Content-Type: application/json' --data-binary "@$work/request")
    fi
    curl -sS --max-time 30 -o "$work/body" -w '%{http_code}' -X "$1" -H "@$work/authorization" ${4:+-H "$4"} ${body[0]+"${body[@]}"} "$HTTP_URL$2" 2>"$work/curl" || true
}
# The first value of a text member in the last body.
member() { grep -oE "\"$1\": *\"[^\"]*\"" "$work/body" | head -n 1 | sed -E 's/^[^:]*: *"(.*)"$/\1/'; }
# What an answer was, for a sentence.
answer() { echo "$1 ($(head -c 160 "$work/body" 2>/dev/null | tr '\n' ' '))"; }
json() { printf '%s' "$1" | sed 's/[\\"]/\\&/g'; }

clean_up() {
    [ -z "$socket" ] || kill "$socket" 2>/dev/null
    [ -z "$project" ] || [ "$(call DELETE "/projects/$project")" = 204 ] || echo "The project $project could not be deleted: delete it by hand."
    [ ! -s "$work/refresh" ] || call POST /auth/logout "{\"refreshToken\":\"$(cat "$work/refresh")\"}" >/dev/null
    rm -rf "$work"
}
trap clean_up EXIT

# A check prints what it found, and its status says whether that is right. Checks run in this shell: later ones use what earlier ones
# made.
check() {
    local name=$1
    shift
    number=$((number + 1))
    if "$@" >"$work/found" 2>&1; then
        passed=$((passed + 1))
        printf 'pass %2d  %s: %s\n' "$number" "$name" "$(tr '\n' ' ' <"$work/found")"
    else
        failed=$((failed + 1))
        printf 'FAIL %2d  %s: %s\n' "$number" "$name" "$(tr '\n' ' ' <"$work/found")"
    fi
}

signs_in() {
    local status
    status=$(call POST /auth/login "{\"email\":\"$(json "$EMAIL")\",\"password\":\"$(json "$PASSWORD")\"}")
    [ "$status" = 200 ] || { echo "the login answers $(answer "$status")"; return 1; }
    member refreshToken >"$work/refresh"
    printf 'Authorization: Bearer %s\n' "$(member accessToken)" >"$work/authorization"
    status=$(call GET /auth/me)
    [ "$status" = 200 ] || { echo "a fresh token gets $(answer "$status")"; return 1; }
    echo "KMS signs, and the functions accept what it signed"
}

# One BatchGetItem spans the messages and the projects table, with leading keys of its own for each: does IAM compare them by table?
reads_through_the_roles() {
    local status
    status=$(call POST /projects "{\"title\":\"$mark\"}")
    project=$(member projectId)
    [ "$status" = 201 ] || { echo "a new project answers $(answer "$status")"; return 1; }
    status=$(call GET '/messages/conversations?limit=100')
    [ "$status" = 200 ] || { echo "the list of conversations answers $(answer "$status")"; return 1; }
    # One conversation a line: the one that names the project.
    conversation=$(sed 's/"conversationId"/\n&/g' "$work/body" | grep -F "\"$project\"" | grep -oE '"conversationId": *"[^"]*"' | head -n 1 | cut -d '"' -f 4)
    [ -n "$conversation" ] || { echo "the project's conversation is not in the list"; return 1; }
    status=$(call GET "/messages/conversations/$conversation")
    [ "$status" = 200 ] || { echo "one conversation answers $(answer "$status"): list both tables' prefixes in both statements of stack.yaml"; return 1; }
    status=$(call POST "/messages/conversations/$conversation/messages" "{\"text\":\"$mark\",\"optimisticId\":\"$mark-1\"}")
    message=$(member messageId)
    [ "$status" = 201 ] || { echo "a message answers $(answer "$status")"; return 1; }
    status=$(call PUT "/messages/conversations/$conversation/read" '{"seq":1}')
    [ "$status" = 204 ] || { echo "a read marker answers $(answer "$status")"; return 1; }
    echo "a project, its conversation, a message and a read marker, over tables whose keys the roles limit"
}

# `may ROLE ACTION RESOURCE [LEADING KEY or SENDER]`: allowed, implicitDeny or explicitDeny, as IAM works it out.
may() {
    local context=()
    case ${4:-} in
    '') ;;
    *@*) context=(--context-entries "ContextKeyName=ses:FromAddress,ContextKeyType=string,ContextKeyValues=$4") ;;
    *) context=(--context-entries "ContextKeyName=dynamodb:LeadingKeys,ContextKeyType=stringList,ContextKeyValues=$4") ;;
    esac
    aws iam simulate-principal-policy --policy-source-arn "arn:aws:iam::$account:role/$prefix-$1" --action-names "$2" --resource-arns "$3" \
        ${context[0]+"${context[@]}"} --query 'EvaluationResults[0].EvalDecision' --output text 2>&1
}
expect() {
    local decision
    decision=$(may "$2" "$3" "$4" "${5:-}")
    case $1:$decision in
    allowed:allowed | denied:*Deny) ;;
    *) echo "$2 should be $1 $3 ${5:-} and IAM says ${decision##*$'\n'}"; return 1 ;;
    esac
}
table_arn() {
    local name
    for name in $TABLES; do
        case $name in *-"$1" | *-"$1"-*) echo "arn:aws:dynamodb:$AWS_REGION:$account:table/$name" && return ;; esac
    done
}
bucket_name() {
    local name
    for name in $BUCKETS; do
        case $name in "$prefix-$1-"*) echo "$name" && return ;; esac
    done
}
roles_are_narrow() {
    local alias key auth projects files domain identity
    files=arn:aws:s3:::$(bucket_name files)
    domain=${MAIL_IDENTITY:-example.com}
    identity=arn:aws:ses:$AWS_REGION:$account:identity/$domain
    auth=$(table_arn auth) projects=$(table_arn projects)
    alias=$(aws kms list-aliases --query "Aliases[?starts_with(AliasName, 'alias/$prefix-signing-')].AliasName | [0]" --output text 2>&1)
    key=$(aws kms describe-key --key-id "$alias" --query KeyMetadata.Arn --output text 2>&1) || { echo "the signing key cannot be read: ${key##*$'\n'}"; return 1; }
    expect allowed ws-provider dynamodb:BatchGetItem "$auth" "REVOCATIONS#0" &&
        expect denied ws-provider dynamodb:BatchGetItem "$auth" PERSON#usr_1 &&
        expect allowed messages-router dynamodb:BatchGetItem "$projects" PROJECT#prj_1 &&
        expect denied messages-router dynamodb:BatchGetItem "$projects" BUDGET#prj_1 &&
        expect allowed auth-router kms:Sign "$key" &&
        expect denied projects-router kms:Sign "$key" && expect denied messages-router kms:Sign "$key" && expect denied ws-provider kms:Sign "$key" &&
        expect allowed projects-router s3:GetObject "$files/projects/x" && expect denied projects-router s3:GetObject "$files/conversations/x" &&
        expect allowed ws-provider s3:DeleteObject "$files/conversations/x" && expect denied ws-provider s3:GetObject "$files/conversations/x" &&
        expect denied projects-router s3:PutObjectTagging "$files/projects/x" && expect denied messages-router ses:SendEmail "$identity" "no-reply@$domain" &&
        expect denied auth-router ses:SendEmail "$identity" "nobody-sends-as-this@$domain" &&
        echo "partition keys and files of other functions are denied, and auth-router alone signs"
}

# AWS decodes a path once and cuts nothing else from it; the functions must not decode it again.
paths_are_decoded_once() {
    local status path
    [ -n "${message:-}" ] || { echo "there is no message to react to: see check 2"; return 1; }
    for path in /messages/msg_%2Fx /messages/msg_%25; do
        status=$(call GET "$path")
        { [ "$status" = 404 ] && [ -n "$(member code)" ]; } || { echo "$path answers $(answer "$status"), not the functions' 404"; return 1; }
    done
    status=$(call PUT "/messages/$message/reactions/%F0%9F%91%8D")
    [ "$status" = 200 ] || { echo "a reaction answers $(answer "$status"): the path arrives encoded"; return 1; }
    status=$(call PUT "/messages/$message/reactions/%25F0%259F%2598%2580")
    [ "$status" != 200 ] || { echo "a path that was encoded twice is decoded twice"; return 1; }
    echo "%2F, %25 and an emoji arrive decoded, once"
}

connects() {
    local status
    status=$(call POST /auth/ws-ticket)
    [ "$status" = 200 ] || { echo "a ticket answers $(answer "$status")"; return 1; }
    curl -sS -i -N --http1.1 --max-time 60 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' \
        -H 'Sec-WebSocket-Key: bXlsZy12ZXJpZnktYXdzLg==' -H "Sec-WebSocket-Protocol: mylg.v1, ticket.$(member ticket)" "${WS_URL/#ws/http}" >"$work/frames" 2>"$work/curl" &
    socket=$!
    for _ in $(seq 100); do
        grep -aqE '^HTTP/1.1 [0-9]+' "$work/frames" && break
        kill -0 "$socket" 2>/dev/null || break
        sleep 0.1
    done
    # Sent at once: the gateway may still call the connection gone (410) when the function posts to it.
    sent_at_once=$(call POST "/messages/conversations/${conversation:-none}/messages" "{\"text\":\"$mark fresh\",\"optimisticId\":\"$mark-2\"}")
    grep -aqE '^HTTP/1.1 101' "$work/frames" || { echo "the handshake answers $(head -n 1 "$work/frames" | tr -d '\r') $(head -c 160 "$work/curl")"; return 1; }
    grep -aqiE '^sec-websocket-protocol: *mylg\.v1' "$work/frames" || { echo "the handshake has no Sec-WebSocket-Protocol: browsers that offered one close the socket"; return 1; }
    echo "a ticket in a subprotocol opens a socket, and the answer names mylg.v1"
}

# The frame is posted after the HTTP answer, in the same invocation.
frames_arrive() {
    [ "${sent_at_once:-}" = 201 ] || { echo "the message was not sent: ${sent_at_once:-no socket}"; return 1; }
    for _ in $(seq 100); do
        grep -aqF "$mark fresh" "$work/frames" && { echo "a message that was sent right after the handshake came to the socket"; return 0; }
        sleep 0.1
    done
    echo "the message did not come within ten seconds: the background tasks did not run, or the posts failed (see \"broadcast\" in the logs of messages-router)"
    return 1
}

# `logged GROUP PATTERN`: waits until CloudWatch shows such a line of this run.
logged() {
    local lines
    for _ in $(seq "${LOG_TRIES:-18}"); do
        lines=$(aws logs filter-log-events --log-group-name "$1" --start-time "$began_ms" --filter-pattern "$2" --query 'length(events)' --output text 2>"$work/logs")
        # The CLI prints one number a page.
        [ "$(printf '%s\n' "$lines" | awk '{ sum += $1 } END { print sum + 0 }')" -gt 0 ] && return 0
        sleep 5
    done
    echo "no line with $2 in $1 after 90 seconds $(tail -n 1 "$work/logs")"
    return 1
}
logs_are_written() {
    local http websocket
    http=$(aws apigatewayv2 get-stage --api-id "$HTTP_API_ID" --stage-name "\$default" --query AccessLogSettings.DestinationArn --output text 2>&1) || { echo "${http##*$'\n'}"; return 1; }
    websocket=$(aws apigatewayv2 get-stage --api-id "$WS_API_ID" --stage-name "${WS_URL##*/}" --query AccessLogSettings.DestinationArn --output text 2>&1) || { echo "${websocket##*$'\n'}"; return 1; }
    http=${http#*:log-group:} websocket=${websocket#*:log-group:}
    # shellcheck disable=SC2016 # The dollars are CloudWatch's.
    logged "${http%:\*}" '{ $.method = "POST" }' && logged "${websocket%:\*}" '{ $.routeKey = "$connect" }' &&
        logged "/aws/lambda/$prefix-messages-router" '{ $.type = "platform.report" }' &&
        echo "both APIs write access logs, and Lambda says what it bills"
}

metrics_are_there() {
    local count
    count=$(aws cloudwatch list-metrics --namespace "$prefix" --query 'length(Metrics)' --output text 2>&1) || { echo "${count##*$'\n'}"; return 1; }
    [ "$(printf '%s\n' "$count" | awk '{ sum += $1 } END { print sum + 0 }')" -gt 0 ] || { echo "the namespace $prefix has no metric: CloudWatch lists one up to 15 minutes after its first value, so try again then"; return 1; }
    echo "the functions' own metrics are in the namespace $prefix"
}

tables_are_safe() {
    local name state
    for name in $TABLES; do
        state=$(aws dynamodb describe-continuous-backups --table-name "$name" --query ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus --output text 2>&1)
        [ "$state" = ENABLED ] || { echo "$name has no point-in-time recovery: ${state##*$'\n'}"; return 1; }
        state=$(aws dynamodb describe-time-to-live --table-name "$name" --query 'TimeToLiveDescription.[TimeToLiveStatus, AttributeName]' --output text 2>&1)
        [ "$(echo "$state" | tr -s '[:space:]' ' ')" = "ENABLED ttl " ] || { echo "$name has no TTL on the attribute ttl: ${state##*$'\n'}"; return 1; }
    done
    echo "every table has point-in-time recovery and TTL"
}

buckets_are_private() {
    local name state
    for name in $BUCKETS; do
        state=$(aws s3api get-public-access-block --bucket "$name" --query 'PublicAccessBlockConfiguration.[BlockPublicAcls, IgnorePublicAcls, BlockPublicPolicy, RestrictPublicBuckets]' --output text 2>&1)
        [ "$(echo "$state" | tr -s '[:space:]' ' ')" = "True True True True " ] || { echo "$name could become public: ${state##*$'\n'}"; return 1; }
        state=$(aws s3api get-bucket-versioning --bucket "$name" --query Status --output text 2>&1)
        [ "$state" = Enabled ] || { echo "$name keeps no earlier versions: ${state##*$'\n'}"; return 1; }
        state=$(curl -sS --max-time 30 -o "$work/body" -w '%{http_code}' "https://$name.s3.$AWS_REGION.amazonaws.com/projects/x" 2>"$work/curl" || true)
        [ "$state" = 403 ] || { echo "$name answers a request without a signature with $(answer "$state")"; return 1; }
    done
    echo "every bucket is private, keeps earlier versions, and refuses what is not signed"
}

mail_can_be_sent() {
    local state
    [ -n "$MAIL_IDENTITY" ] || { echo "this environment sends no mail"; return 0; }
    state=$(aws sesv2 get-email-identity --email-identity "$MAIL_IDENTITY" --query '[VerifiedForSendingStatus, DkimAttributes.Status]' --output text 2>&1)
    [ "$(echo "$state" | tr -s '[:space:]' ' ')" = "True SUCCESS " ] || { echo "SES does not send for $MAIL_IDENTITY: ${state##*$'\n'} (mail_dkim_records in the outputs must be in its DNS)"; return 1; }
    state=$(aws sesv2 get-account --query '[ProductionAccessEnabled, EnforcementStatus]' --output text 2>&1)
    [ "$(echo "$state" | tr -s '[:space:]' ' ')" = "True HEALTHY " ] || { echo "SES is in its sandbox, or under review: ${state##*$'\n'}"; return 1; }
    state=$(aws sesv2 get-configuration-set --configuration-set-name "$prefix-mail" --query '[DeliveryOptions.TlsPolicy, length(SuppressionOptions.SuppressedReasons)]' --output text 2>&1)
    [ "$(echo "$state" | tr -s '[:space:]' ' ')" = "REQUIRE 2 " ] || { echo "mails go without TLS, or to addresses that bounced: ${state##*$'\n'}"; return 1; }
    echo "SES sends for $MAIL_IDENTITY, to anybody, over TLS alone"
}

# People who do not exist, so nobody is locked; a made-up X-Forwarded-For each time, so only the real address can be what is counted.
logins_are_limited() {
    local status
    : >"$work/authorization"
    for attempt in $(seq 45); do
        status=$(call POST /auth/login "{\"email\":\"$mark-$attempt@example.com\",\"password\":\"not the password\"}" "X-Forwarded-For: 203.0.113.$attempt")
        case $status in
        401) ;;
        429)
            [ -n "$(member code)" ] || { echo "the gateway's throttle answers before the functions' limit: 429 without CORS headers"; return 1; }
            echo "login $attempt of a minute is refused by the caller's real address"
            return 0
            ;;
        *) echo "login $attempt answers $(answer "$status")" && return 1 ;;
        esac
    done
    echo "45 logins of one address were let through: the limit counts something else than the source address"
    return 1
}

check "login" signs_in
check "leading keys over two tables" reads_through_the_roles
check "roles" roles_are_narrow
check "paths" paths_are_decoded_once
check "subprotocol" connects
check "background tasks" frames_arrive
check "logs" logs_are_written
check "metrics" metrics_are_there
check "tables" tables_are_safe
check "buckets" buckets_are_private
check "mail" mail_can_be_sent
# Cleaned up before the token is forgotten.
cp "$work/authorization" "$work/kept"
check "login limit" logins_are_limited
cp "$work/kept" "$work/authorization"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
