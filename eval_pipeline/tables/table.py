"""What a declared table is, and the types that many of them share."""

from dataclasses import dataclass, field
from typing import Final, Literal

import polars as pl

from eval_pipeline.errors import TableError

PartitionKind = Literal["week", "candidate", "system", "erasure", "segment"]
UTC_MICROSECONDS: Final = pl.Datetime("us", "UTC")
MESSAGES: Final = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
ATTRIBUTES: Final = pl.List(pl.Struct({"key": pl.String, "value": pl.String}))
NAMES: Final = pl.List(pl.String)
ColumnTypes = dict[str, pl.DataType | type[pl.DataType]]


def schema_of(columns: ColumnTypes) -> pl.Schema:
    """The columns as Polars holds them, in this order."""
    return pl.Schema(columns)


@dataclass(frozen=True)
class Table:
    """A declared table; `conform` is the only way in.

    `job` is the job that makes it; `command` its command, where that has another name. Columns
    outside `required` may hold nulls. Rows are ordered by `key`, so equal content gives equal
    bytes. `later` are columns that files of earlier versions of this program lack: they are read as
    null.
    """

    name: str
    job: str
    grain: str
    partitioned_by: PartitionKind
    schema: pl.Schema
    key: tuple[str, ...]
    required: frozenset[str] = field(default_factory=frozenset)
    later: frozenset[str] = field(default_factory=frozenset)
    command: str | None = None

    def command_for(self, partition: str) -> str:
        """The command that makes a partition of this table."""
        if self.partitioned_by == "erasure":
            return f"eval-pipeline {self.job} --user ID"
        if self.partitioned_by == "segment":
            return "eval-pipeline shadow serve --candidate NAME"
        if self.partitioned_by == "system":
            return f"eval-pipeline {self.job} {partition}"
        option = "--week" if self.partitioned_by == "week" else "--candidate"
        command = self.command or self.job.replace("_", "-")
        return f"eval-pipeline {command} {option} {partition}"

    def empty(self) -> pl.DataFrame:
        """A frame of this table without rows."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame in declared column order, sorted by key; raises `TableError` if it misfits.

        Never casts: a wrong dtype is a defect of the step that made the frame.
        """
        self._check_columns(frame)
        ordered = frame.select(list(self.schema))
        self._check_rows(ordered)
        return ordered.sort(self.key)

    def _check_columns(self, frame: pl.DataFrame) -> None:
        missing = [column for column in self.schema if column not in frame.columns]
        extra = [column for column in frame.columns if column not in self.schema]
        if missing or extra:
            raise TableError(self.name, f"missing columns {missing}, undeclared columns {extra}")
        for column, dtype in self.schema.items():
            if frame.schema[column] != dtype:
                raise TableError(
                    self.name, f"column '{column}' is {frame.schema[column]}, declared {dtype}"
                )

    def _check_rows(self, frame: pl.DataFrame) -> None:
        for column in sorted(self.required | set(self.key)):
            nulls = frame[column].null_count()
            if nulls:
                raise TableError(self.name, f"column '{column}' has {nulls} nulls")
        duplicates = frame.height - frame.select(self.key).n_unique() if frame.height else 0
        if duplicates:
            raise TableError(self.name, f"{duplicates} rows repeat the key {self.key}")


CALL_COLUMNS: Final[ColumnTypes] = {
    "status": pl.String,
    "error_code": pl.String,
    "requested_model": pl.String,
    "served_model": pl.String,
    "system_fingerprint": pl.String,
    "finish_reason": pl.String,
    "input_tokens": pl.Int64,
    "output_tokens": pl.Int64,
    "cost_usd": pl.Float64,
    "latency_seconds": pl.Float64,
    "first_byte_seconds": pl.Float64,
    "attempts": pl.Int64,
}
"""What every table that rests on model calls says of them; `status` is answered|refused|failed."""
