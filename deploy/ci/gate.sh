#!/usr/bin/env bash
# Decides, writes every form of the decision into $REPORTS, and ends with the program's exit code:
# 0 pass, 1 block, 2 inconclusive, 3 could not be evaluated.
#
# Either CANDIDATE and CONFIG (the gate of a project), or BASELINE_RESULTS, CANDIDATE_RESULTS and
# POLICY (two files of scored trials), with METRIC, BASELINE_SYSTEM and CANDIDATE_SYSTEM if needed.
set -uo pipefail

command="${COMMAND:-eval-pipeline}"
reports="${REPORTS:-eval-pipeline-reports}"

mkdir -p -- "$reports" || exit 3
rm -f -- "$reports"/decision.*

told=(--out "$reports/decision.txt")
for form in json=json junit=xml markdown=md html=html; do
  told+=(--also "${form%%=*}=$reports/decision.${form##*=}")
done

if [ -n "${BASELINE_RESULTS:-}" ]; then
  asked=(compare "--policy=${POLICY:-}" "${told[@]}")
  [ -z "${METRIC:-}" ] || asked+=("--metric=$METRIC")
  [ -z "${BASELINE_SYSTEM:-}" ] || asked+=("--baseline-system=$BASELINE_SYSTEM")
  [ -z "${CANDIDATE_SYSTEM:-}" ] || asked+=("--candidate-system=$CANDIDATE_SYSTEM")
  asked+=(-- "$BASELINE_RESULTS" "${CANDIDATE_RESULTS:-}")
else
  asked=(gate "--candidate=${CANDIDATE:-}" "--config=${CONFIG:-eval_pipeline.yaml}" "${told[@]}")
fi

"$command" "${asked[@]}"
code=$?

# Without a decision there is no verdict, whatever the exit code says.
[ -s "$reports/decision.json" ] || code=3
case "$code" in
  0) verdict=pass ;;
  1) verdict=block ;;
  2) verdict=inconclusive ;;
  *) verdict=invalid code=3 ;;
esac

[ ! -s "$reports/decision.txt" ] || cat -- "$reports/decision.txt"
if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -s "$reports/decision.md" ]; then
  cat -- "$reports/decision.md" >> "$GITHUB_STEP_SUMMARY"
fi
if [ -n "${GITHUB_OUTPUT:-}" ]; then
  printf 'verdict=%s\ncode=%s\n' "$verdict" "$code" >> "$GITHUB_OUTPUT"
fi
exit "$code"
