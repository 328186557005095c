"""Segments of the lake that a mirror appends: each written once, whole or not at all."""

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.tables import SHADOW_COUNTS, SHADOW_PAIRS, Table

SEPARATOR = "@"


def segments_of(lake: Lake, table: Table, candidate_id: str) -> list[str]:
    """The names of the candidate's segments, in the order in which they were begun."""
    return [
        name for name in lake.partitions(table) if name.rpartition(SEPARATOR)[0] == candidate_id
    ]


class Segments:
    """One start of a mirror: numbered segments of pairs, and its counts in a file of their own.

    A segment is never written again, so an erasure that cleans it stands, and a kill leaves those
    that were written as they are.
    """

    def __init__(self, lake: Lake, candidate_id: str, *, started_at: dt.datetime) -> None:
        self._lake = lake
        self._candidate_id = candidate_id
        self._started_at = started_at
        # Two mirrors may start in the same second.
        self.name = f"{candidate_id}{SEPARATOR}{started_at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self._written = 0

    def append(self, rows: Sequence[Mapping[str, Any]]) -> str | None:
        """Writes rows of SHADOW_PAIRS as the next segment; None where there are none."""
        if not rows:
            return None
        segment = f"{self.name}-{self._written + 1:06d}"
        frame = pl.DataFrame(list(rows), schema=SHADOW_PAIRS.schema)
        self._lake.replace(SHADOW_PAIRS, frame, partition=segment)
        self._written += 1  # not before: what is tried again takes the same name
        return segment

    def count(self, fates: Mapping[str, int], *, until: dt.datetime) -> None:
        """Writes what became of this start's requests so far."""
        rows = [
            {
                "candidate_id": self._candidate_id,
                "fate": fate,
                "requests": requests,
                "started_at": self._started_at,
                "counted_until": until,
            }
            for fate, requests in sorted(fates.items())
            if requests
        ]
        frame = pl.DataFrame(rows, schema=SHADOW_COUNTS.schema)
        self._lake.replace(SHADOW_COUNTS, frame, partition=self.name)
