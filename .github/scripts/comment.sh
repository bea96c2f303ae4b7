#!/usr/bin/env bash
# comment.sh NUMBER ENV COMMIT FILE: puts a plan into the pull request's one comment for this environment.
set -euo pipefail
number=$1 env=$2 commit=$3 file=$4
comments=repos/$GITHUB_REPOSITORY/issues/$number/comments
marker="<!-- plan of $env -->"
body=$(mktemp)
trap 'rm -f "$body"' EXIT
{
    printf '%s\n**Plan of %s** at %s: %s\n\n' "$marker" "$env" "$commit" "$(grep -m 1 -E '^(Plan:|No changes)' "$file" || echo 'outputs change')"
    # A comment takes 65,536 characters.
    printf '<details><summary>The plan</summary>\n\n````\n'
    head -c 60000 "$file"
    printf '\n````\n\n'
    [ "$(wc -c <"$file")" -le 60000 ] || printf 'The rest is in the run: %s\n\n' "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
    printf '</details>\n'
} >"$body"
# Only comments of our own: anyone may write one that begins with the marker.
own=$(gh api --paginate "$comments" --jq ".[] | select(.user.login == \"github-actions[bot]\" and (.body | startswith(\"$marker\"))) | .id" | head -n 1)
if [ -n "$own" ]; then
    gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$own" --field body=@"$body" --silent
else
    gh api --method POST "$comments" --field body=@"$body" --silent
fi
