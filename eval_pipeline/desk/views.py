"""What the desk's pages show: plain values, so that a template decides nothing."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from eval_pipeline.adapters.review.desk_records import Given, Progress, Purpose


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
    lease of the answer just given, while it can be undone.
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


@dataclass(frozen=True)
class Opinion:
    """What one judge said, shown once the person's answer is in."""

    judge_id: str
    verdict: str | None
    rationale: str | None
    missing: str | None


@dataclass(frozen=True)
class RevealedView:
    """The panel's side of an answered task beside the person's own answer."""

    lease_id: str
    own: Given
    panel_verdict: str | None
    panel_reason: str
    opinions: tuple[Opinion, ...]
    refuter_claim: str | None
    route: str
    turns: tuple[Turn, ...]
    response: str


@dataclass(frozen=True)
class AnswerRow:
    """One of a person's own answers in the list of their week."""

    lease_id: str | None
    at: dt.datetime
    purpose: str
    label: str
    state: str
    withdrawn: bool
    can_undo: bool
    can_reveal: bool


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


@dataclass(frozen=True)
class Frame:
    """What every page has around its content."""

    person: Person | None
    csrf_token: str
    progress: Progress | None
    notice: str | None = None
    error: str | None = None
