"""What each address of the HTTP API does."""

import dataclasses
import datetime as dt
from typing import Annotated, Final

from fastapi import Depends, Request, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from eval_pipeline.adapters.review.desk_records import NotTaken
from eval_pipeline.adapters.review.records import Annotator
from eval_pipeline.desk.access_log import note_route
from eval_pipeline.desk.answering import next_task, store_answer, take_answer
from eval_pipeline.desk.api_models import (
    AnsweredOut,
    AnswerIn,
    AnswerOut,
    AnswersOut,
    Done,
    Expires,
    LeaseId,
    LeaseIn,
    Me,
    NextOut,
    ProgressOut,
    RevealedOut,
    SkipIn,
)
from eval_pipeline.desk.problems import ProblemError, refused
from eval_pipeline.desk.services import Services
from eval_pipeline.desk.task_views import answer_rows, revealed_view

PREFIX: Final = "/api/v1"

_bearer = HTTPBearer(auto_error=False, description="A personal token of the desk.")


@dataclasses.dataclass(frozen=True)
class Caller:
    """Whose token came with a request, and when."""

    services: Services
    person: Annotator
    at: dt.datetime

    @property
    def annotator_id(self) -> str:
        """Whose request this is."""
        return self.person.annotator_id


def note_api_route(request: Request) -> None:
    """Notes the route for the access log."""
    route = request.scope.get("route")
    if isinstance(route, APIRoute):
        note_route(request, f"{PREFIX}{route.path}")


def caller(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Caller:
    """Who calls; raises `ProblemError` without a good token. A cookie says nothing here."""
    note_api_route(request)
    services: Services = request.app.state.services
    at = services.clock()
    token = credentials.credentials if credentials else ""
    person = services.sign_in.bearer(token, at=at) if token else None
    if person is None:
        address = services.proxies.address_of(request)
        wait = services.limits.wait_to_sign_in(address) if token else None
        if wait is not None:
            raise ProblemError(429, retry_after=wait)
        if token:
            services.limits.count_failure(address)
        raise ProblemError(401, message="The request needs a good personal token.")
    wait = services.limits.count_request(person.annotator_id)
    if wait is not None:
        raise ProblemError(429, retry_after=wait)
    return Caller(services, person, at)


By = Annotated[Caller, Depends(caller)]


def me(by: By) -> Me:
    """Whose token this is."""
    person = by.person
    return Me(
        annotator_id=person.annotator_id,
        may_adjudicate=person.may_adjudicate,
        may_administer=person.may_administer,
    )


def progress(by: By) -> ProgressOut:
    """How far this person and the desk are."""
    found = by.services.desk.progress(
        by.annotator_id,
        weeks=by.services.work.open_weeks(at=by.at),
        policy=by.services.work.lease_policy,
        at=by.at,
    )
    return ProgressOut(**dataclasses.asdict(found))


def lease_next(body: LeaseIn, by: By) -> NextOut:
    """The task that the person holds, or the next one."""
    following = next_task(by.services, by.person, purpose=body.purpose, at=by.at)
    return NextOut.of(by.services, following)


def held(lease_id: LeaseId, by: By) -> NextOut:
    """A task in this person's hands."""
    task = by.services.desk.held(lease_id, by.annotator_id, at=by.at)
    if isinstance(task, NotTaken):
        raise refused(task)
    return NextOut.of(by.services, task)


def answer(lease_id: LeaseId, body: AnswerIn, by: By) -> AnsweredOut:
    """Stores the answer; the same answer again changes nothing and is `repeated`."""
    task = by.services.desk.held(lease_id, by.annotator_id, at=by.at)
    form = body.form()
    if not body.next:
        only = store_answer(
            by.services, form, lease_id=lease_id, held=task, person=by.person, at=by.at
        )
        return AnsweredOut(answer_id=only.answer_id, repeated=only.repeated, next=None)
    taken, following = take_answer(
        by.services, form, lease_id=lease_id, held=task, person=by.person, at=by.at
    )
    return AnsweredOut(
        answer_id=taken.answer_id,
        repeated=taken.repeated,
        next=NextOut.of(by.services, following),
    )


def heartbeat(lease_id: LeaseId, by: By) -> Expires:
    """Keeps the task for longer."""
    expires_at = by.services.desk.heartbeat(
        lease_id, by.annotator_id, policy=by.services.work.lease_policy, at=by.at
    )
    if isinstance(expires_at, NotTaken):
        raise refused(expires_at)
    return Expires(expires_at=expires_at)


def skip(lease_id: LeaseId, body: SkipIn, by: By) -> Done:
    """Gives the task back for good."""
    refusal = by.services.desk.skip(lease_id, by.annotator_id, reason=body.reason, at=by.at)
    if refusal is not None:
        raise refused(refusal)
    return Done()


def release(lease_id: LeaseId, by: By) -> Done:
    """Gives the task back unanswered; it may come again."""
    refusal = by.services.desk.release(lease_id, by.annotator_id, at=by.at)
    if refusal is not None:
        raise refused(refusal)
    return Done()


def undo(lease_id: LeaseId, by: By) -> NextOut:
    """Opens an own answer again, to be corrected under a lease of its own."""
    task = by.services.desk.undo(
        lease_id, by.annotator_id, policy=by.services.work.lease_policy, at=by.at
    )
    if isinstance(task, NotTaken):
        raise refused(task)
    return NextOut.of(by.services, task)


def reveal(lease_id: LeaseId, by: By) -> RevealedOut:
    """What the judges said; the answer can no more be undone."""
    task_id = by.services.desk.reveal(lease_id, by.annotator_id, at=by.at)
    if isinstance(task_id, NotTaken):
        raise refused(task_id)
    answered = by.services.answered.of(lease_id, by.annotator_id)
    if answered is None:
        raise ProblemError(404)
    return RevealedOut.of(revealed_view(by.services, answered))


def answers(by: By) -> AnswersOut:
    """Own answers of the open weeks, newest first."""
    weeks = by.services.work.open_weeks(at=by.at)
    own = by.services.desk.answers_of(by.annotator_id, weeks=weeks)
    rows = answer_rows(by.services, own, at=by.at)
    names = AnswerOut.model_fields
    return AnswersOut(
        answers=[AnswerOut(**{name: getattr(row, name) for name in names}) for row in rows]
    )
