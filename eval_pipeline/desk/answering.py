"""Taking an answer, from a page or over the API: bounded, masked, then stored."""

import datetime as dt
from typing import Literal

from eval_pipeline.adapters.review.desk_records import (
    Answer,
    Answered,
    LeasedTask,
    NothingToDo,
    NotTaken,
)
from eval_pipeline.adapters.review.records import Annotator
from eval_pipeline.desk.forms import AnswerForm
from eval_pipeline.desk.problems import ProblemError, refused
from eval_pipeline.desk.services import Services

Asked = Literal["label", "adjudicate"]
Next = LeasedTask | NothingToDo


def asked_by(held: LeasedTask | NotTaken) -> Asked:
    """What a lease's holder is doing: a correction is of a label unless others' labels are by."""
    if isinstance(held, NotTaken):
        return "label"
    return "adjudicate" if held.purpose == "adjudicate" or held.others else "label"


def next_task(services: Services, person: Annotator, *, purpose: Asked, at: dt.datetime) -> Next:
    """The task that the person holds, or the next one; adjudicators alone are given disputes."""
    if purpose == "adjudicate" and not person.may_adjudicate:
        raise ProblemError(403, message="Adjudicating is not open to you.")
    return services.desk.next_task(
        person.annotator_id,
        weeks=services.work.open_weeks(at=at),
        purpose=purpose,
        policy=services.work.lease_policy,
        at=at,
    )


def take_answer(
    services: Services,
    form: AnswerForm,
    *,
    lease_id: str,
    held: LeasedTask | NotTaken,
    person: Annotator,
    at: dt.datetime,
) -> tuple[Answered, Next]:
    """The answer stored and the next task leased, in one transaction; raises `ProblemError`."""
    answer = _bounded(services, form, lease_id=lease_id, held=held, person=person, at=at)
    taken, following = services.desk.answer_then_next(
        answer,
        weeks=services.work.open_weeks(at=at),
        policy=services.work.lease_policy,
        at=at,
    )
    if isinstance(taken, NotTaken):
        raise refused(taken)
    return taken, following


def store_answer(
    services: Services,
    form: AnswerForm,
    *,
    lease_id: str,
    held: LeasedTask | NotTaken,
    person: Annotator,
    at: dt.datetime,
) -> Answered:
    """The answer stored; raises `ProblemError`."""
    answer = _bounded(services, form, lease_id=lease_id, held=held, person=person, at=at)
    taken = services.desk.answer(answer, at=at)
    if isinstance(taken, NotTaken):
        raise refused(taken)
    return taken


def _bounded(
    services: Services,
    form: AnswerForm,
    *,
    lease_id: str,
    held: LeasedTask | NotTaken,
    person: Annotator,
    at: dt.datetime,
) -> Answer:
    """The answer as the store gets it: texts masked, the time taken no longer than the lease.

    A lease that has ended may have ended by this answer: the store says whether it is repeated.
    """
    if isinstance(held, NotTaken) and held.code != "ended":
        raise refused(held)
    _check_choices(services, form)
    response = form.reference_response
    return Answer(
        lease_id=lease_id,
        annotator_id=person.annotator_id,
        label=form.label,
        rationale=services.work.masked(form.rationale),
        reference_response=None if response is None else services.work.masked(response),
        failure_mode=form.failure_mode,
        confidence=form.confidence,
        criteria=form.criteria,
        seconds=_seconds(form.seconds, held=held, at=at),
    )


def _check_choices(services: Services, form: AnswerForm) -> None:
    known = {name for name, _ in services.work.failure_modes()}
    if form.failure_mode is not None and form.failure_mode not in known:
        raise ProblemError(422, message="The failure mode is not one of the list.")


def _seconds(
    claimed: float | None, *, held: LeasedTask | NotTaken, at: dt.datetime
) -> float | None:
    if claimed is None or isinstance(held, NotTaken):
        return claimed
    return max(0.0, min(claimed, (at - held.leased_at).total_seconds()))
