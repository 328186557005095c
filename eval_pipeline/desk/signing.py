"""Signing in and out, and whether the server is well."""

import datetime as dt
from typing import Final

from starlette.responses import JSONResponse, Response

from eval_pipeline.adapters.review.sign_in import Session
from eval_pipeline.desk.problems import ProblemError
from eval_pipeline.desk.visits import Visit
from eval_pipeline.settings import DeskSettings

COOKIE: Final = "desk_session"
LONGEST_TOKEN: Final = 200
WRONG_TOKEN: Final = (
    "This token is not good: it may be mistyped, expired or revoked. "  # noqa: S105 - a sentence
    "Ask for a new one, or see `eval-pipeline review token`."
)


def cookie_name(settings: DeskSettings) -> str:
    """Behind TLS with the prefix that lets no other host or path set it."""
    return f"__Host-{COOKIE}" if settings.behind_tls else COOKIE


def show_form(visit: Visit) -> Response:
    """The form for a token; who is signed in goes on to the tasks."""
    if visit.session is not None:
        return visit.redirect("/label")
    return _form(visit)


def _form(visit: Visit, *, status: int = 200, error: str | None = None) -> Response:
    """The sign-in page; it alone names its origin, as its form carries no token to check."""
    response = visit.page("sign_in", status=status, error=error, location="/sign-in")
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def sign_in(visit: Visit) -> Response:
    """Opens a session for a good token; failures are counted by address."""
    services = visit.services
    address = services.proxies.address_of(visit.request)
    wait = services.limits.wait_to_sign_in(address)
    if wait is not None:
        raise ProblemError(429, retry_after=wait)
    token = visit.form.get("token", "").strip()
    session = None
    if 0 < len(token) <= LONGEST_TOKEN and "\0" not in token:
        session = services.sign_in.open_session(token, lifetime=lifetime(visit), at=visit.at)
    if session is None:
        services.limits.count_failure(address)
        return _form(visit, status=401, error=WRONG_TOKEN)
    if visit.session is not None:
        services.sign_in.close_session(visit.session.secret, at=visit.at)
    response = visit.redirect("/label")
    give_cookie(response, session, settings=services.settings)
    return response


def sign_out(visit: Visit) -> Response:
    """Ends the session, here and in the store."""
    if visit.session is not None:
        visit.services.sign_in.close_session(visit.session.secret, at=visit.at)
    response = visit.redirect("/sign-in")
    settings = visit.services.settings
    response.delete_cookie(
        cookie_name(settings),
        path="/",
        secure=settings.behind_tls,
        httponly=True,
        samesite="strict",
    )
    return response


def lifetime(visit: Visit) -> dt.timedelta:
    """For how long a session lasts."""
    return dt.timedelta(hours=visit.services.settings.session_hours)


def give_cookie(response: Response, session: Session, *, settings: DeskSettings) -> None:
    """The session's secret, out of reach of scripts and of other sites."""
    response.set_cookie(
        cookie_name(settings),
        session.secret,
        path="/",
        secure=settings.behind_tls,
        httponly=True,
        samesite="strict",
    )


def start(visit: Visit) -> Response:
    """Where people begin."""
    return visit.redirect("/label")


def health(visit: Visit) -> Response:
    """200 if the store answers, else 503."""
    visit.services.work.check_store()
    return JSONResponse({"status": "ok"})
