#!/usr/bin/env bash
# Gives the verdict in CODE to the job, each in its own words; INCONCLUSIVE=warn lets 2 go on.
set -uo pipefail

case "${CODE:-3}" in
  0) exit 0 ;;
  1) echo "::error title=eval-pipeline: blocked::Harm is proven in a subset that is gated." ;;
  2)
    if [ "${INCONCLUSIVE:-fail}" = warn ]; then
      echo "::warning title=eval-pipeline: inconclusive::The evidence settles nothing yet; the job goes on."
      exit 0
    fi
    echo "::error title=eval-pipeline: inconclusive::The evidence settles nothing yet; no harm is proven."
    ;;
  *)
    echo "::error title=eval-pipeline: could not be evaluated::The data carry no verdict, or a step failed."
    exit 3
    ;;
esac
exit "$CODE"
