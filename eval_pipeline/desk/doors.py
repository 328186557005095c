"""The one way to every page: who comes, whether they may, whether a write is theirs."""

import datetime as dt
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from eval_pipeline.adapters.review.sign_in import Session
from eval_pipeline.desk.access import Access
from eval_pipeline.desk.access_log import note_route
from eval_pipeline.desk.forms import read_form
from eval_pipeline.desk.origins import CSRF_FIELD, check_form_token, check_origin
from eval_pipeline.desk.problems import SENTENCES, ProblemError
from eval_pipeline.desk.proxies import AmbiguousIdentityError
from eval_pipeline.desk.routes import PageRoute
from eval_pipeline.desk.services import Services
from eval_pipeline.desk.signing import cookie_name, give_cookie
from eval_pipeline.desk.templating import render
from eval_pipeline.desk.views import ErrorView, Frame, Person
from eval_pipeline.desk.visits import FRAGMENT, LOCATION, Visit
from eval_pipeline.errors import StoreError

UNCLEAR_PROXY: Final = "The proxy does not say clearly who you are, so nobody is signed in."
NOT_AT_THE_DESK: Final = (
    "You are signed in, but nobody has added you to the desk. Ask an administrator to."
)

_log = logging.getLogger("eval_pipeline.desk")
_NOT_SIGNED_IN = 401


def endpoint_of(route: PageRoute, services: Services) -> Callable[[Request], Awaitable[Response]]:
    """The handler behind its door; it runs in the pool, because the store waits."""

    async def endpoint(request: Request) -> Response:
        note_route(request, route.path)
        try:
            form = await read_form(request) if route.method == "POST" else {}
        except HTTPException:
            return problem_page(request, ProblemError(400))
        except ProblemError as problem:
            return problem_page(request, problem)
        return await run_in_threadpool(_enter, route, services, request, form)

    return endpoint


def problem_page(
    request: Request, problem: ProblemError, session: Session | None = None
) -> Response:
    """The sentence on a page; who is not signed in is sent to where they can."""
    fragment = request.headers.get(FRAGMENT) == "1"
    if problem.status == _NOT_SIGNED_IN and request.method in ("GET", "HEAD") and not fragment:
        return RedirectResponse("/sign-in", status_code=303)
    person = None
    if session is not None:
        known = session.annotator
        person = Person(known.annotator_id, known.may_adjudicate, known.may_administer)
    frame = Frame(person, session.csrf_token if session else "", None)
    view = ErrorView(problem.status, problem.message)
    text = render("error", frame=frame, view=view, fragment=fragment)
    headers = problem.headers
    if problem.status == _NOT_SIGNED_IN:
        headers = {LOCATION: "/sign-in"} if fragment else {}
    return HTMLResponse(text, status_code=problem.status, headers=headers)


def problem_of(error: Exception) -> ProblemError:
    """What is told of an error: never its own words, which may quote a text."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, HTTPException):
        return ProblemError(error.status_code if error.status_code in SENTENCES else 400)
    if isinstance(error, StoreError):
        _log.error("the store does not answer")
        return ProblemError(503)
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f"{where.tb_frame.f_code.co_qualname}:{where.tb_lineno}" if where else "nowhere"
    _log.error("%s in %s", type(error).__name__, place)
    return ProblemError(500)


def _enter(
    route: PageRoute, services: Services, request: Request, form: dict[str, str]
) -> Response:
    session: Session | None = None
    try:
        at = services.clock()
        fresh = False
        if route.access is not Access.UNSEEN:
            session, fresh = _arrival(services, request, at=at)
        _admit(route, services, session)
        if route.method == "POST":
            _check_write(route, services, request, session=session, form=form)
        visit = Visit(services, request, session, at, form)
        response = route.handler(visit)
        if fresh and session is not None:
            give_cookie(response, session, settings=services.settings)
    except Exception as error:  # noqa: BLE001 - told without its words, which may quote a text
        return problem_page(request, problem_of(error), session)
    return response


def _arrival(
    services: Services, request: Request, *, at: dt.datetime
) -> tuple[Session | None, bool]:
    """The session of who came, and whether it was opened just now on a proxy's word."""
    secret = request.cookies.get(cookie_name(services.settings))
    session = services.sign_in.session(secret, at=at) if secret else None
    try:
        named = services.proxies.named_by(request)
    except AmbiguousIdentityError:
        raise ProblemError(400, code="unclear_proxy", message=UNCLEAR_PROXY) from None
    if named is None or (session is not None and session.annotator.annotator_id == named):
        return session, False
    if session is not None:
        services.sign_in.close_session(session.secret, at=at)
    lifetime = dt.timedelta(hours=services.settings.session_hours)
    opened = services.sign_in.open_proxy_session(named, lifetime=lifetime, at=at)
    if opened is None:
        raise ProblemError(403, code="not_at_the_desk", message=NOT_AT_THE_DESK)
    return opened, True


def _admit(route: PageRoute, services: Services, session: Session | None) -> None:
    if session is not None:
        wait = services.limits.count_request(session.annotator.annotator_id)
        if wait is not None:
            raise ProblemError(429, retry_after=wait)
    if route.access.admits(session.annotator if session else None):
        return
    raise ProblemError(_NOT_SIGNED_IN if session is None else 403)


def _check_write(
    route: PageRoute,
    services: Services,
    request: Request,
    *,
    session: Session | None,
    form: dict[str, str],
) -> None:
    tokenless = route.access is Access.EVERYBODY
    check_origin(request, behind_tls=services.settings.behind_tls, tokenless=tokenless)
    if session is not None and not tokenless:
        check_form_token(session, form.get(CSRF_FIELD, ""))
