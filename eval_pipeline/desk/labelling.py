"""The pages at which people answer: the next task, the answer, and all that a lease allows."""

from collections.abc import Mapping
from typing import Final

from starlette.responses import JSONResponse, Response

from eval_pipeline.adapters.review.desk_records import (
    Given,
    LeasedTask,
    NothingToDo,
    NotTaken,
)
from eval_pipeline.adapters.review.records import Confidence
from eval_pipeline.desk.answering import Asked, Next, asked_by, next_task, take_answer
from eval_pipeline.desk.forms import AnswerForm, SkipForm
from eval_pipeline.desk.problems import NOT_VALID, TO_BE_MENDED, ProblemError, refused
from eval_pipeline.desk.task_views import Undoable, answer_rows, revealed_view, task_view
from eval_pipeline.desk.views import DoneView, MineView
from eval_pipeline.desk.visits import ID, Visit

_CONFIDENCES: Final[Mapping[str, Confidence]] = {
    "low": "low",
    "medium": "medium",
    "high": "high",
}
_PAGE_OF: Final = {"label": "/label", "adjudicate": "/adjudicate"}


def label(visit: Visit) -> Response:
    """The task that the person holds, or the next one."""
    return _next(visit, purpose="label")


def adjudicate(visit: Visit) -> Response:
    """The dispute that the person holds, or the next one."""
    return _next(visit, purpose="adjudicate")


def answer(visit: Visit) -> Response:
    """Takes the answer; goes on to the next task, in a fragment at once."""
    services = visit.services
    held = services.desk.held(visit.lease_id, visit.annotator_id, at=visit.at)
    try:
        form = AnswerForm.of(visit.form)
        _, following = take_answer(
            services, form, lease_id=visit.lease_id, held=held, person=visit.person, at=visit.at
        )
    except ProblemError as problem:
        if isinstance(held, NotTaken) or problem.code not in TO_BE_MENDED:
            raise
        return _show(visit, held, status=NOT_VALID, error=problem.message)
    purpose = asked_by(held)
    if not visit.wants_fragment:
        return visit.redirect(f"{_PAGE_OF[purpose]}?answered={visit.lease_id}")
    undo = None if isinstance(held, NotTaken) else _undoable(held, label=form.label, visit=visit)
    return _go_on(visit, following, purpose=purpose, undo=undo)


def skip(visit: Visit) -> Response:
    """Gives the task back for good, and goes on."""
    held = visit.services.desk.held(visit.lease_id, visit.annotator_id, at=visit.at)
    reason = SkipForm.of(visit.form).reason
    refusal = visit.services.desk.skip(
        visit.lease_id, visit.annotator_id, reason=reason, at=visit.at
    )
    if refusal is not None:
        raise refused(refusal)
    purpose = asked_by(held)
    if visit.wants_fragment:
        return _next(visit, purpose=purpose)
    return visit.redirect(_PAGE_OF[purpose])


def release(visit: Visit) -> Response:
    """Gives the task back, and goes to the person's own answers."""
    refusal = visit.services.desk.release(visit.lease_id, visit.annotator_id, at=visit.at)
    if refusal is not None:
        raise refused(refusal)
    return mine(visit) if visit.wants_fragment else visit.redirect("/mine")


def heartbeat(visit: Visit) -> Response:
    """Keeps the task for longer; JSON with when the lease now expires."""
    expires_at = visit.services.desk.heartbeat(
        visit.lease_id,
        visit.annotator_id,
        policy=visit.services.work.lease_policy,
        at=visit.at,
    )
    if isinstance(expires_at, NotTaken):
        raise refused(expires_at)
    return JSONResponse({"expires_at": expires_at.isoformat()})


def undo(visit: Visit) -> Response:
    """Opens an own answer again, to be corrected."""
    task = visit.services.desk.undo(
        visit.lease_id,
        visit.annotator_id,
        policy=visit.services.work.lease_policy,
        at=visit.at,
    )
    if isinstance(task, NotTaken):
        raise refused(task)
    if visit.wants_fragment:
        return _show(visit, task)
    return visit.redirect(f"/leases/{task.lease_id}")


