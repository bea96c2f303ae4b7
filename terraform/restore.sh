#!/usr/bin/env bash
# Restores a table of an environment beside the one in use, to a point in time; turns on what AWS does not copy (TTL, point-in-time
# recovery, deletion protection); compares the numbers of items. Changes nothing that is in use: docs/operations.md says how to switch.
# Needs the aws command, with credentials and a region. Counting reads both tables once, which is paid for.
set -euo pipefail
cd "$(dirname "$0")"

usage() {
    cat <<'END'
terraform/restore.sh ENV TABLE NAME [--at 2026-01-31T12:00:00Z] [--from NAME]

  TABLE   auth, connections, messages or projects, as in stack.yaml
  NAME    the full name of the table that is made: mylg-prod-messages-restored
  --at    the time to restore to; without it the latest possible, some minutes ago
  --from  the full name of the table in use, if it is not <project>-<ENV>-<TABLE>
END
}
fail() { printf '%s\n' "$1" >&2; exit 1; }

case ${1:-} in -h | --help) usage; exit 0 ;; esac
[ $# -ge 3 ] || { usage; exit 2; }
env=$1 table=$2 restored=$3
shift 3
source_table=$(sed -nE 's/^project: *([a-z0-9-]+).*/\1/p' stack.yaml)-$env-$table
when=(--use-latest-restorable-time)
while [ $# -gt 0 ]; do
    [ $# -gt 1 ] || { usage; exit 2; }
    case $1 in
        --at) when=(--restore-date-time "$2") ;;
        --from) source_table=$2 ;;
        *) usage; exit 2 ;;
    esac
    shift 2
done
tables() { sed -nE '/^tables:/,/^[a-z_]+:/{ s/^  ([a-z0-9-]+):.*/\1/p; }' stack.yaml; }
tables | grep -qx -- "$table" || fail "There is no table \"$table\" in stack.yaml: $(tables | paste -sd' ')."
[[ $restored == "${source_table%-"$table"}"-* ]] || fail "The name begins with ${source_table%-"$table"}-: roles and alarms know no other tables."
[ "$restored" != "$source_table" ] || fail "A table is restored under another name than its own."
export AWS_PAGER=''

describe() { aws dynamodb describe-table --table-name "$1" --query "$2" --output text; }
# The number of items. Each page of the scan prints its own.
count() { aws dynamodb scan --table-name "$1" --select COUNT --query Count --output text | awk '{ for (i = 1; i <= NF; i++) sum += $i } END { print sum + 0 }'; }

protected=$(describe "$source_table" Table.DeletionProtectionEnabled)
if describe "$restored" Table.TableStatus >/dev/null 2>&1; then
    echo "$restored exists: going on where an earlier run ended"
else
    echo "$source_table is restored to $restored"
    aws dynamodb restore-table-to-point-in-time --source-table-name "$source_table" --target-table-name "$restored" "${when[@]}" \
        --query TableDescription.TableStatus --output text
fi
# Longer than the CLI's own waiter waits: large tables take hours.
until [ "$(describe "$restored" Table.TableStatus)" = ACTIVE ]; do sleep "${POLL_SECONDS:-20}"; done

aws dynamodb update-time-to-live --table-name "$restored" --time-to-live-specification Enabled=true,AttributeName=ttl >/dev/null
# A new table takes this a while later.
for _ in $(seq 30); do
    aws dynamodb update-continuous-backups --table-name "$restored" --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true >/dev/null 2>&1 && break
    sleep "${POLL_SECONDS:-20}"
done
[ "$protected" != True ] || aws dynamodb update-table --table-name "$restored" --deletion-protection-enabled >/dev/null
ttl=$(aws dynamodb describe-time-to-live --table-name "$restored" --query TimeToLiveDescription.TimeToLiveStatus --output text)
backups=$(aws dynamodb describe-continuous-backups --table-name "$restored" --query ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus --output text)
case $ttl in ENABLED | ENABLING) ;; *) fail "TTL is $ttl on $restored." ;; esac
[ "$backups" = ENABLED ] || fail "Point-in-time recovery is $backups on $restored."
echo "TTL: $ttl, point-in-time recovery: $backups"

in_use=$(count "$source_table")
copied=$(count "$restored")
echo "items: $in_use in $source_table, $copied in $restored"
[ "$copied" -gt 0 ] || [ "$in_use" = 0 ] || fail "Nothing was restored."
