#!/bin/sh
# What a container of the image is, by its first word; any other command runs as it stands.
#
#   webserver, daemon, code-location     the three parts of Dagster; runs are of the code location
#   desk, mirror, metrics                the review desk, the mirror before a provider, Prometheus
#   upgrade                              migrates the store and ends
set -eu

# Dagster takes its secrets from the environment alone; eval-pipeline reads `..._FILE` by itself.
if [ -n "${DAGSTER_PG_PASSWORD_FILE:-}" ]; then
  DAGSTER_PG_PASSWORD="$(cat -- "$DAGSTER_PG_PASSWORD_FILE")"
  export DAGSTER_PG_PASSWORD
  unset DAGSTER_PG_PASSWORD_FILE
fi

part="${1:-}"
case "$part" in
  webserver) shift; exec dagster-webserver --host 0.0.0.0 --port 3000 \
    --workspace "$DAGSTER_HOME/workspace.yaml" "$@" ;;
  daemon) shift; exec dagster-daemon run --workspace "$DAGSTER_HOME/workspace.yaml" "$@" ;;
  code-location) shift; exec dagster api grpc --host 0.0.0.0 --port 4000 \
    --module-name assets.definitions --location-name eval_pipeline "$@" ;;
  desk) shift; exec eval-pipeline review serve --host 0.0.0.0 "$@" ;;
  mirror) shift; exec eval-pipeline shadow serve --host 0.0.0.0 "$@" ;;
  metrics) shift; exec eval-pipeline metrics serve --host 0.0.0.0 "$@" ;;
  upgrade) shift; exec eval-pipeline store upgrade "$@" ;;
  *) exec "$@" ;;
esac
