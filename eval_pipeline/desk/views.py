"""What the desk's pages show: plain values, so that a template decides nothing."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from eval_pipeline.adapters.review.desk_records import Given, Progress, Purpose
from eval_pipeline.adapters.review.sign_in import TokenRecord


@dataclass(frozen=True)
class Person:
    """Who is signed in, and what the menu offers them."""

    annotator_id: str
    may_adjudicate: bool
    may_administer: bool


@dataclass(frozen=True)
class Turn:
    """One message of a conversation, as plain text; `role` is user, assistant, system or tool."""

    role: str
    content: str


@dataclass(frozen=True)
class FailureMode:
    """A subset as the picker names it, with why the team keeps it."""

    name: str
    why: str


@dataclass(frozen=True)
class TaskView:
    """One task on the screen.

    `criteria` are the rubric's sentences. `others` and `refuter_claim` are for an adjudicator and
    empty otherwise. `previous` fills the form when an answer is corrected. `undo_lease_id` is the
    lease of the answer just given and `undo_label` that answer, while it can be undone, which is
    until `undo_until`.
    """

    lease_id: str
    purpose: Purpose
    route: str
    turns: tuple[Turn, ...]
    response: str
    criteria: tuple[str, ...]
    failure_modes: tuple[FailureMode, ...]
    expires_at: dt.datetime
    others: tuple[Given, ...] = ()
    refuter_claim: str | None = None
    refuter_quote: str | None = None
    previous: Given | None = None
    undo_lease_id: str | None = None
    undo_label: str | None = None
    undo_until: dt.datetime | None = None


@dataclass(frozen=True)
class DoneView:
    """Nothing is left to do for now, and why; the answer just given can still be undone."""

    reason: Literal["queue_empty", "budget_spent"]
    purpose: Purpose = "label"
    undo_lease_id: str | None = None
    undo_label: str | None = None
    undo_until: dt.datetime | None = None


@dataclass(frozen=True)
class Opinion:
    """What one judge said, shown once the person's answer is in."""

    judge_id: str
    verdict: str | None
    rationale: str | None
    missing: str | None


@dataclass(frozen=True)
class RevealedView:
    """The panel's side of an answered task beside the person's own answer.

    `purpose` says where the person goes on from here.
    """

    lease_id: str
    own: Given
    panel_verdict: str | None
    panel_reason: str
    opinions: tuple[Opinion, ...]
    refuter_claim: str | None
    route: str
    turns: tuple[Turn, ...]
    response: str
    purpose: Purpose = "label"


@dataclass(frozen=True)
class AnswerRow:
    """One of a person's own answers in the list of their week; `about` is how its task begins."""

    lease_id: str | None
    at: dt.datetime
    purpose: str
    label: str
    state: str
    withdrawn: bool
    can_undo: bool
    can_reveal: bool
    about: str = ""


@dataclass(frozen=True)
class MineView:
    """A person's own answers of the weeks that are open, newest first."""

    answers: tuple[AnswerRow, ...]


@dataclass(frozen=True)
class ErrorView:
    """What went wrong, in a sentence, under the status of the reply."""

    status: int
    message: str


@dataclass(frozen=True)
class Measure:
    """A figure with its interval; null where it is not defined, `of` says on how many."""

    name: str
    value: float | None
    lower: float | None
    upper: float | None
    of: int


@dataclass(frozen=True)
class AnnotatorRow:
    """One annotator of the weeks shown."""

    annotator_id: str
    kind: str
    labels: int
    adjudications: int
    skips: int
    withdrawn: int
    median_seconds: float | None
    gold: Measure
    agreement: Measure
    left: bool
    deviations: tuple[str, ...] = ()
    """Sentences, where an interval says that this person is below the others."""


@dataclass(frozen=True)
class StuckTask:
    """A task that will not be settled by itself, and why."""

    task_id: str
    week: str
    state: str
    reason: str


@dataclass(frozen=True)
class OverviewView:
    """What an administrator sees of the desk."""

    weeks: tuple[str, ...]
    states: Mapping[str, int]
    annotators: tuple[AnnotatorRow, ...]
    overall: tuple[Measure, ...]
    pairs: tuple[Measure, ...]
    subsets: tuple[Measure, ...]
    stuck: tuple[StuckTask, ...]
    ready: Mapping[str, str] = field(default_factory=dict)
    """By week: whether its labels can be published, in a sentence."""
    week: str | None = None
    """The week that alone is shown; null for all of `weeks`."""
    ceilings: tuple[Measure, ...] = ()
    """By subset: what two people agree on of all that was judged, which no system can beat."""
    tokens: tuple[TokenRecord, ...] = ()
    """Newest first, revoked and expired ones too; what signs in stands in none of them."""


@dataclass(frozen=True)
class Frame:
    """What every page has around its content; `now` is the server's clock, for countdowns."""

    person: Person | None
    csrf_token: str
    progress: Progress | None
    notice: str | None = None
    error: str | None = None
    now: dt.datetime | None = None
