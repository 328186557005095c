"""Why the mirror refuses a request, in the words and the form of OpenAI-style APIs."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """A refusal: quotes nothing of the request."""

    status: int
    code: str
    message: str

    @property
    def body(self) -> bytes:
        """The reply's body."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"  # noqa: PLR2004
        error = {"message": self.message, "type": kind, "param": None, "code": self.code}
        return json.dumps({"error": error}).encode("ascii")


NOT_FOUND = Problem(404, "unknown_url", "There is nothing here; ask POST /v1/chat/completions.")
WRONG_METHOD = Problem(405, "method_not_allowed", "Use POST.")
UNAUTHORISED = Problem(401, "invalid_api_key", "The bearer token is missing or not the mirror's.")
FROM_A_PAGE = Problem(
    403, "origin_not_allowed", "Requests of web pages are refused where no token is asked for."
)
NOT_JSON = Problem(400, "invalid_json", "The body is not a JSON object.")
NOT_TYPED = Problem(415, "unsupported_media_type", "Send the body as application/json.")
NO_MODEL = Problem(400, "missing_model", "The body names no `model`.")
NO_ANSWER = Problem(502, "upstream_unreachable", "The model provider could not be reached.")
NO_ANSWER_IN_TIME = Problem(504, "upstream_timeout", "The model provider did not answer in time.")
FAILED = Problem(500, "mirror_failed", "Something went wrong here; nothing was forwarded.")


def too_large(limit: int) -> Problem:
    """The refusal of a long body."""
    return Problem(413, "request_too_large", f"The body is longer than {limit} bytes.")


def unknown_model(known: str) -> Problem:
    """The refusal of a model that the mirror does not stand before."""
    return Problem(404, "model_not_found", f"This endpoint serves the model `{known}` only.")
