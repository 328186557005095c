"""What the review store is given and what it answers."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

AnnotatorKind = Literal["person", "scripted"]
Confidence = Literal["low", "medium", "high"]


@dataclass(frozen=True)
class ReviewTask:
    """One interaction that people are asked about; `subject_json` is all that they are shown."""

    task_id: str
    interaction_id: str
    selection: str
    reason: str
    label_probability: float
    rubric_id: str
    subject_json: str
    labels_needed: int = 2
    priority: float = 0.0
    expected_minutes: float | None = None
    known_label: str | None = None


@dataclass(frozen=True)
class Annotator:
    """Someone who labels.

    `may_adjudicate` lets them decide disputes, `may_administer` lets them see the desk as a whole.
    `weekly_budget` is null where the policy's holds, `left_at` while they are at the desk.
    """

    annotator_id: str
    kind: AnnotatorKind
    may_adjudicate: bool
    added_at: dt.datetime
    may_administer: bool = False
    weekly_budget: int | None = None
    left_at: dt.datetime | None = None


@dataclass(frozen=True)
class NewLabel:
    """One person's answer to one task: pass, fail or cannot_tell.

    An empty `label_id` is derived from everything but the instant. `corrects` names this person's
    earlier label of the same task. Texts are masked before they come here. `criteria_json` is a
    list with true, false or null for each criterion of the rubric, in its order; `seconds` is what
    the answer took. Null stands where nothing was said or measured.
    """

    task_id: str
    annotator_id: str
    label: str
    labelled_at: dt.datetime
    rationale: str = ""
    reference_response: str | None = None
    corrects: str | None = None
    label_id: str = ""
    failure_mode: str | None = None
    confidence: Confidence | None = None
    criteria_json: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class NewAdjudication:
    """The binding answer of a named person who did not label the task; else as `NewLabel`."""

    task_id: str
    adjudicated_by: str
    label: str
    adjudicated_at: dt.datetime
    rationale: str = ""
    reference_response: str | None = None
    corrects: str | None = None
    adjudication_id: str = ""
    failure_mode: str | None = None
    confidence: Confidence | None = None
    criteria_json: str | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Refusal:
    """A row that was not recorded, by its position from 0, and why; it never quotes texts."""

    position: int
    task_id: str
    problem: str


@dataclass(frozen=True)
class ImportReport:
    """Rows recorded now, rows that were recorded before, and rows refused."""

    recorded: int
    repeated: int
    refused: tuple[Refusal, ...]


@dataclass(frozen=True)
class ReviewStatus:
    """How far a week's tasks are; `labels_by_annotator` counts labels that stand."""

    week: str
    tasks: int
    open: int
    labelled: int
    agreed: int
    disputed: int
    adjudicated: int
    cannot_tell: int
    labels_by_annotator: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class AuditEntry:
    """Who did what to what, and when; `detail_json` holds ids and labels, never texts."""

    entry: int
    at: dt.datetime
    actor: str
    action: str
    subject: str
    detail_json: str
