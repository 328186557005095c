"""Golden items that people took out of the set, or put back, in the operational store.

Nothing is overwritten: putting an item back is a later record of the same item.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

import sqlalchemy as sa

from eval_pipeline.adapters.audit import PIPELINE, leave_trace
from eval_pipeline.adapters.schema import golden_withdrawals
from eval_pipeline.adapters.store import Store, read_utc, utc
from eval_pipeline.errors import WithdrawalError

Action = Literal["withdraw", "reinstate"]
LONGEST_NAME: Final = 80


@dataclass(frozen=True)
class Withdrawal:
    """What a person decided about an item; `reason` is masked before it comes here."""

    item_id: str
    action: str
    decided_by: str
    reason: str
    decided_at: dt.datetime


class WithdrawalStore:
    """Who took which item out of the golden set, or put it back, when and why."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def record(
        self, item_id: str, *, action: Action, decided_by: str, reason: str, at: dt.datetime
    ) -> bool:
        """Appends the decision; False if the item is out, or in, already.

        Raises `WithdrawalError` without a name or a reason.
        """
        _require(decided_by, reason)
        with self._store.writing() as connection:
            _lock(connection, item_id)
            newest = connection.execute(
                sa.select(golden_withdrawals.c.action)
                .where(golden_withdrawals.c.item_id == item_id)
                .order_by(golden_withdrawals.c.entry.desc())
                .limit(1)
            ).scalar()
            if (newest or "reinstate") == action:
                return False
            connection.execute(
                sa.insert(golden_withdrawals),
                {
                    "item_id": item_id,
                    "action": action,
                    "decided_by": decided_by,
                    "reason": reason,
                    "decided_at": utc(at),
                },
            )
            leave_trace(
                connection, at=at, actor=decided_by, action=f"{action}_item", subject=item_id
            )
        return True

    def standing(self) -> dict[str, Withdrawal]:
        """The decisions by which items are out, by item, in the order of their ids."""
        newest = {one.item_id: one for one in self.history()}
        return {item_id: one for item_id, one in sorted(newest.items()) if one.action == "withdraw"}

    def history(self, item_id: str | None = None) -> list[Withdrawal]:
        """Every decision about one item, or about all, oldest first."""
        columns = (golden_withdrawals.c[name] for name in Withdrawal.__annotations__)
        query = sa.select(*columns).order_by(golden_withdrawals.c.entry)
        if item_id is not None:
            query = query.where(golden_withdrawals.c.item_id == item_id)
        with self._store.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [Withdrawal(**{**row, "decided_at": read_utc(row["decided_at"])}) for row in rows]

    def forget(self, item_ids: Collection[str], *, at: dt.datetime) -> int:
        """Blanks the reasons of decisions about these items; the decisions stay.

        Returns how many items had any that was not blank yet.
        """
        found = 0
        with self._store.writing() as connection:
            for item_id in sorted(set(item_ids)):
                blanked = connection.execute(
                    sa.update(golden_withdrawals)
                    .where(
                        golden_withdrawals.c.item_id == item_id, golden_withdrawals.c.reason != ""
                    )
                    .values(reason="")
                )
                if blanked.rowcount:
                    leave_trace(connection, at=at, actor=PIPELINE, action="forget", subject=item_id)
                    found += 1
        return found


def _require(decided_by: str, reason: str) -> None:
    if not decided_by.strip() or len(decided_by) > LONGEST_NAME:
        raise WithdrawalError(
            f"A withdrawal needs the name of who decides, of at most {LONGEST_NAME} characters. "
            "Nothing was recorded. Give it by `--by`."
        )
    if not reason.strip():
        raise WithdrawalError(
            "A withdrawal needs a reason, so that others can judge it later. Nothing was "
            "recorded. Give it by `--reason`."
        )


def _lock(connection: sa.Connection, name: str) -> None:
    """One decision about an item at a time; on SQLite the transaction itself is that already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(name))))
