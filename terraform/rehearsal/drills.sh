# shellcheck shell=bash disable=SC2154
# The drills of the rehearsal, sourced by run.sh, which has $work, tf, apply and the deployed addresses.

drill_email=drill@mylg.test
drill_password='a password of the drills'
prefix=mylg-dev

# settings LINE...: what the environment's file says beside dev.tfvars. A name has one line: the last.
settings() {
    local line
    for line in "$@"; do
        sed -i "/^${line%% *} /d" "$work/terraform/drill.auto.tfvars" 2>/dev/null || true
        printf '%s\n' "$line" >>"$work/terraform/drill.auto.tfvars"
    done
}

# with_requests COMMAND...: runs it while requests are made without a pause. None may be refused.
with_requests() {
    local requests
    rm -f "$work/stop"
    python3 terraform/rehearsal/requests.py "$MYLG_HTTP_URL" "$drill_email" "$drill_password" "$work/stop" >"$work/requests.log" 2>&1 &
    requests=$!
    "$@"
    touch "$work/stop"
    wait "$requests" || { cat "$work/requests.log"; exit 1; }
    cat "$work/requests.log"
}

live_version() { aws lambda get-alias --function-name "$prefix-$1" --name live --query FunctionVersion --output text; }
weights() { aws lambda get-alias --function-name "$prefix-$1" --name live --query 'RoutingConfig.AdditionalVersionWeights' --output text; }
published() { tf output -json function_versions | python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

# An empty account: preflight says what is missing, `make account` mends it, and can be run again.
drill_account() {
    local preflight=(env "ENV=dev" "SETTINGS=$work/terraform/environments/dev.tfvars" terraform/preflight.sh)
    ! "${preflight[@]}" >"$work/preflight.log" || { echo "preflight finds nothing missing in an empty account"; exit 1; }
    grep '^missing' "$work/preflight.log"
    export TF_VAR_github_repository=studio/mylg TF_VAR_alert_emails='["ops@mylg.test"]'
    for turn in first second; do
        TF_DATA_DIR="$work/account" "$work/terraform/account/apply.sh" -auto-approve -no-color >"$work/account.log" 2>&1 || { tail -n 40 "$work/account.log"; exit 1; }
        echo "$turn: $(grep -E '^Apply complete' "$work/account.log")"
    done
    unset TF_VAR_github_repository TF_VAR_alert_emails
    STATE_BUCKET=$(aws s3api list-buckets --query 'Buckets[0].Name' --output text) "${preflight[@]}"
}

# A person who is signed in while everything else happens, and one to write to.
make_people() {
    printf '{"email": "%s", "password": "%s", "role": "designer"}\n' "$drill_email" "$drill_password" peer@mylg.test "$drill_password" | cargo run --quiet -p auth-router --bin create-user >/dev/null
}

smoke() { EMAIL=$drill_email PASSWORD=$drill_password cargo run --quiet -p end-to-end --bin smoke -- --with anyone; }

# The emulator's alarms look at the errors of all functions, and do so again when an apply writes them. On AWS they end by themselves.
end_alarms() {
    local name
    for name in $(aws cloudwatch describe-alarms --state-value ALARM --query 'MetricAlarms[].AlarmName' --output text); do
        [ "$name" = None ] || aws cloudwatch set-alarm-state --alarm-name "$name" --state-value OK --state-reason drill
    done
}

# Old and new keys together, then the new one signs, then the old one goes.
drill_key_rotation() {
    settings 'signing_keys = { current = "k1", others = ["k2"] }'
    with_requests apply
    settings 'signing_keys = { current = "k2", others = ["k1"] }'
    with_requests apply
    grep -q "'k2': " "$work/requests.log" || { echo "nothing is signed with k2"; exit 1; }
    settings 'signing_keys = { current = "k2" }'
    with_requests apply
}

# A version that ends without an answer gets a tenth of the traffic. The emulator has no weights, so the drill calls the version itself, and
# it looks at alarms only when a metric is put.
break_canary() {
    local newest shift_pid status=0
    newest=$(published messages-router)
    terraform/shift.sh dev --engine alias --function messages-router --seconds 60 --poll 1 >"$work/shift.log" 2>&1 &
    shift_pid=$!
    until [ "$(weights messages-router)" != None ]; do
        kill -0 "$shift_pid" 2>/dev/null || { cat "$work/shift.log"; exit 1; }
        sleep 0.2
    done
    aws lambda invoke --function-name "$prefix-messages-router" --qualifier "$newest" --payload '{}' "$work/invoked.json" >/dev/null 2>&1 || true
    aws cloudwatch put-metric-data --namespace drill --metric-name look --value 1
    wait "$shift_pid" || status=$?
    cat "$work/shift.log"
    [ "$status" = 1 ] || { echo "the shift ended with $status, not 1"; exit 1; }
}

# A failing version is rolled back by itself, a fixed one gets all traffic, and an earlier one is made live again while an alarm is raised.
drill_canary_and_rollback() {
    local name before
    settings 'canary = { codedeploy = false }'
    for name in auth-router projects-router messages-router ws-provider; do
        tf state mv "module.backend.module.function[\"$name\"].aws_lambda_alias.live[0]" "module.backend.module.function[\"$name\"].aws_lambda_alias.gradual[0]" >/dev/null
    done
    cp "$work/zips/messages-router.zip" "$work/good.zip"
    python3 -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as package:
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    package.writestr(entry, "#!/bin/sh\nexit 1\n")' "$work/zips/messages-router.zip"
    before=$(live_version messages-router)
    apply
    [ "$(live_version messages-router)" = "$before" ] || { echo "the apply moved the alias"; exit 1; }
    with_requests break_canary
    [ "$(live_version messages-router) $(weights messages-router)" = "$before None" ] || { echo "the alias did not go back to version $before"; exit 1; }

    cp "$work/good.zip" "$work/zips/messages-router.zip"
    python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1], "a").writestr("mended", "x")' "$work/zips/messages-router.zip"
    apply
    end_alarms
    with_requests terraform/shift.sh dev --engine alias --function messages-router --seconds 3 --poll 1
    [ "$(live_version messages-router)" = "$(published messages-router)" ] || { echo "the mended version is not live"; exit 1; }

    aws cloudwatch set-alarm-state --alarm-name "$prefix-http-5xx" --state-value ALARM --state-reason drill
    with_requests terraform/shift.sh dev --function messages-router --version "$before" --percent 0
    aws cloudwatch set-alarm-state --alarm-name "$prefix-http-5xx" --state-value OK --state-reason drill
    [ "$(live_version messages-router)" = "$before" ] || { echo "version $before is not live"; exit 1; }
    terraform/shift.sh dev --engine alias --percent 0

    terraform/prune.sh dev --keep 2
    [ "$(aws lambda list-versions-by-function --function-name "$prefix-messages-router" --query 'length(Versions)' --output text)" = 3 ] ||
        { echo "other versions of messages-router are left than \$LATEST and the newest two"; exit 1; }
}

