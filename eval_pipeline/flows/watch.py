"""Asks each pinned system a few canary prompts; a changed model becomes a candidate."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from eval_pipeline.adapters.provider_watch import item_of, observe
from eval_pipeline.evaluation.trial_items import golden_items
from eval_pipeline.evaluation.trials import plan_trials
from eval_pipeline.fingerprint import smallest_by_hash
from eval_pipeline.flows.candidates import write_provider_change
from eval_pipeline.flows.drift import pinned_systems
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.provider_change.answer_signs import sign_of_answer
from eval_pipeline.monitoring.provider_change.evidence import log_threshold
from eval_pipeline.monitoring.provider_change.finding import (
    LOOKS_REMEMBERED,
    compare,
    era_answers,
)
from eval_pipeline.monitoring.provider_change.old_answers import are_the_old_models
from eval_pipeline.monitoring.provider_change.sighting import Sighting, candidate_name
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
    systems = pinned_systems(pipeline)
    threshold = log_threshold(
        poll_seconds=pipeline.settings.automation.provider_poll_seconds,
        systems=len(systems),
        false_alarms_per_quarter=pipeline.settings.watch.false_alarms_per_quarter,
    )
    return [
        _watch(pipeline, system_id, version=version, threshold=threshold) for system_id in systems
    ]


def _watch(pipeline: Pipeline, system_id: str, *, version: int, threshold: float) -> Watched:
    recorded = pipeline.sightings.history(system_id, newest=LOOKS_REMEMBERED)
    history = [Sighting.from_json(known) for known in recorded]
    scope = f"watch:{system_id}:{pipeline.sightings.count(system_id) + 1}"
    seen = _look(pipeline, system_id, version=version, scope=scope)
    finding, sighting = compare(history, seen, log_threshold=threshold)
    candidate_id = None
    week = None
    if finding.kind == "changed":
        week = _week_before_the_change(
            pipeline, history, seen, by_answers=finding.cause == "answers"
        )
    if week is not None:
        candidate_id = candidate_name(system_id, seen)
        write_provider_change(
            pipeline.project,
            candidate_id,
            system_id=system_id,
            recorded_week=week,
            seen=finding.reason,
        )
    pipeline.sightings.record(
        system_id,
        sighting_json=sighting.to_json(),
        served_model=sighting.served_model,
        system_fingerprint=sighting.system_fingerprint,
        canaries=sighting.answered,
        changed_answers=finding.new_answers,
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
    calls = [
        call
        for repeat in range(1, pipeline.settings.watch.repeats + 1)
        for call in plan_trials(
            [item for item in items if item.item_id in chosen],
            system_id=system_id,
            system=pipeline.settings.systems[system_id],
            scope=scope,
            trial=repeat,
        )
    ]
    return observe(pipeline.runner, calls, system_id=system_id)


def _week_before_the_change(
    pipeline: Pipeline, history: Sequence[Sighting], now: Sighting, *, by_answers: bool
) -> str | None:
    """The last week re-run that still has the old model's answers, by its name or by themselves."""
    for week in reversed(pipeline.lake.partitions(DRIFT_TRIALS)):
        rerun = pipeline.lake.read(DRIFT_TRIALS, partition=week).filter(
            (pl.col("system_id") == now.system_id)
            & (pl.col("stream") == "rerun")
            & (pl.col("status") != "failed")
        )
        old = _old_by_answers(rerun, history, now) if by_answers else _old_by_name(rerun, now)
        if old:
            return week
    return None


def _old_by_name(rerun: pl.DataFrame, now: Sighting) -> bool:
    new = (pl.col("served_model") == now.served_model) & pl.col("system_fingerprint").eq_missing(
        pl.lit(now.system_fingerprint)
    )
    answered = rerun.filter(pl.col("status") == "answered")
    return bool(answered.height) and not answered.select(new.any()).item()


def _old_by_answers(rerun: pl.DataFrame, history: Sequence[Sighting], now: Sighting) -> bool:
    said = rerun.select("item_id", "status", "finish_reason", "response").iter_rows()
    return are_the_old_models(
        {item_id: sign_of_answer(status, reason, text) for item_id, status, reason, text in said},
        before={item_of(prompt): signs for prompt, signs in era_answers(history).items()},
        now={item_of(prompt): signs for prompt, signs in now.answers.items()},
    )
