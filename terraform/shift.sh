#!/usr/bin/env bash
# Moves the alias `live` of an environment's functions to their newest versions by weights: a tenth of the traffic for five minutes, then
# all of it; or back, when an alarm is raised. Where `canary` is not set, Terraform has moved the aliases already, and there is nothing
# to do. Needs the aws command, with credentials and a region.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
    cat <<'END'
terraform/shift.sh ENV [--engine codedeploy|alias] [--percent 10] [--seconds 300] [--poll 10] [--function NAME]... [--version N]
terraform/shift.sh ENV --back [--function NAME]...

  --engine    codedeploy: starts a deployment for each function and waits; percentage and time come from the environment's `canary`; --percent and --seconds are ignored.
              alias: moves the weights from here, and polls the environment's alarms. Without it: codedeploy, if the environment has it.
  --percent   alias: the share that the new versions get first (0: everything at once).
  --seconds   alias: how long they keep it.
  --poll      How often alarms or deployments are looked at, in seconds.
  --function  Only this function, by its name in stack.yaml.
  --version   With one --function: the version to move to, such as an older one. Without it, the newest. With --percent 0 it is a
              rollback: at once, without CodeDeploy, and also while alarms are raised.
  --back      Takes the weights away, after an interrupted shift: the version that had most of the traffic gets all of it.

Ends with 0 when everything is live, 1 when it went back or could not begin.
END
}

fail() { printf '%s\n' "$1" >&2; exit 1; }
number() { [[ $2 =~ ^[0-9]+$ ]] || fail "$1 takes a number, not \"$2\"."; }

[ $# -gt 0 ] || { usage; exit 2; }
case $1 in -h | --help) usage; exit 0 ;; -*) usage; exit 2 ;; esac
env=$1
shift
engine='' percent=10 seconds=300 poll=10 version='' back='' chosen=()
while [ $# -gt 0 ]; do
    case $1 in
        --back) back=1; shift; continue ;;
        -h | --help) usage; exit 0 ;;
    esac
    [ $# -gt 1 ] || { usage; exit 2; }
    case $1 in
        --engine) engine=$2 ;;
        --percent) number "$1" "$2"; percent=$2 ;;
        --seconds) number "$1" "$2"; seconds=$2 ;;
        --poll) number "$1" "$2"; poll=$2 ;;
        --function) chosen+=("$2") ;;
        --version) number "$1" "$2"; version=$2 ;;
        *) usage; exit 2 ;;
    esac
    shift 2
