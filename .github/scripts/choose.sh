#!/usr/bin/env bash
# Chooses the packages to plan or deploy, and writes to GITHUB_OUTPUT: `commit`, `run_id` (the run that built them) and `sums` (the
# SHA-256 of their list of checksums, where it is known already). Empty values: there is nothing.
#
# choose.sh ENV deploy [COMMIT [RUN_ID]]   those of COMMIT, else of the newest commit of main that ci passed; for an environment with
#                                          `production = true` always what staging runs
# choose.sh ENV deployed                   those that ENV runs, by the record of its last deployment
set -euo pipefail
env=$1 choice=$2 commit=${3:-} run_id=${4:-} sums=
: "${GITHUB_REPOSITORY:?}" "${GITHUB_OUTPUT:?}" "${GH_TOKEN:?}"
runs=repos/$GITHUB_REPOSITORY/actions/workflows/ci.yml/runs

say() { printf '%s\n' "$1" | tee -a "${GITHUB_STEP_SUMMARY:-/dev/null}"; }

# The record of the last deployment of an environment. A pull request can keep an artifact under any name: only records of deploy.yml
# on main count.
record() {
    local run folder
    folder=$(mktemp -d)
    run=$(gh api "repos/$GITHUB_REPOSITORY/actions/artifacts?name=deployed-$1&per_page=100" --jq '
        [.artifacts[] | select((.expired | not) and .workflow_run.head_branch == "main"
            and .workflow_run.head_repository_id == .workflow_run.repository_id)] | max_by(.created_at) | .workflow_run.id // empty')
    [ -n "$run" ] || return 0
    path=$(gh api "repos/$GITHUB_REPOSITORY/actions/runs/$run" --jq .path)
    [ "${path%%@*}" = .github/workflows/deploy.yml ] || { say "The newest record of $1 comes from $path: it is not used."; exit 1; }
    gh run download "$run" --repo "$GITHUB_REPOSITORY" --name "deployed-$1" --dir "$folder"
    commit=$(cat "$folder/commit")
    run_id=$(cat "$folder/run_id")
    sums=$(sha256sum <"$folder/SHA256SUMS" | cut -d' ' -f1)
}

case $choice in
    deployed)
        record "$env"
        [ -n "$commit" ] || say "There is no record of a deployment of $env."
        ;;
    deploy)
        # A pull request's plan names its run: of production it shows what the change would do, it does not deploy it.
        if [ -n "$run_id" ] && [ -n "$commit" ]; then
            :
        elif grep -qE '^production *= *true' "terraform/environments/$env.tfvars"; then
            [ -z "$commit" ] || { say "$env takes no commit: it gets what staging runs."; exit 1; }
            record staging
            [ -n "$commit" ] || { say "There is no record of a deployment of staging: deploy it first."; exit 1; }
        else
            query="branch=main&event=push&status=success&per_page=1${commit:+&head_sha=$commit}"
            commit_of_run=$(gh api "$runs?$query" --jq '.workflow_runs[0] | "\(.head_sha // "") \(.id // "")"')
            read -r commit run_id <<<"$commit_of_run" || true
            [ -n "$run_id" ] || { say "ci has not passed such a commit of main."; exit 1; }
        fi
        ;;
    *)
        echo "usage: choose.sh ENV deploy|deployed [COMMIT [RUN_ID]]" >&2
        exit 2
        ;;
esac
[ -z "$commit" ] || say "$env: commit $commit, built by run $run_id"
{ echo "commit=$commit"; echo "run_id=$run_id"; echo "sums=$sums"; } >>"$GITHUB_OUTPUT"
