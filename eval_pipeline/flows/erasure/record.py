"""The record of an erasure in `erasures`: what was changed and who asked, nothing of the person."""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import ERASURES

REQUEST = "request"
"""The place of the row that keeps the person out of later draws; it is written first."""


@dataclass(frozen=True)
class Request:
    """Who asked for the erasure and why; the reason is masked.

    `person_link` is what a restored backup is searched by: see `flows.backups.erased_since`.
    """

    erasure_id: str
    by: str
    reason: str
    at: dt.datetime
    person_link: str | None = None


class Recorder:
    """Appends to one erasure's partition, each entry before the change that it tells of.

    So an erasure that is killed has recorded every file that it changed, and perhaps one that it
    did not come to. Rows of earlier requests stay as they are. Where a ledger is configured it gets
    every entry first: what the lake knows of an erasure, the ledger knows too.
    """

    def __init__(self, pipeline: Pipeline, request: Request) -> None:
        self._lake = pipeline.lake
        self._ledger = pipeline.erasure_ledger
        self._request = request

    def add(
        self,
        place: str,
        treatment: str,
        *,
        removed: int = 0,
        blanked: int = 0,
        old_hash: str = "",
        new_hash: str | None = None,
    ) -> None:
        """Appends an entry; one of this request for the same place and old hash is completed."""
        row = {
            "place": place,
            "treatment": treatment,
            "rows_removed": removed,
            "rows_blanked": blanked,
            "old_hash": old_hash,
            "new_hash": new_hash,
            "requested_by": self._request.by,
            "reason": self._request.reason,
            "erased_at": self._request.at,
            "person_link": self._request.person_link if place == REQUEST else None,
        }
        entry = pl.DataFrame([row], schema=ERASURES.schema)
        others = self._standing().join(entry, on=list(ERASURES.key), how="anti")
        frame = pl.concat([others, entry])
        if self._ledger is not None:
            self._ledger.replace(ERASURES, frame, partition=self._request.erasure_id)
        self._lake.replace(ERASURES, frame, partition=self._request.erasure_id)

    def _standing(self) -> pl.DataFrame:
        if not self._lake.has(ERASURES, partition=self._request.erasure_id):
            return ERASURES.empty()
        return self._lake.read(ERASURES, partition=self._request.erasure_id)