# A scan has pages of a megabyte. The command prints the count of each.
count_items() { aws dynamodb scan --table-name "$1" --select COUNT --query Count --output text | awk '{ total += $1 } END { print total }'; }

# Restored beside, counted, switched. What is in the restored table is read, and what is new goes there.
drill_restore() {
    local old=$prefix-messages new=$prefix-messages-restored address='module.backend.module.tables.aws_dynamodb_table.this["messages"]' before
    smoke
    terraform/restore.sh dev messages "$new"
    before=$(count_items "$old")
    [ "$(count_items "$new")" = "$before" ] || { echo "the restored table has other items"; exit 1; }
    settings "table_name_overrides = { messages = \"$new\" }"
    tf state rm "$address" >/dev/null
    tf import -input=false -no-color "$address" "$new" >"$work/import.log" 2>&1 || { tail -n 20 "$work/import.log"; exit 1; }
    apply
    # Where a canary is on, the apply has left the aliases alone.
    end_alarms
    terraform/shift.sh dev --engine alias --percent 0
    smoke
    [ "$(count_items "$old")" = "$before" ] || { echo "something was still written to $old"; exit 1; }
    [ "$(count_items "$new")" -gt "$before" ] || { echo "nothing was written to $new"; exit 1; }
    aws dynamodb delete-table --table-name "$old" --query TableDescription.TableStatus --output text
}
