"""The kinds of outcome of a model call, named once for every table, report and check."""

from typing import Final

import polars as pl

EMPTY_CODE: Final = "empty_answer"
UNPARSABLE_CODE: Final = "unparsable"
CUT_OFF: Final = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
"""Finish reasons, in lower case, of an answer that ended at its limit."""


def outcome_kind(status: str, *, finish_reason: str | None, error_code: str | None) -> str:
    """answered, truncated, refused, empty, unparsable, or failed:CODE.

    A truncated answer counts as answered; an empty or unparsable one as failed. An answer that was
    cut off and then could not be read is unparsable.
    """
    if status == "answered":
        return "truncated" if (finish_reason or "").lower() in CUT_OFF else "answered"
    if status == "refused":
        return "refused"
    if error_code == EMPTY_CODE:
        return "empty"
    return "unparsable" if error_code == UNPARSABLE_CODE else f"failed:{error_code or 'unknown'}"


def with_kind(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of a table with call columns, with their `outcome`."""
    said = ("status", "finish_reason", "error_code")
    met = rows.select(said).unique()
    kinds = [
        outcome_kind(status, finish_reason=finish_reason, error_code=error_code)
        for status, finish_reason, error_code in met.iter_rows()
    ]
    named = met.with_columns(pl.Series("outcome", kinds, dtype=pl.String))
    return rows.join(named, on=said, how="left", nulls_equal=True, maintain_order="left")
