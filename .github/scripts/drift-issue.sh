#!/usr/bin/env bash
# drift-issue.sh ENV COMMIT FILE: opens an issue with a plan that should have been empty, or adds it to the one that is open.
set -euo pipefail
env=$1 commit=$2 file=$3
title="Drift in $env"
body=$(mktemp)
trap 'rm -f "$body"' EXIT
{
    printf 'AWS is not as the deployment of %s left %s. Either deploy again, or bring the change into Terraform.\n\n````\n' "$commit" "$env"
    head -c 60000 "$file"
    printf '\n````\n\n%s\n' "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
} >"$body"
open=$(gh issue list --repo "$GITHUB_REPOSITORY" --state open --limit 200 --json number,title --jq ".[] | select(.title == \"$title\") | .number" | head -n 1)
if [ -n "$open" ]; then
    gh issue comment "$open" --repo "$GITHUB_REPOSITORY" --body-file "$body"
else
    gh issue create --repo "$GITHUB_REPOSITORY" --title "$title" --body-file "$body"
fi
