"""Settles labels: what annotators agree on, what an adjudicator decides, what the log recorded."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from eval_pipeline.review.agreement import krippendorffs_alpha
from eval_pipeline.review.agreement_intervals import AgreementEstimate
from eval_pipeline.review.states import (
    DECIDED,
    SETTLED_STATES,
    Row,
    TaskState,
    standing_decision,
    standing_labels,
    state_of,
)
from eval_pipeline.settings import RecordedLabelSettings, ReviewSettings
from eval_pipeline.tables import ADJUDICATIONS

RECORDED: Final = "recorded"
SCRIPTED: Final = "scripted"
PERSON: Final = "person"


@dataclass(frozen=True)
class Settlement:
    """Where a week's tasks stand.

    `states`: task_id, interaction_id, selection, state, one row per task. `settled`: the tasks
    with a label, as ADJUDICATIONS. `ratings`: per task that has any, the labels that count, in the
    order of the annotators' first labels, one entry per annotator asked for; null where one has not
    labelled or cannot tell.
    """

    states: pl.DataFrame
    settled: pl.DataFrame
    ratings: tuple[tuple[str | None, ...], ...]

    def count(self, *states: TaskState) -> int:
        """Tasks in any of these states."""
        return self.states.filter(pl.col("state").is_in(list(states))).height


@dataclass(frozen=True)
class Publishable:
    """Whether a week's labels may be published, and why or why not."""

    ready: bool
    reason: str


def settle(
    tasks: pl.DataFrame,
    labels: pl.DataFrame,
    adjudications: pl.DataFrame,
    *,
    policy: ReviewSettings,
) -> Settlement:
    """The state of every task by `states.state_of`, and the settled labels.

    The first `labels_needed` labels by different people count, or `annotators_per_item` where a
    task does not say; a correction takes the place of what it corrects, a withdrawn label is out.
    Gold checks, whose `known_label` is known, ask nothing new and are left out. Raises
    `ReviewError` if a correction points at another task's row or at another person's label.
    """
    kinds = dict(labels.select("annotator_id", "annotator_kind").iter_rows())
    labels_of, adjudications_of = _by_task(labels), _by_task(adjudications)
    states, settled, ratings = [], [], []
    for task in tasks.sort("task_id").iter_rows(named=True):
        if task.get("known_label") is not None:
            continue
        needed = task.get("labels_needed") or policy.annotators_per_item
        counted = standing_labels(labels_of.get(task["task_id"], []))[:needed]
        decision = standing_decision(adjudications_of.get(task["task_id"], []))
        state = state_of(counted, decision, needed=needed)
        states.append(
            {**{name: task[name] for name in _STATE_SCHEMA if name != "state"}, "state": state}
        )
        if counted:
            ratings.append(_ratings(counted, entries=max(needed, policy.annotators_per_item)))
        if state in ("agreed", "adjudicated"):
            settled.append(_settled_row(task, counted, decision, kinds=kinds))
    return Settlement(
        states=pl.DataFrame(states, schema=_STATE_SCHEMA),
        settled=ADJUDICATIONS.conform(pl.DataFrame(settled, schema=ADJUDICATIONS.schema)),
        ratings=tuple(ratings),
    )


_STATE_SCHEMA: Final = pl.Schema(
    {
        "task_id": pl.String,
        "interaction_id": pl.String,
        "selection": pl.String,
        "state": pl.String,
    }
)


def recorded_labels(
    anonymised: pl.DataFrame, policy: Sequence[RecordedLabelSettings]
) -> pl.DataFrame:
    """The labels that the log itself carries, as ADJUDICATIONS; `reason` names their column.

    The first rule that covers the route and finds a value decides. Interactions without a response
    have nothing to label.
    """
    rows = []
    for row in anonymised.iter_rows(named=True):
        rule = next((rule for rule in policy if _has_value(row, rule)), None)
        if rule is None or not (row["response"] or "").strip():
            continue
        passed = row[rule.column] >= rule.pass_at_least
        rows.append(
            {
                "interaction_id": row["interaction_id"],
                "label": "pass" if passed else "fail",
                "settled_by": RECORDED,
                "selection": RECORDED,
                "reason": rule.column,
                "label_probability": 1.0,
                "annotators": [],
                "labels": [],
                "annotator_kind": RECORDED,
                "labelled_on": row["occurred_at"].date(),
            }
        )
    return ADJUDICATIONS.conform(pl.DataFrame(rows, schema=ADJUDICATIONS.schema))


def with_recorded(settled: pl.DataFrame, recorded: pl.DataFrame) -> pl.DataFrame:
    """People's labels, else the log's own, else those of scripts that stand in for people."""
    people = settled.filter(pl.col("annotator_kind") == PERSON)
    logged = recorded.join(people, on="interaction_id", how="anti")
    labelled = pl.concat([people, logged])
    scripted = settled.join(labelled, on="interaction_id", how="anti")
    return ADJUDICATIONS.conform(pl.concat([labelled, scripted]))