done
case $engine in '' | codedeploy | alias) ;; *) usage; exit 2 ;; esac
[ "$percent" -lt 100 ] || fail "--percent takes 0 to 99: the share of the new versions before they get everything."
[ -z "$version" ] || [ ${#chosen[@]} = 1 ] || fail "--version goes with one --function: versions are counted for each."

# An earlier version gets everything at once, whatever alarms there are, and without CodeDeploy.
rollback=''
if [ -n "$version" ] && [ "$percent" = 0 ]; then
    rollback=1
    engine=${engine:-alias}
fi

project=$(sed -nE 's/^project: *([a-z0-9-]+).*/\1/p' stack.yaml)
prefix=$project-$env
if [ ${#chosen[@]} = 0 ]; then
    # The keys of `functions`, up to the next key of the first level.
    mapfile -t chosen < <(sed -nE '/^functions:/,/^[a-z_]+:/{ s/^  ([a-z0-9-]+):.*/\1/p; }' stack.yaml)
fi
[ ${#chosen[@]} -gt 0 ] || fail "stack.yaml names no functions."

# Everything below is by short name.
declare -A from=() to=() deployment=()

# The alias's main version, and the version that has a weight beside it, if any.
alias_of() {
    aws lambda get-alias --function-name "$prefix-$1" --name live --output text \
        --query "[FunctionVersion, join(',', keys(not_null(RoutingConfig.AdditionalVersionWeights, \`{}\`)))]"
}
newest() {
    # A long list comes in pages, and a query is run on each of them.
    aws lambda list-versions-by-function --function-name "$prefix-$1" --query 'Versions[].Version' --output text | tr -s '\t ' '\n' \
        | grep -E '^[0-9]+$' | sort -n | tail -n 1
}
# all_to NAME VERSION: that version gets everything.
all_to() {
    aws lambda update-alias --function-name "$prefix-$1" --name live --function-version "$2" \
        --routing-config '{"AdditionalVersionWeights": {}}' --output text --query FunctionVersion >/dev/null
}
share_to() {
    aws lambda update-alias --function-name "$prefix-$1" --name live \
        --routing-config "$(printf '{"AdditionalVersionWeights": {"%s": 0.%02d}}' "$2" "$percent")" --output text --query FunctionVersion >/dev/null
}

# The alarms of this environment that are raised now. It fails when CloudWatch does not tell.
raised() {
    local names
    names=$(aws cloudwatch describe-alarms --alarm-name-prefix "$prefix-" --state-value ALARM --query 'MetricAlarms[].AlarmName' --output text) || return 1
    names=$(tr -s '\t\n' '  ' <<<"$names")
    names=${names% }
    [ "$names" = None ] || printf '%s' "$names"
}

plan_moves() {
    local name main weighted target
    for name in "${chosen[@]}"; do
        read -r main weighted < <(alias_of "$name") || fail "$prefix-$name has no alias live: is $env deployed?"
        [ -z "$weighted" ] || fail "$prefix-$name is between the versions $main and $weighted: another shift is under way, or was interrupted (--back ends it)."
        target=$version
        [ -n "$target" ] || target=$(newest "$name") || fail "The versions of $prefix-$name cannot be listed."
        if [ "$main" = "$target" ]; then
            echo "$name: version $main is live"
        else
            from[$name]=$main to[$name]=$target
        fi
    done
}

# Whatever ends the script before everything is live: an alarm, a call that fails, a signal.
on_end() {
    # A trap on EXIT, not on ERR: subshells do not inherit it.
    # shellcheck disable=SC2064
    trap "$1" EXIT
    trap 'echo interrupted; exit 1' INT TERM
}

go_back() {
    local name failed=0
    trap - EXIT
    trap '' INT TERM
    for name in "${!to[@]}"; do
        if all_to "$name" "${from[$name]}"; then
            echo "$name: back at version ${from[$name]}"
        else
            echo "$name: could not be moved back to version ${from[$name]}"
            failed=1
        fi
    done
    [ "$failed" = 0 ] || echo "Run: terraform/shift.sh $env --back"
    exit 1
}

shift_by_alias() {
    local name alarms until
    # A rollback is made because of an alarm.
    if [ -z "$rollback" ]; then
        alarms=$(raised) || fail "Nothing was moved, because the alarms cannot be read."
        [ -z "$alarms" ] || fail "Nothing was moved, because of alarms that are raised already: $alarms"
    fi
    on_end go_back
    if [ "$percent" -gt 0 ]; then
        for name in "${!to[@]}"; do
            share_to "$name" "${to[$name]}"
            echo "$name: version ${to[$name]} has $percent %, version ${from[$name]} the rest"
        done
        until=$((SECONDS + seconds))
        while :; do
            alarms=$(raised)
            [ -z "$alarms" ] || { echo "alarm: $alarms"; exit 1; }
            [ "$SECONDS" -lt "$until" ] || break
            sleep "$((poll < until - SECONDS ? poll : until - SECONDS))"
        done
    fi
    for name in "${!to[@]}"; do
        all_to "$name" "${to[$name]}"
        echo "$name: version ${to[$name]} is live"
    done
    trap - EXIT INT TERM
}

# CodeDeploy moves back those that it stops. One that had succeeded already is moved from here.
stop_all() {
    local name
    trap - EXIT
    trap '' INT TERM
    echo "all functions go back"
    for name in "${!deployment[@]}"; do
        # One that has ended cannot be stopped.
        aws deploy stop-deployment --deployment-id "${deployment[$name]}" --auto-rollback-enabled --output text --query status >/dev/null 2>&1 || true
    done
    wait_for_ends
    go_back
}

shift_by_codedeploy() {
    local name content revision status states
    on_end stop_all
    for name in "${!to[@]}"; do
        content=$(printf '{"version": 0.0, "Resources": [{"live": {"Type": "AWS::Lambda::Function", "Properties": {"Name": "%s", "Alias": "live", "CurrentVersion": "%s", "TargetVersion": "%s"}}}]}' \
            "$prefix-$name" "${from[$name]}" "${to[$name]}")
        # The content is a text inside of JSON.
        revision=$(printf '{"revisionType": "AppSpecContent", "appSpecContent": {"content": "%s"}}' "${content//\"/\\\"}")
        deployment[$name]=$(aws deploy create-deployment --application-name "$prefix" --deployment-group-name "$name" --revision "$revision" \
            --query deploymentId --output text)
        echo "$name: ${deployment[$name]} moves version ${from[$name]} to ${to[$name]}"
    done
    while :; do
        states=''
        for name in "${!deployment[@]}"; do
            status=$(aws deploy get-deployment --deployment-id "${deployment[$name]}" --query deploymentInfo.status --output text)
            states+=" $status"
            case $status in
                Failed | Stopped)
                    aws deploy get-deployment --deployment-id "${deployment[$name]}" --query 'deploymentInfo.errorInformation.message' --output text
                    echo "$name: $status"
                    exit 1
                    ;;
            esac
        done
        [[ $states =~ (Created|Queued|InProgress|Baking|Ready) ]] || break
        sleep "$poll"
    done
    trap - EXIT INT TERM
    for name in "${!to[@]}"; do echo "$name: version ${to[$name]} is live"; done
}

# Until no deployment of this environment is at work any more: CodeDeploy does not lock the alias, so two would overwrite each other's work.
wait_for_ends() {
    local name status open
    for _ in $(seq 60); do
        open=''
        for name in "${!deployment[@]}"; do
            status=$(aws deploy list-deployments --application-name "$prefix" --deployment-group-name "$name" \
                --include-only-statuses Created Queued InProgress Baking Ready --query 'deployments' --output text)
            [ -z "$status" ] || [ "$status" = None ] || open=1
        done
        [ -n "$open" ] || return 0
        sleep 5
    done
    echo "CodeDeploy is still at work after five minutes."
}

if [ -n "$back" ]; then
    for name in "${chosen[@]}"; do
        read -r main weighted < <(alias_of "$name") || fail "$prefix-$name has no alias live: is $env deployed?"
        all_to "$name" "$main"
        echo "$name: version $main has everything$([ -z "$weighted" ] || echo ", version $weighted nothing")"
    done
    exit 0
fi

plan_moves
[ ${#to[@]} -gt 0 ] || { echo "$env: every newest version is live"; exit 0; }
if [ -z "$engine" ]; then
    if aws deploy get-application --application-name "$prefix" --output text --query application.applicationName >/dev/null 2>&1; then
        engine=codedeploy
    else
        engine='alias'
    fi
fi
"shift_by_$engine"
