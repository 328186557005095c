#!/usr/bin/env bash
# Posts the decision as a comment on a pull request, or renews the comment of an earlier run.
# Needs `gh`, GH_TOKEN with `pull-requests: write`, REPOSITORY as owner/name and PULL_REQUEST.
set -euo pipefail

body="${REPORTS:-eval-pipeline-reports}/decision.md"
[ -s "$body" ] || { echo "There is no decision to comment on." >&2; exit 0; }
[[ "$PULL_REQUEST" =~ ^[0-9]+$ ]] || { echo "This is no pull request; no comment." >&2; exit 0; }

# The first line is hidden by the forge and the same for every decision on this candidate.
MARKER="$(head -n 1 -- "$body")"
export MARKER
comments="repos/$REPOSITORY/issues/$PULL_REQUEST/comments"
found="$(gh api --paginate "$comments" \
  --jq '.[] | select(.body | startswith(env.MARKER)) | .id' | head -n 1)"

if [ -n "$found" ]; then
  gh api --silent --method PATCH "repos/$REPOSITORY/issues/comments/$found" --field "body=@$body"
else
  gh api --silent --method POST "$comments" --field "body=@$body"
fi
