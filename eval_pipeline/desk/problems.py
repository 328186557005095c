"""Why a request is refused: a status, a code to branch on, and a sentence that quotes no text."""

from collections.abc import Mapping
from typing import Final

from eval_pipeline.adapters.review.desk_records import NotTaken, RefusalCode

STATUS_OF: Final[Mapping[RefusalCode, int]] = {
    "unknown": 404,
    "not_yours": 404,
    "ended": 409,
    "decided": 409,
    "not_allowed": 403,
    "revealed": 409,
    "invalid": 409,  # well formed, and not enough for this lease
}
NOT_VALID: Final = 422
NO_SUCH_LEASE: Final = "There is no such task in your hands."
SENTENCES: Final[Mapping[int, tuple[str, str]]] = {
    400: ("bad_request", "The request cannot be read."),
    401: ("not_signed_in", "Please sign in first."),
    403: ("not_allowed", "This is not open to you."),
    404: ("unknown", "There is nothing here."),
    405: ("no_such_method", "This cannot be done here."),
    409: ("ended", "This is no longer open."),
    413: ("too_large", "That is too much text for one answer. Nothing was stored."),
    422: ("not_valid", "Something in the form cannot be stored as it is."),
    429: ("too_many", "That was too fast. Wait a moment and try again."),
    500: ("failed", "Something went wrong here. What you had submitted before is stored."),
    503: (
        "store_unavailable",
        "The store does not answer. Send this again soon: what is stored already counts once.",
    ),
}


TO_BE_MENDED: Final = frozenset({"not_valid", "invalid"})
"""Codes of answers that a person can change and send again."""


class ProblemError(Exception):
    """A request that is refused; nothing was stored.

    `retry_after`: seconds to wait. `field`: of a form, the one that cannot stand.
    """

    def __init__(
        self, status: int, *, code: str = "", message: str = "", retry_after: int | None = None
    ) -> None:
        known_code, known_message = SENTENCES[status]
        self.status = status
        self.code = code or known_code
        self.message = message or known_message
        self.retry_after = retry_after
        super().__init__(self.message)

    @property
    def headers(self) -> dict[str, str]:
        """Headers that go with the reply."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.status == 401:  # noqa: PLR2004 - unauthorised
            headers["WWW-Authenticate"] = "Bearer"
        return headers


def refused(reason: NotTaken) -> ProblemError:
    """What a person is told; another's lease looks like one that never was."""
    if reason.code in ("unknown", "not_yours"):
        return ProblemError(404, message=NO_SUCH_LEASE)
    return ProblemError(STATUS_OF[reason.code], code=reason.code, message=reason.message)
