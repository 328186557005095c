"""What scans the logs: DuckDB in this process, or a Spark elsewhere, by the same statements."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import polars as pl


@dataclass(frozen=True)
class LogFiles:
    """The files of one reading, sorted; `location` is what the configuration called them.

    `files` are paths of this machine or URLs of an object store.
    """

    location: str
    files: tuple[str, ...]


class LogEngine(Protocol):
    """An open reading of some files, with the view `interactions` over their records.

    `interactions` has one row per record: the canonical columns without texts, `arrived_at`,
    `message_count`, `response_missing`, `attributes_missing`, and `reason`: why it cannot be
    sampled.
    Statements are DuckDB's SQL from `sql/`; parameters are values, never names.
    """

    def define(
        self, view: str, statement: str, *, parameters: Mapping[str, object] | None = None
    ) -> None:
        """Names the result of a SELECT, which is not computed until it is asked for."""
        ...

    def select(
        self,
        statement: str,
        *,
        parameters: Mapping[str, object] | None = None,
        frames: Mapping[str, pl.DataFrame] | None = None,
    ) -> pl.DataFrame:
        """The result of one SELECT over the views; `frames` are small tables that it may name."""
        ...

    def fetch(self, interaction_ids: pl.Series) -> pl.DataFrame:
        """The records with these ids and their texts: canonical schema; repeats are all there."""
        ...

    def slices(self) -> int:
        """In how many slices distinct ids are counted, so that memory stays flat."""
        ...


class OpenEngine(Protocol):
    """Opens files for reading; what is opened is closed at the end of the block."""

    def __call__(self, files: LogFiles) -> AbstractContextManager[LogEngine]:
        """An engine over `files`."""
        ...
