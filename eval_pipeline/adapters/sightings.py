"""What the provider watch has seen of each pinned system, in the operational store."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import polars as pl
import sqlalchemy as sa

from eval_pipeline.adapters.audit import PIPELINE, leave_trace
from eval_pipeline.adapters.schema import provider_sightings
from eval_pipeline.adapters.store import Store, read_utc, utc
from eval_pipeline.tables import UTC_MICROSECONDS, schema_of

_CHANGE_SCHEMA: Final = schema_of(
    {
        "system_id": pl.String,
        "seen_at": UTC_MICROSECONDS,
        "finding": pl.String,
        "served_model": pl.String,
        "canaries": pl.Int64,
        "changed_answers": pl.Int64,
        "candidate_id": pl.String,
    }
)


@dataclass(frozen=True)
class RecordedSighting:
    """What one look at a provider found; `candidate_id` is set where it opened a candidate."""

    system_id: str
    seen_at: dt.datetime
    served_model: str | None
    system_fingerprint: str | None
    sighting_json: str
    canaries: int
    changed_answers: int
    finding: str
    candidate_id: str | None


class SightingStore:
    """What the provider watch has seen of each pinned system."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def last(self, system_id: str) -> RecordedSighting | None:
        """The newest sighting, or None before the first."""
        found = self._select(system_id, newest_first=True, limit=1)
        return found[0] if found else None

    def history(self, system_id: str, *, newest: int) -> list[str]:
        """The `sighting_json` of the newest sightings, oldest first."""
        found = self._select(system_id, newest_first=True, limit=newest)
        return [seen.sighting_json for seen in reversed(found)]

    def changes(self, *, since: dt.datetime) -> pl.DataFrame:
        """The sightings of a change since then, oldest first, of all systems; no answers."""
        query = (
            sa.select(*(provider_sightings.c[name] for name in _CHANGE_SCHEMA))
            .where(
                provider_sightings.c.finding == "changed",
                provider_sightings.c.seen_at >= utc(since),
            )
            .order_by(provider_sightings.c.sighting)
        )
        with self._store.reading() as connection:
            rows = [
                {**row, "seen_at": read_utc(row["seen_at"])}
                for row in connection.execute(query).mappings()
            ]
        return pl.DataFrame(rows, schema=_CHANGE_SCHEMA)

    def count(self, system_id: str) -> int:
        """How many sightings of the system are recorded."""
        query = sa.select(sa.func.count()).where(provider_sightings.c.system_id == system_id)
        with self._store.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def record(  # noqa: PLR0913 - one argument a column, all by name
        self,
        system_id: str,
        *,
        sighting_json: str,
        served_model: str | None,
        system_fingerprint: str | None,
        canaries: int,
        changed_answers: int,
        finding: str,
        candidate_id: str | None,
        seen_at: dt.datetime,
    ) -> None:
        """Appends a sighting: first, same or changed."""
        row = {
            "system_id": system_id,
            "sighting_json": sighting_json,
            "served_model": served_model,
            "system_fingerprint": system_fingerprint,
            "canaries": canaries,
            "changed_answers": changed_answers,
            "finding": finding,
            "candidate_id": candidate_id,
            "seen_at": utc(seen_at),
        }
        with self._store.writing() as connection:
            connection.execute(sa.insert(provider_sightings), row)
            leave_trace(
                connection,
                at=seen_at,
                actor=PIPELINE,
                action="sight_provider",
                subject=system_id,
                finding=finding,
                candidate_id=candidate_id,
            )

    def _select(
        self, system_id: str, *, newest_first: bool = False, limit: int | None = None
    ) -> list[RecordedSighting]:
        order = provider_sightings.c.sighting
        query = (
            sa.select(*(provider_sightings.c[name] for name in RecordedSighting.__annotations__))
            .where(provider_sightings.c.system_id == system_id)
            .order_by(order.desc() if newest_first else order)
            .limit(limit)
        )
        with self._store.reading() as connection:
            rows = connection.execute(query).mappings().all()
        return [RecordedSighting(**{**row, "seen_at": read_utc(row["seen_at"])}) for row in rows]
