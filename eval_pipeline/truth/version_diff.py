"""What two golden versions have in common, and how their mix moved."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import polars as pl


@dataclass(frozen=True)
class MixShift:
    """The share of one subset or kind among the items of each version, in 0-1."""

    of: Literal["subset", "kind"]
    name: str
    before: float
    after: float


@dataclass(frozen=True)
class VersionDiff:
    """Item ids only in the later version, only in the earlier, or in both as other revisions."""

    added: tuple[str, ...]
    retired: tuple[str, ...]
    revised: tuple[str, ...]
    shifts: tuple[MixShift, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain lists and dictionaries, for JSON."""
        return asdict(self)


def compare_versions(before: pl.DataFrame, after: pl.DataFrame) -> VersionDiff:
    """From `before` to `after`, both of `GOLDEN_SET`; `shifts` name every subset and kind."""
    old = dict(before.select("item_id", "item_revision").rows())
    new = dict(after.select("item_id", "item_revision").rows())
    return VersionDiff(
        added=tuple(sorted(new.keys() - old.keys())),
        retired=tuple(sorted(old.keys() - new.keys())),
        revised=tuple(sorted(item for item in old.keys() & new.keys() if old[item] != new[item])),
        shifts=(
            *_shifts("subset", _shares(before, "subsets"), _shares(after, "subsets")),
            *_shifts("kind", _shares(before, "kind"), _shares(after, "kind")),
        ),
    )


def count_names(items: pl.DataFrame, column: str) -> dict[str, int]:
    """Items per value of a text or list column, sorted by value; null counts as 'none'."""
    names = items[column]
    if isinstance(names.dtype, pl.List):
        names = names.list.unique().explode().drop_nulls()
    counted = names.fill_null("none").value_counts(name="items")
    return dict(sorted(counted.rows()))


def _shares(items: pl.DataFrame, column: str) -> dict[str, float]:
    return {name: count / items.height for name, count in count_names(items, column).items()}


def _shifts(
    of: Literal["subset", "kind"], before: Mapping[str, float], after: Mapping[str, float]
) -> list[MixShift]:
    return [
        MixShift(of, name, before.get(name, 0.0), after.get(name, 0.0))
        for name in sorted(before.keys() | after.keys())
    ]
