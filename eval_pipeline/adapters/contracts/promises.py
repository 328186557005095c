"""A promise as data: a Great Expectations class, its bounds, and the claim in plain words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

ONE_NUMBER: Final = "ExpectColumnMaxToBeBetween"


@dataclass(frozen=True)
class Promise:
    """One expectation, by its Great Expectations class, and what it claims in plain words.

    A promise that is not `blocking` is a warning when it is broken. `unit` is that of the measure.
    """

    expectation: str
    claim: str
    arguments: Mapping[str, Any]
    blocking: bool = True
    unit: str = ""

    @property
    def column(self) -> str | None:
        """The measure that it speaks of, or none if it speaks of the whole frame."""
        return self.arguments.get("column")

    @property
    def of_one_row(self) -> bool:
        """Whether the measure is one number for the whole frame."""
        return self.expectation == ONE_NUMBER


def percent(share: float) -> str:
    """A share for a person to read, three digits of it: a tiny one is never shown as none."""
    return f"{share * 100:.3g} %"


def between(
    column: str,
    claim: str,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    blocking: bool = True,
    unit: str = "",
) -> Promise:
    """One number for the whole frame, between bounds."""
    # The maximum of one row is the row, and unlike a per-row check it does not skip a null.
    arguments = {"column": column, "min_value": at_least, "max_value": at_most}
    return Promise(ONE_NUMBER, claim, arguments, blocking=blocking, unit=unit)


def share(
    column: str, what: str, limit: float, *, of: str = "interactions", blocking: bool = True
) -> Promise:
    """One share of the whole frame, at most its limit."""
    claim = f"At most {percent(limit)} of the {of} may {what}"
    return between(column, claim, at_most=limit, blocking=blocking)


def values(
    column: str,
    claim: str,
    *,
    above: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Promise:
    """Each row's number, between bounds."""
    arguments = {
        "column": column,
        "min_value": at_least if above is None else above,
        "max_value": at_most,
        "strict_min": above is not None,
    }
    return Promise("ExpectColumnValuesToBeBetween", f"Every `{column}` must {claim}", arguments)


def not_null(column: str) -> Promise:
    """No row lacks it."""
    return Promise(
        "ExpectColumnValuesToNotBeNull", f"Every `{column}` must be present", {"column": column}
    )


def unique(column: str) -> Promise:
    """No two rows share it."""
    return Promise(
        "ExpectColumnValuesToBeUnique", f"Every `{column}` must be unique", {"column": column}
    )


def in_set(column: str, allowed: Sequence[str]) -> Promise:
    """Each row has one of the allowed values."""
    return Promise(
        "ExpectColumnValuesToBeInSet",
        f"Every `{column}` must be one of {', '.join(allowed)}",
        {"column": column, "value_set": list(allowed)},
    )


def not_empty(what: str) -> Promise:
    """The frame has a row."""
    return Promise(
        "ExpectTableRowCountToBeBetween", f"There must be rows in {what}", {"min_value": 1}
    )


def columns_there(columns: Sequence[str], claim: str, *, blocking: bool = True) -> Promise:
    """The frame has these columns, and perhaps others."""
    arguments = {"column_set": sorted(columns), "exact_match": False}
    return Promise("ExpectTableColumnsToMatchSet", claim, arguments, blocking=blocking)
