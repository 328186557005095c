"""The reference runs of pinned systems: what a week's re-run would score if nothing changed."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import polars as pl

from eval_pipeline.adapters.model_calls.call_figures import spent_on
from eval_pipeline.adapters.model_calls.runner import call_key
from eval_pipeline.errors import SettingsError
from eval_pipeline.evaluation.drift_detection.pinning import (
    PinOrder,
    keys_held,
    missing_judgements,
    missing_reruns,
    pinned_in,
    reference_items,
    runs_wanted,
)
from eval_pipeline.evaluation.drift_detection.readings import active_pin
from eval_pipeline.evaluation.drift_detection.sentences import days_of
from eval_pipeline.evaluation.trial_items import TrialItem
from eval_pipeline.evaluation.trials import RecordedAnswer, plan_trials, trial_scores
from eval_pipeline.flows.drift import frozen_answers, items_of_week, pinned_systems
from eval_pipeline.flows.scoring import score_responses
from eval_pipeline.flows.trials import score_outcomes
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.ports import CallOutcome
from eval_pipeline.tables import DRIFT_REFERENCE


@dataclass(frozen=True)
class Gap:
    """What one system lacks: per run the items to ask about and the frozen answers to score."""

    system_id: str
    pinned: str
    asked: tuple[tuple[int, list[TrialItem]], ...]
    judged: tuple[tuple[int, list[RecordedAnswer]], ...]

    @property
    def calls(self) -> int:
        """Answers of the system, at most: what the journal holds is not paid again."""
        return sum(len(items) for _, items in self.asked)

    @property
    def scorings(self) -> int:
        """Answers that are scored, of the system and frozen ones."""
        return self.calls + sum(len(answers) for _, answers in self.judged)


PIN_COLUMNS: Final = pl.Schema(
    {
        "system_id": pl.String,
        "pinned_week": pl.String,
        "runs": pl.Int64,
        "items": pl.Int64,
        "days": pl.Int64,
        "usd": pl.Float64,
    }
)


@dataclass(frozen=True)
class PinState:
    """How a system's reference stands: its runs, the days they were made on, what they cost.

    `usd` is what the journal says of all calls for it, those of the judges included.
    """

    system_id: str
    pinned_week: str
    runs: int
    items: int
    days: int
    usd: float


def scope_of_run(pinned: str, run: int) -> str:
    """What one run is paid for: no run, and no week, is ever answered from another's journal."""
    return f"drift_reference:{pinned}:{run}"


