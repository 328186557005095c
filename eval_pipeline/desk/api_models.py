"""What the HTTP API takes and gives."""

import datetime as dt
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from eval_pipeline.adapters.review.desk_records import (
    Given,
    NothingToDo,
    Purpose,
    SkipReason,
)
from eval_pipeline.adapters.review.records import Confidence
from eval_pipeline.desk.answering import Asked, Next
from eval_pipeline.desk.forms import LABELS, MOST_CRITERIA, AnswerForm, Name, Rationale, Response
from eval_pipeline.desk.forms import Seconds as SecondsTaken
from eval_pipeline.desk.services import Services
from eval_pipeline.desk.task_views import task_view, unnamed
from eval_pipeline.desk.views import FailureMode, Opinion, RevealedView, Turn

LeaseId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="From POST /leases.")]


class _Taken(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(BaseModel):
    """Why a request was refused; nothing was stored."""

    code: str
    message: str


class Me(BaseModel):
    """Whose token this is."""

    annotator_id: str
    may_adjudicate: bool
    may_administer: bool


class ProgressOut(BaseModel):
    """How far this person and the desk are, over the open weeks."""

    answered: int
    budget: int
    waiting: int
    disputed: int
    settled: int
    tasks: int
    median_seconds: float | None


class LeaseIn(_Taken):
    """What the person wants to do."""

    purpose: Asked = "label"


class OtherLabel(BaseModel):
    """A standing label, for an adjudicator; who gave it is not told."""

    label: str
    rationale: str
    reference_response: str | None
    failure_mode: str | None
    confidence: Confidence | None
    criteria: list[bool | None]

    @classmethod
    def of(cls, given: Given) -> "OtherLabel":
        """Without who gave it and when."""
        return cls(
            label=given.label,
            rationale=given.rationale,
            reference_response=given.reference_response,
            failure_mode=given.failure_mode,
            confidence=given.confidence,
            criteria=list(given.criteria),
        )


class TaskOut(BaseModel):
    """A task in this person's hands until `expires_at`."""

    lease_id: str
    purpose: Purpose
    route: str
    turns: list[Turn]
    response: str
    criteria: list[str]
    failure_modes: list[FailureMode]
    expires_at: dt.datetime
    others: list[OtherLabel]
    refuter_claim: str | None
    refuter_quote: str | None
    previous: OtherLabel | None


class NextOut(BaseModel):
    """The next task, or why there is none."""

    task: TaskOut | None
    nothing_to_do: Literal["queue_empty", "budget_spent", "not_allowed"] | None

    @classmethod
    def of(cls, services: Services, following: Next) -> "NextOut":
        """As the pages show it."""
        if isinstance(following, NothingToDo):
            return cls(task=None, nothing_to_do=following.reason)
        view = task_view(services, following)
        task = TaskOut(
            lease_id=view.lease_id,
            purpose=view.purpose,
            route=view.route,
            turns=list(view.turns),
            response=view.response,
            criteria=list(view.criteria),
            failure_modes=list(view.failure_modes),
            expires_at=view.expires_at,
            others=[OtherLabel.of(other) for other in unnamed(following.others)],
            refuter_claim=view.refuter_claim,
            refuter_quote=view.refuter_quote,
            previous=OtherLabel.of(view.previous) if view.previous else None,
        )
        return cls(task=task, nothing_to_do=None)


class AnswerIn(_Taken):
    """An answer; `criteria` in the rubric's order, null for cannot tell."""

    label: LABELS
    rationale: Rationale = ""
    reference_response: Response | None = None
    failure_mode: Name | None = None
    confidence: Confidence | None = None
    seconds: SecondsTaken | None = None
    criteria: list[bool | None] = Field(default=[], max_length=MOST_CRITERIA)
    next: bool = Field(default=False, description="Lease the next task in the same transaction.")

    def form(self) -> AnswerForm:
        """The same as a page's form."""
        return AnswerForm(
            label=self.label,
            rationale=self.rationale,
            reference_response=((self.reference_response or "").strip() and self.reference_response)
            or None,
            failure_mode=self.failure_mode,
            confidence=self.confidence,
            seconds=self.seconds,
            criteria=tuple(self.criteria),
        )


class AnsweredOut(BaseModel):
    """The answer is stored; `repeated` if it was before. `next` only if it was asked for."""

    answer_id: str
    repeated: bool
    next: NextOut | None


class SkipIn(_Taken):
    """Why the task is given back."""

    reason: SkipReason


class Expires(BaseModel):
    """Until when the task is kept."""

    expires_at: dt.datetime


class Done(BaseModel):
    """It is done."""

    done: Literal[True] = True


class RevealedOut(BaseModel):
    """The judges' side of an answered task; the answer can no more be undone."""

    lease_id: str
    label: str
    panel_verdict: str | None
    panel_reason: str
    opinions: list[Opinion]
    refuter_claim: str | None

    @classmethod
    def of(cls, view: RevealedView) -> "RevealedOut":
        """As the page shows it."""
        return cls(
            lease_id=view.lease_id,
            label=view.own.label,
            panel_verdict=view.panel_verdict,
            panel_reason=view.panel_reason,
            opinions=list(view.opinions),
            refuter_claim=view.refuter_claim,
        )


class AnswerOut(BaseModel):
    """One of the person's own answers; `lease_id` is null where it was imported."""

    lease_id: str | None
    at: dt.datetime
    purpose: str
    label: str
    state: str
    withdrawn: bool
    can_undo: bool
    can_reveal: bool


class AnswersOut(BaseModel):
    """Own answers of the open weeks, newest first."""

    answers: list[AnswerOut]