def reveal(visit: Visit) -> Response:
    """Shows what the judges said, for good: the answer can no more be undone."""
    task_id = visit.services.desk.reveal(visit.lease_id, visit.annotator_id, at=visit.at)
    if isinstance(task_id, NotTaken):
        raise refused(task_id)
    if visit.wants_fragment:
        return lease(visit)
    return visit.redirect(f"/leases/{visit.lease_id}")


def lease(visit: Visit) -> Response:
    """A task that the person holds or, once revealed, what the judges said of it."""
    answered = visit.services.answered.of(visit.lease_id, visit.annotator_id)
    if answered is not None:
        if answered.revealed_at is None:
            return visit.redirect("/mine")
        return visit.page(
            "revealed",
            revealed_view(visit.services, answered),
            location=f"/leases/{visit.lease_id}",
        )
    held = visit.services.desk.held(visit.lease_id, visit.annotator_id, at=visit.at)
    if isinstance(held, NotTaken):
        raise refused(held)
    return _show(visit, held)


def mine(visit: Visit) -> Response:
    """The person's own answers of the open weeks, newest first."""
    own = visit.services.desk.answers_of(visit.annotator_id, weeks=visit.weeks)
    rows = answer_rows(visit.services, own, at=visit.at)
    return visit.page("mine", MineView(rows), location="/mine")


def _next(visit: Visit, *, purpose: Asked) -> Response:
    following = next_task(visit.services, visit.person, purpose=purpose, at=visit.at)
    return _go_on(visit, following, purpose=purpose, undo=_just_answered(visit))


def _go_on(visit: Visit, following: Next, *, purpose: Asked, undo: Undoable | None) -> Response:
    if isinstance(following, NothingToDo):
        if following.reason == "not_allowed":
            raise ProblemError(403)
        view = DoneView(
            following.reason,
            purpose=purpose,
            undo_lease_id=undo.lease_id if undo else None,
            undo_label=undo.label if undo else None,
            undo_until=undo.until if undo else None,
        )
        return visit.page("done", view, location=_PAGE_OF[purpose])
    return _show(visit, following, undo=undo)


def _show(
    visit: Visit,
    task: LeasedTask,
    *,
    undo: Undoable | None = None,
    status: int = 200,
    error: str | None = None,
) -> Response:
    purpose = asked_by(task)
    view = task_view(
        visit.services, task, undo=undo, previous=_typed(visit) if error is not None else None
    )
    location = f"/leases/{task.lease_id}" if task.purpose == "correct" else _PAGE_OF[purpose]
    name = "adjudicate" if purpose == "adjudicate" else "task"
    return visit.page(name, view, location=location, status=status, error=error)


def _typed(visit: Visit) -> Given:
    """What stood in a form that could not be taken, so that nobody types it twice."""
    form = visit.form
    return Given(
        answer_id="",
        by=visit.annotator_id,
        label=form.get("label", ""),
        rationale=form.get("rationale", ""),
        reference_response=form.get("reference_response") or None,
        failure_mode=form.get("failure_mode") or None,
        confidence=_CONFIDENCES.get(form.get("confidence", "")),
        criteria=(),
        at=visit.at,
    )


def _undoable(held: LeasedTask, *, label: str, visit: Visit) -> Undoable | None:
    if held.expires_at <= visit.at:
        return None
    return Undoable(held.lease_id, label, held.expires_at)


def _just_answered(visit: Visit) -> Undoable | None:
    """The answer that the address names, if it is this person's and can still be undone."""
    lease_id = visit.request.query_params.get("answered", "")
    if not ID.fullmatch(lease_id):
        return None
    answered = visit.services.answered.of(lease_id, visit.annotator_id)
    if answered is None or answered.revealed_at is not None or answered.expires_at <= visit.at:
        return None
    return Undoable(lease_id, answered.own.label, answered.expires_at)