def reference_up_to(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """DRIFT_REFERENCE of the week and all weeks before it."""
    known = [name for name in pipeline.lake.partitions(DRIFT_REFERENCE) if name <= week]
    return pipeline.lake.read_all(DRIFT_REFERENCE, partitions=known)


def complete_reference(
    pipeline: Pipeline, *, week: str, order: PinOrder | None = None
) -> pl.DataFrame:
    """The week's DRIFT_REFERENCE: what it held, and the runs that were missing.

    Without an order only items that have come since a system was pinned are asked about; a system
    that nobody pinned has no reference.
    """
    frames = [DRIFT_REFERENCE.empty()]
    if pipeline.lake.has(DRIFT_REFERENCE, partition=week):
        frames.append(pipeline.lake.read(DRIFT_REFERENCE, partition=week))
    for gap in reference_gaps(pipeline, week=week, order=order):
        rows = [*_asked(pipeline, gap, week=week), *_judged(pipeline, gap, week=week)]
        frames.append(pl.DataFrame(rows, schema=DRIFT_REFERENCE.schema))
    return DRIFT_REFERENCE.conform(pl.concat(frames))


def reference_gaps(pipeline: Pipeline, *, week: str, order: PinOrder | None = None) -> list[Gap]:
    """What every pinned system lacks this week; raises where the order names an unknown one."""
    policy = pipeline.settings.drift
    unknown = set(order.systems if order else ()) - set(pinned_systems(pipeline))
    if unknown:
        raise SettingsError(
            f"'{min(unknown)}' is not re-run every week, so there is nothing to pin. "
            f"Name it under `drift.systems`; there are {', '.join(pinned_systems(pipeline))}."
        )
    reference = reference_up_to(pipeline, week=week)
    items = reference_items(items_of_week(pipeline, week=week), maximum=policy.reference_items)
    gaps = []
    for system_id in pinned_systems(pipeline):
        standing = active_pin(reference, system_id=system_id, week=week)
        pinned = pinned_in(system_id, standing=standing, order=order, week=week)
        if pinned is None:
            continue
        own = reference.filter(pl.col("system_id") == system_id, pl.col("pinned_week") == pinned)
        existing = max(own["run"].to_list(), default=0)
        runs = runs_wanted(system_id, existing=existing, order=order, policy=policy)
        held = keys_held(own)
        answers = [
            answer
            for at in (week, _next(week))
            for answer in frozen_answers(pipeline, items, system_id=system_id, week=at)
        ]
        gaps.append(
            Gap(
                system_id,
                pinned,
                tuple(missing_reruns(items, held, pinned=pinned, runs=runs)),
                tuple(missing_judgements(answers, held, runs=runs).items()),
            )
        )
    return gaps


def pin_states(pipeline: Pipeline, *, week: str) -> list[PinState]:
    """How the reference of every pinned system stands."""
    reference = reference_up_to(pipeline, week=week)
    states = []
    for system_id in pinned_systems(pipeline):
        pinned = active_pin(reference, system_id=system_id, week=week)
        if pinned is None:
            continue
        own = reference.filter(
            pl.col("system_id") == system_id,
            pl.col("pinned_week") == pinned,
            pl.col("stream") == "rerun",
        )
        runs = own["run"].n_unique()
        scopes = [scope_of_run(pinned, run) for run in own["run"].unique().sort()]
        states.append(
            PinState(
                system_id=system_id,
                pinned_week=pinned,
                runs=runs,
                items=own.select("item_id", "item_revision").n_unique(),
                days=days_of(own),
                usd=sum(spent_on(pipeline.store.engine, scope).usd for scope in scopes),
            )
        )
    return states


def _asked(pipeline: Pipeline, gap: Gap, *, week: str) -> Iterator[dict[str, Any]]:
    plan = partial(
        plan_trials,
        system_id=gap.system_id,
        system=pipeline.settings.systems[gap.system_id],
    )
    for run, items in gap.asked:
        scope = scope_of_run(gap.pinned, run)
        calls = plan(items, scope=scope, trial=run)
        outcomes = pipeline.runner.run(calls, purpose=f"reference run {run} of {gap.system_id}")
        given = score_outcomes(pipeline, items, outcomes, scope=scope, week=week)
        dates = _dates(pipeline, outcomes)
        scores = trial_scores(items, outcomes, given)
        for item, outcome, score, date in zip(items, outcomes, scores, dates, strict=True):
            yield {
                "system_id": gap.system_id,
                "pinned_week": gap.pinned,
                "stream": "rerun",
                "item_id": item.item_id,
                "item_revision": item.item_revision,
                "frozen_week": gap.pinned,
                "run": run,
                "asked_on": date,
                "scorer": score.scorer,
                "score": score.value,
                "score_error": score.error,
                "cost_usd": outcome.cost_usd,
            }


def _dates(pipeline: Pipeline, outcomes: Sequence[CallOutcome]) -> list[dt.date | None]:
    """When each was asked, by the journal: so a lake made again from it has the same dates."""
    keys = [call_key(outcome.call) for outcome in outcomes]
    attempts = pipeline.journal.last_attempts(keys)
    return [attempts[key].recorded_at.date() if key in attempts else None for key in keys]


def _judged(pipeline: Pipeline, gap: Gap, *, week: str) -> Iterator[dict[str, Any]]:
    for run, answers in gap.judged:
        scores = score_responses(
            pipeline,
            [answer.request for answer in answers],
            scope=scope_of_run(gap.pinned, run),
            week=week,
        )
        for answer, score in zip(answers, scores, strict=True):
            yield {
                "system_id": gap.system_id,
                "pinned_week": gap.pinned,
                "stream": "rejudged",
                "item_id": answer.item.item_id,
                "item_revision": answer.item.item_revision,
                "frozen_week": answer.row["week"],
                "run": run,
                "asked_on": None,
                "scorer": score.scorer,
                "score": score.value,
                "score_error": score.error,
                "cost_usd": None,
            }


def _next(week: str) -> str:
    return (dt.date.fromisoformat(week) + dt.timedelta(weeks=1)).isoformat()