def publishable(
    settlement: Settlement,
    *,
    policy: ReviewSettings,
    as_of: dt.date,
    week: str,
    subset_alphas: Mapping[str, AgreementEstimate] = MappingProxyType({}),
) -> Publishable:
    """Ready when every task is settled, or at the deadline with the minimum share settled.

    The deadline is `deadline_days` after the Monday that ends the week. Where annotators differ
    more than `minimum_agreement` allows, nothing is ready: the rubric needs work, not more labels.
    `subset_alphas` are of the window of weeks: a subset holds back where even the upper bound of
    its alpha is below `minimum_subset_agreement`, so that noise on a few tasks does not.
    Agreement that is undefined (no variation, no double labels) holds nothing back.
    """
    tasks, settled = settlement.states.height, settlement.count(*SETTLED_STATES)
    alpha = krippendorffs_alpha(settlement.ratings, purpose=week, resamples=0).value
    if alpha is not None and alpha < policy.minimum_agreement:
        return Publishable(
            ready=False,
            reason=f"annotators agree too little: alpha {alpha:.2f}, the policy asks for "
            f"{policy.minimum_agreement:.2f}",
        )
    disagreeing = [
        f"on '{subset}' alpha {alpha.value:.2f} ({alpha.lower:.2f} to {alpha.upper:.2f}, "
        f"{alpha.tasks} tasks), the policy asks for {minimum:.2f}"
        for subset, alpha in sorted(subset_alphas.items())
        if (minimum := policy.minimum_alpha_of(subset)) is not None
        and alpha.upper is not None
        and alpha.upper < minimum
    ]
    if disagreeing:
        told = "; ".join(disagreeing)
        return Publishable(ready=False, reason=f"annotators agree too little: {told}")
    progress = f"{settled} of {tasks} tasks are settled"
    if settled == tasks:
        return Publishable(ready=True, reason=progress)
    deadline = dt.date.fromisoformat(week) + dt.timedelta(days=7 + policy.deadline_days)
    if as_of < deadline:
        return Publishable(ready=False, reason=f"{progress}; the deadline is {deadline}")
    needed = policy.minimum_settled_share * tasks
    if settled >= needed:
        return Publishable(ready=True, reason=f"{progress} at the deadline of {deadline}")
    return Publishable(
        ready=False,
        reason=f"{progress} at the deadline of {deadline}, fewer than the share of "
        f"{policy.minimum_settled_share:.2f} that the policy asks for",
    )


def _by_task(frame: pl.DataFrame) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in frame.iter_rows(named=True):
        grouped.setdefault(row["task_id"], []).append(row)
    return grouped


def _ratings(counted: Sequence[Row], *, entries: int) -> tuple[str | None, ...]:
    given = [row["label"] if row["label"] in DECIDED else None for row in counted]
    return (*given, *[None] * (entries - len(given)))


def _settled_row(
    task: Row, counted: Sequence[Row], decision: Row | None, *, kinds: dict[str, str]
) -> dict[str, Any]:
    label = decision["label"] if decision else counted[0]["label"]
    agreeing = [row for row in counted if row["label"] == label]
    sources = [decision, *agreeing] if decision else agreeing
    people = [row["annotator_id"] for row in counted]
    involved = [kinds.get(person) for person in people]
    if decision:
        decided_by = kinds.get(decision["adjudicated_by"])
        involved.append(decision.get("annotator_kind") or decided_by)
    last = decision["adjudicated_at"] if decision else max(row["labelled_at"] for row in counted)
    return {
        "interaction_id": task["interaction_id"],
        "task_id": task["task_id"],
        "label": label,
        "settled_by": "adjudication" if decision else "agreement",
        "selection": task["selection"],
        "reason": task["reason"],
        "label_probability": task["label_probability"],
        "annotators": people,
        "labels": [row["label"] for row in counted],
        "adjudicated_by": decision["adjudicated_by"] if decision else None,
        "annotator_kind": SCRIPTED if SCRIPTED in involved else PERSON,
        "rationale": _first_text(sources, "rationale"),
        "reference_response": _first_text(sources, "reference_response"),
        "labelled_on": _utc_date(last),
    }


def _first_text(rows: Sequence[Row], column: str) -> str | None:
    return next((row[column] for row in rows if (row[column] or "").strip()), None)


def _utc_date(instant: dt.datetime) -> dt.date:
    return (instant.astimezone(dt.UTC) if instant.tzinfo else instant).date()


def _has_value(row: Row, rule: RecordedLabelSettings) -> bool:
    if rule.routes and row["route"] not in rule.routes:
        return False
    value = row[rule.column]
    return value is not None and value == value  # noqa: PLR0124 - NaN is no value
