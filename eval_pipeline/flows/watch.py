"""Asks each pinned system a few canary prompts; a changed model becomes a candidate."""

from dataclasses import dataclass

import polars as pl

from eval_pipeline.adapters.provider_watch import Sighting, candidate_name, compare, observe
from eval_pipeline.evaluation.trials import golden_items, plan_trials
from eval_pipeline.fingerprint import smallest_by_hash
from eval_pipeline.flows.candidates import write_provider_change
from eval_pipeline.flows.drift import pinned_systems
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import DRIFT_TRIALS


@dataclass(frozen=True)
class Watched:
    """What one look at one system found; `candidate_id` is set where it opened a candidate."""

    system_id: str
    finding: str
    reason: str
    candidate_id: str | None


def watch_providers(pipeline: Pipeline) -> list[Watched]:
    """One look at every pinned system; without a golden version there is nothing to ask yet."""
    version = pipeline.golden.latest()
    if version is None:
        return []
    return [_watch(pipeline, system_id, version=version) for system_id in pinned_systems(pipeline)]


def _watch(pipeline: Pipeline, system_id: str, *, version: int) -> Watched:
    history = pipeline.sightings.history(system_id)
    scope = f"watch:{system_id}:{len(history) + 1}"
    sighting = _look(pipeline, system_id, version=version, scope=scope)
    finding = compare([Sighting.from_json(known) for known in history], sighting)
    candidate_id = None
    recorded = _week_before_the_change(pipeline, system_id, sighting)
    if finding.kind == "changed" and recorded is not None:
        candidate_id = candidate_name(system_id, sighting)
        write_provider_change(
            pipeline.project,
            candidate_id,
            system_id=system_id,
            recorded_week=recorded,
            seen=finding.reason,
        )
    pipeline.sightings.record(
        system_id,
        sighting_json=sighting.to_json(),
        served_model=sighting.served_model,
        system_fingerprint=sighting.system_fingerprint,
        canaries=len(sighting.answers),
        changed_answers=finding.changed_answers,
        finding=finding.kind,
        candidate_id=candidate_id,
        seen_at=pipeline.clock(),
    )
    return Watched(system_id, finding.kind, finding.reason, candidate_id)


def _look(pipeline: Pipeline, system_id: str, *, version: int, scope: str) -> Sighting:
    items = golden_items(pipeline.golden.items(version), golden_version=version)
    chosen = set(
        smallest_by_hash(
            [item.item_id for item in items if item.source == "golden"],
            pipeline.settings.watch.prompts,
            salt="canary",
        )
    )
    calls = plan_trials(
        [item for item in items if item.item_id in chosen],
        system_id=system_id,
        system=pipeline.settings.systems[system_id],
        scope=scope,
    )
    return observe(pipeline.runner, calls, system_id=system_id)


def _week_before_the_change(pipeline: Pipeline, system_id: str, now: Sighting) -> str | None:
    """The last week re-run whose answers do not already carry the new identity."""
    for week in reversed(pipeline.lake.partitions(DRIFT_TRIALS)):
        rerun = pipeline.lake.read(DRIFT_TRIALS, partition=week).filter(
            (pl.col("system_id") == system_id)
            & (pl.col("stream") == "rerun")
            & (pl.col("status") == "answered")
        )
        new = (pl.col("served_model") == now.served_model) & pl.col(
            "system_fingerprint"
        ).eq_missing(pl.lit(now.system_fingerprint))
        if rerun.height and not rerun.select(new.any()).item():
            return week
    return None
