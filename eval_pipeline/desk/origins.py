"""Whether a write comes from the desk's own pages: its origin, and the token of its form."""

import hmac

from starlette.requests import Request

from eval_pipeline.adapters.review.sign_in import Session
from eval_pipeline.desk.problems import ProblemError

FOREIGN = "This did not come from a page of the desk. Nothing was stored."
STALE_FORM = (
    "This page is older than your present sign-in. Nothing was stored. Open it again "
    "and repeat what you did."
)
CSRF_FIELD = "csrf"


def check_origin(request: Request, *, behind_tls: bool, tokenless: bool) -> None:
    """Raises `ProblemError` for a write that another site's page sent.

    Our pages send no referrer, so a browser says `null` for their origin where it knows no
    Fetch metadata (plain http). That is taken only where a form's token is checked as well; the
    sign-in, `tokenless`, is a page that does name its origin.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise ProblemError(403, code="foreign", message=FOREIGN)
    origin = request.headers.get("origin")
    if origin is None or (origin == "null" and (site is not None or not tokenless)):
        return
    scheme = "https" if behind_tls else "http"
    own = f"{scheme}://{request.headers.get('host', '')}"
    if origin.lower() != own.lower():
        raise ProblemError(403, code="foreign", message=FOREIGN)


def check_form_token(session: Session, given: str) -> None:
    """Raises `ProblemError` unless the form is of this session; compares in constant time."""
    if not hmac.compare_digest(given.encode(), session.csrf_token.encode()):
        raise ProblemError(403, code="stale_form", message=STALE_FORM)
