"""Waivers, approvals and promotions in the operational store: appended, never changed."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import polars as pl
import sqlalchemy as sa

from eval_pipeline.adapters.audit import leave_trace
from eval_pipeline.adapters.schema import policy_records
from eval_pipeline.adapters.store import Store, read_utc, utc
from eval_pipeline.errors import PolicyRecordError
from eval_pipeline.fingerprint import canonical_json, fingerprint
from eval_pipeline.tables import POLICY_RECORDS

Action = Literal["waive", "approve", "promote"]
LONGEST_NAME: Final = 80


@dataclass(frozen=True)
class PolicyRecord:
    """What a person decided about a candidate; `reason` is masked before it comes here.

    `decision_id` is the decision's as measured, before anybody's word. `subsets` and
    `blocked_subsets` are a waiver's, and so is `until`, its last day.
    """

    action: Action
    candidate_id: str
    candidate_fingerprint: str
    baseline_id: str
    baseline_fingerprint: str
    decision_id: str
    decided_by: str
    reason: str
    decided_at: dt.datetime
    subsets: tuple[str, ...] = ()
    blocked_subsets: tuple[str, ...] = ()
    until: dt.date | None = None

    @property
    def record_id(self) -> str:
        """The id that the content has: the same word at the same instant is one record."""
        told = {
            "decided_at": utc(self.decided_at).isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
        }
        return fingerprint({**vars(self), **told})


class PolicyRecords:
    """Who waived, looked at or promoted what, when and why."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, record: PolicyRecord) -> str:
        """Appends the record and an entry of the audit trail; returns its id.

        Raises `PolicyRecordError` without a name or a reason.
        """
        _require(record.decided_by, record.reason)
        with self._store.writing() as connection:
            _insert(connection, record)
        return record.record_id

    def append_unless_standing(self, record: PolicyRecord) -> PolicyRecord:
        """The record on which this word stands: an earlier one that says the same, or this one.

        A command that was killed after it had recorded its word says it again. Of promotions only
        the newest one stands. Raises `PolicyRecordError` without a name or a reason.
        """
        _require(record.decided_by, record.reason)
        with self._store.writing() as connection:
            query = sa.select(policy_records).where(policy_records.c.action == record.action)
            rows = connection.execute(query.order_by(policy_records.c.entry)).mappings().all()
            said = [_record(row) for row in (rows[-1:] if record.action == "promote" else rows)]
            for earlier in said:
                if replace(earlier, decided_at=record.decided_at) == record:
                    return earlier
            _insert(connection, record)
        return record

    def of_candidate(self, candidate_id: str) -> list[PolicyRecord]:
        """Every record about one candidate, oldest first."""
        return self._records(policy_records.c.candidate_id == candidate_id)

    def newest_promotion(self) -> PolicyRecord | None:
        """The last promotion of any candidate."""
        promotions = self._records(policy_records.c.action == "promote")
        return promotions[-1] if promotions else None

    def _records(self, condition: sa.ColumnElement[bool]) -> list[PolicyRecord]:
        query = sa.select(policy_records).where(condition).order_by(policy_records.c.entry)
        with self._store.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [_record(row) for row in rows]


def _insert(connection: sa.Connection, record: PolicyRecord) -> None:
    row = {
        **vars(record),
        "record_id": record.record_id,
        "subsets_json": canonical_json(record.subsets),
        "blocked_subsets_json": canonical_json(record.blocked_subsets),
        "decided_at": utc(record.decided_at),
    }
    del row["subsets"], row["blocked_subsets"]
    connection.execute(sa.insert(policy_records), row)
    leave_trace(
        connection,
        at=record.decided_at,
        actor=record.decided_by,
        action=f"{record.action}_candidate",
        subject=record.candidate_id,
        record_id=record.record_id,
    )


def records_frame(records: Sequence[PolicyRecord]) -> pl.DataFrame:
    """The records as POLICY_RECORDS."""
    rows = [
        {
            **vars(record),
            "record_id": record.record_id,
            "subsets": list(record.subsets),
            "blocked_subsets": list(record.blocked_subsets),
        }
        for record in records
    ]
    return POLICY_RECORDS.conform(pl.DataFrame(rows, schema=POLICY_RECORDS.schema))


def _record(row: Any) -> PolicyRecord:
    known = {name: row[name] for name in PolicyRecord.__annotations__ if name in row}
    return PolicyRecord(
        **{
            **known,
            "subsets": tuple(json.loads(row["subsets_json"])),
            "blocked_subsets": tuple(json.loads(row["blocked_subsets_json"])),
            "decided_at": read_utc(row["decided_at"]),
        }
    )


def _require(decided_by: str, reason: str) -> None:
    if not decided_by.strip() or len(decided_by) > LONGEST_NAME:
        raise PolicyRecordError(
            f"This needs the name of who decides, of at most {LONGEST_NAME} characters. "
            "Nothing was recorded. Give it by `--by`."
        )
    if not reason.strip():
        raise PolicyRecordError(
            "This needs a reason, so that others can judge it later. Nothing was recorded. "
            "Give it by `--reason`."
        )
