"""One line of log a request: method, the route's pattern, status, milliseconds.

Neither address nor query is in it: a token that somebody pasted there would be.
"""

import logging
from typing import Final

from starlette.requests import Request
from starlette.types import Scope

NO_ROUTE: Final = "(no such page)"
_NOTE: Final = "desk.route"

_log = logging.getLogger("eval_pipeline.desk.access")


def begin_note(scope: Scope) -> dict[str, str]:
    """Where the route that answers notes its pattern, across copies of the scope."""
    note: dict[str, str] = {}
    scope[_NOTE] = note
    return note


def note_route(request: Request, pattern: str) -> None:
    """Notes which route answers."""
    request.scope.get(_NOTE, {})["route"] = pattern


def log_request(scope: Scope, note: dict[str, str], *, status: int, milliseconds: float) -> None:
    """Writes the line; a status of 0 means that nobody waited for the answer."""
    pattern = note.get("route", NO_ROUTE)
    _log.info("%s %s %d %.0f ms", scope["method"], pattern, status, milliseconds)
