"""The audit trail of the operational store: who did what to what, and when."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from eval_pipeline.adapters.schema import audit_trail
from eval_pipeline.adapters.store import utc
from eval_pipeline.fingerprint import canonical_json

PIPELINE = "pipeline"
"""The actor of what no person did."""

_APPEND = sa.insert(audit_trail)


def leave_trace(
    connection: sa.Connection,
    *,
    at: dt.datetime,
    actor: str,
    action: str,
    subject: str,
    **detail: Any,
) -> None:
    """Appends an entry to the transaction of the write it tells of; no texts in `detail`."""
    entry = trace(at=at, actor=actor, action=action, subject=subject, **detail)
    leave_traces(connection, [entry])


def trace(
    *, at: dt.datetime, actor: str, action: str, subject: str, **detail: Any
) -> dict[str, Any]:
    """The entry, for `leave_traces` to append."""
    return {
        "at": utc(at),
        "actor": actor,
        "action": action,
        "subject": subject,
        "detail_json": canonical_json(detail),
    }


def leave_traces(connection: sa.Connection, entries: Sequence[dict[str, Any]]) -> None:
    """Appends entries in their order, at once."""
    if entries:
        connection.execute(_APPEND, entries)
