"""Tasks that will not be settled by themselves, and why."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from eval_pipeline.review.blind_labels import PERSON, BlindTask
from eval_pipeline.review.states import SETTLED_STATES
from eval_pipeline.settings import ReviewSettings

REPEATEDLY: Final = 3
"""So often a task was opened and left until its lease ran out: something is wrong with it."""


@dataclass(frozen=True)
class StuckTask:
    """A task that waits for something nobody will do unasked; `reason` is a sentence or several."""

    task_id: str
    week: str
    state: str
    reason: str


@dataclass(frozen=True)
class Circumstances:
    """What besides its labels decides whether a task goes on.

    `people` is the store's. `involved`: by task, who labelled it (withdrawn or not) or skipped it.
    `expired`: by task, how many leases ran out unanswered.
    """

    people: pl.DataFrame
    involved: Mapping[str, Collection[str]]
    expired: Mapping[str, int]


def stuck_tasks(
    tasks: Sequence[BlindTask],
    states: Mapping[str, str],
    circumstances: Circumstances,
    *,
    policy: ReviewSettings,
    as_of: dt.date,
) -> tuple[StuckTask, ...]:
    """The unsettled tasks that are stuck, by week and id; gold checks need no settling.

    Where there are people at the desk, scripts are not counted as somebody who could answer.
    """
    here = circumstances.people.filter(pl.col("left_at").is_null())
    persons = here.filter(pl.col("kind") == PERSON)
    here = persons if persons.height else here
    annotators = set(here["annotator_id"])
    adjudicators = set(here.filter("may_adjudicate")["annotator_id"])
    stuck = []
    for task in tasks:
        state = states[task.task_id]
        if task.known_label is not None or state in SETTLED_STATES:
            continue
        involved = set(circumstances.involved.get(task.task_id, ()))
        wanted = adjudicators if state == "disputed" else annotators
        reasons = [
            *([] if wanted - involved else [_nobody(state, there_are=bool(wanted))]),
            *_left_open(circumstances.expired.get(task.task_id, 0)),
            *_late(task.week, policy=policy, as_of=as_of),
        ]
        if reasons:
            stuck.append(StuckTask(task.task_id, task.week, state, "; ".join(reasons)))
    return tuple(stuck)


def deadline_of(week: str, policy: ReviewSettings) -> dt.date:
    """From this day on the week's labels may be published although some are not settled."""
    return dt.date.fromisoformat(week) + dt.timedelta(days=7 + policy.deadline_days)


def _nobody(state: str, *, there_are: bool) -> str:
    if state == "disputed":
        return (
            "every adjudicator has labelled or skipped it"
            if there_are
            else "there is no adjudicator at the desk"
        )
    return (
        "everybody at the desk has labelled or skipped it"
        if there_are
        else "there is nobody at the desk"
    )


def _left_open(expired: int) -> list[str]:
    if expired < REPEATEDLY:
        return []
    return [f"{expired} times somebody opened it and did not answer"]


def _late(week: str, *, policy: ReviewSettings, as_of: dt.date) -> list[str]:
    deadline = deadline_of(week, policy)
    return [f"its deadline was {deadline}"] if as_of >= deadline else []
