"""What the desk hands to a person and takes back: leases, answers, and why one was not taken."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from eval_pipeline.adapters.review.records import Confidence

Purpose = Literal["label", "adjudicate", "correct"]
SkipReason = Literal["not_my_field", "conflict_of_interest", "unreadable", "distressing", "other"]
RefusalCode = Literal[
    "unknown",  # there is no such lease, task or label
    "not_yours",  # another person's
    "ended",  # the lease was answered, skipped or given back already, with another answer
    "decided",  # the task is adjudicated or erased, or an adjudicator is reading it
    "not_allowed",  # the person's role, or their own label, forbids it
    "revealed",  # what the judges said was shown; the answer stands
    "invalid",  # the answer itself: the message says what it lacks or what cannot be stored
]


@dataclass(frozen=True)
class LeasePolicy:
    """For how long a task is kept, and how many answers a person gives from Monday to Sunday."""

    lease: dt.timedelta
    weekly_budget: int


@dataclass(frozen=True)
class Given:
    """An answer as it was given; texts are masked. `by` is the annotator's id."""

    answer_id: str
    by: str
    label: str
    rationale: str
    reference_response: str | None
    failure_mode: str | None
    confidence: Confidence | None
    criteria: tuple[bool | None, ...]
    at: dt.datetime


@dataclass(frozen=True)
class LeasedTask:
    """A task that one person holds until `expires_at`.

    `others` are the standing labels, in a fixed order that tells nothing, for an adjudicator alone;
    empty for an annotator. `previous` is the own answer that a correction starts from.
    """

    lease_id: str
    task_id: str
    week: str
    purpose: Purpose
    rubric_id: str
    subject_json: str
    leased_at: dt.datetime
    expires_at: dt.datetime
    others: tuple[Given, ...] = ()
    previous: Given | None = None


@dataclass(frozen=True)
class NothingToDo:
    """Why there is no next task.

    None is left for this person, their week's budget is spent, or they may not take such tasks:
    nobody knows them, they have left, or they are no adjudicator.
    """

    reason: Literal["queue_empty", "budget_spent", "not_allowed"]


@dataclass(frozen=True)
class Answer:
    """What a person says under a lease; texts are masked before they come here."""

    lease_id: str
    annotator_id: str
    label: str
    rationale: str = ""
    reference_response: str | None = None
    failure_mode: str | None = None
    confidence: Confidence | None = None
    criteria: tuple[bool | None, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True)
class Answered:
    """The answer is in the store. `state` is the task's now; `repeated` if it was there before."""

    answer_id: str
    task_id: str
    state: str
    repeated: bool


@dataclass(frozen=True)
class NotTaken:
    """Nothing was written: why, as a code to branch on and a sentence to show."""

    code: RefusalCode
    message: str


@dataclass(frozen=True)
class Progress:
    """One person's week, and the desk's.

    `waiting`: tasks that this person could still label; `disputed`: that they could adjudicate.
    `settled` of `tasks` are done, over the weeks asked for.
    """

    answered: int
    budget: int
    waiting: int
    disputed: int
    settled: int
    tasks: int
    median_seconds: float | None
