"""Settles labels: what annotators agree on, what an adjudicator decides, what the log recorded."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from eval_pipeline.errors import ReviewError
from eval_pipeline.review.agreement import krippendorffs_alpha
from eval_pipeline.settings import RecordedLabelSettings, ReviewSettings
from eval_pipeline.tables import ADJUDICATIONS

TaskState = Literal["open", "labelled", "agreed", "disputed", "adjudicated", "cannot_tell"]

DECIDED: Final = ("pass", "fail")
SETTLED_STATES: Final = ("agreed", "adjudicated", "cannot_tell")
CANNOT_TELL: Final = "cannot_tell"
RECORDED: Final = "recorded"
SCRIPTED: Final = "scripted"
PERSON: Final = "person"

Row = dict[str, Any]


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
    """The state of every task, and the settled labels.

    The first `annotators_per_item` labels by different people count; a correction takes the place
    of what it corrects. All pass or all fail settles by agreement; anything else, a shared
    cannot_tell too, waits for an adjudication. The latest uncorrected adjudication settles
    whatever the labels say. Raises `ReviewError` if a correction points at another task's row or
    at another person's label.
    """
    kinds = dict(labels.select("annotator_id", "annotator_kind").iter_rows())
    labels_of = _by_task(_in_force(labels, key="label_id", at="labelled_at", by="annotator_id"))
    adjudications_of = _by_task(
        _in_force(adjudications, key="adjudication_id", at="adjudicated_at", by=None)
    )
    states, settled, ratings = [], [], []
    for task in tasks.sort("task_id").iter_rows(named=True):
        counted = _first_by_person(labels_of.get(task["task_id"], []))
        counted = counted[: policy.annotators_per_item]
        decisions = adjudications_of.get(task["task_id"], [])
        decision = max(decisions, key=_decided_at) if decisions else None
        state = _state(counted, decision, needed=policy.annotators_per_item)
        states.append(
            {**{name: task[name] for name in _STATE_SCHEMA if name != "state"}, "state": state}
        )
        if counted:
            ratings.append(_ratings(counted, entries=policy.annotators_per_item))
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
    settlement: Settlement, *, policy: ReviewSettings, as_of: dt.date, week: str
) -> Publishable:
    """Ready when every task is settled, or at the deadline with the minimum share settled.

    The deadline is `deadline_days` after the Monday that ends the week. Where annotators differ
    more than `minimum_agreement` allows, nothing is ready: the rubric needs work, not more labels.
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


def _in_force(frame: pl.DataFrame, *, key: str, at: str, by: str | None) -> Iterable[Row]:
    """The rows that nothing corrects, in the order of what they go back to, as `first_at`."""
    rows: dict[str, Row] = {row[key]: row for row in frame.iter_rows(named=True)}
    corrected = {row["corrects"] for row in rows.values() if row["corrects"] is not None}
    in_force = []
    for row in rows.values():
        if row[key] in corrected:
            continue
        origin = row
        for _ in rows:
            if origin["corrects"] is None:
                break
            origin = _corrected(origin, rows, key=key, by=by)
        in_force.append({**row, "first_at": origin[at], "order": (origin[at], origin[key])})
    return sorted(in_force, key=lambda row: row["order"])


def _corrected(row: Row, rows: dict[str, Row], *, key: str, by: str | None) -> Row:
    earlier = rows.get(row["corrects"])
    if earlier is None or earlier["task_id"] != row["task_id"]:
        raise ReviewError(
            f"The correction {row[key]} points at {row['corrects']}, which is no row of its task "
            f"{row['task_id']}. Nothing was settled. Remove the correction or mend `corrects`."
        )
    if by is not None and earlier[by] != row[by]:
        raise ReviewError(
            f"The correction {row[key]} by {row[by]} points at a label of {earlier[by]}. Nothing "
            "was settled. People correct their own labels; a dispute is for an adjudicator."
        )
    return earlier


def _by_task(rows: Iterable[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["task_id"], []).append(row)
    return grouped


def _first_by_person(rows: Iterable[Row]) -> list[Row]:
    first: dict[str, Row] = {}
    for row in rows:
        first.setdefault(row["annotator_id"], row)
    return list(first.values())


def _decided_at(row: Row) -> tuple[dt.datetime, str]:
    return row["adjudicated_at"], row["adjudication_id"]


def _state(counted: Sequence[Row], decision: Row | None, *, needed: int) -> TaskState:
    if decision is not None:
        return "cannot_tell" if decision["label"] == CANNOT_TELL else "adjudicated"
    if not counted:
        return "open"
    if len(counted) < needed:
        return "labelled"
    answers = Counter(label["label"] for label in counted)
    return "agreed" if len(answers) == 1 and next(iter(answers)) in DECIDED else "disputed"


def _ratings(counted: Sequence[Row], *, entries: int) -> tuple[str | None, ...]:
    given = [row["label"] if row["label"] in DECIDED else None for row in counted]
    return (*given, *[None] * (entries - len(given)))


def _settled_row(
    task: Row, counted: Sequence[Row], decision: Row | None, *, kinds: dict[str, str]
) -> Row:
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
