"""What two golden versions have in common, why items came and went, and how their mix moved."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import polars as pl


@dataclass(frozen=True)
class ChangedItem:
    """An item that differs between two versions, and the last recorded reason between them.

    `golden_version` is the version that recorded it; the three are null where none is known,
    as when an older version is compared with a newer one.
    """

    item_id: str
    golden_version: int | None = None
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class MixShift:
    """The items of one subset or kind in each version, and their share of its items, in 0-1."""

    of: Literal["subset", "kind"]
    name: str
    items_before: int
    items_after: int
    share_before: float
    share_after: float


@dataclass(frozen=True)
class VersionDiff:
    """Items only in the later version, only in the earlier, or in both as other revisions.

    Of a list each is sorted by item. `kept` counts the items of both in the same revision: the
    ones that scores of both versions can be compared on.
    """

    items_before: int
    items_after: int
    kept: int
    added: tuple[ChangedItem, ...]
    retired: tuple[ChangedItem, ...]
    revised: tuple[ChangedItem, ...]
    shifts: tuple[MixShift, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain lists and dictionaries, for JSON."""
        return asdict(self)


Recorded = Mapping[Literal["admitted", "retired", "revised"], Iterable[ChangedItem]]
"""What the manifests between two versions say, oldest first."""


def compare_versions(
    before: pl.DataFrame, after: pl.DataFrame, *, recorded: Recorded | None = None
) -> VersionDiff:
    """From `before` to `after`, both of `GOLDEN_SET`; `shifts` name every subset and kind."""
    old = dict(before.select("item_id", "item_revision").rows())
    new = dict(after.select("item_id", "item_revision").rows())
    known = recorded or {}
    both = old.keys() & new.keys()
    revised = {item for item in both if old[item] != new[item]}
    return VersionDiff(
        items_before=before.height,
        items_after=after.height,
        kept=len(both) - len(revised),
        added=_explained(new.keys() - old.keys(), known.get("admitted", ())),
        retired=_explained(old.keys() - new.keys(), known.get("retired", ())),
        revised=_explained(revised, known.get("revised", ())),
        shifts=(
            *_shifts("subset", "subsets", before=before, after=after),
            *_shifts("kind", "kind", before=before, after=after),
        ),
    )


def count_names(items: pl.DataFrame, column: str) -> dict[str, int]:
    """Items per value of a text or list column, sorted by value; null counts as 'none'."""
    names = items[column]
    if isinstance(names.dtype, pl.List):
        names = names.list.unique().explode().drop_nulls()
    counted = names.fill_null("none").value_counts(name="items")
    return dict(sorted(counted.rows()))


def _explained(items: Iterable[str], recorded: Iterable[ChangedItem]) -> tuple[ChangedItem, ...]:
    last = {change.item_id: change for change in recorded}
    return tuple(last.get(item, ChangedItem(item)) for item in sorted(items))


def _shifts(
    of: Literal["subset", "kind"], column: str, *, before: pl.DataFrame, after: pl.DataFrame
) -> list[MixShift]:
    old, new = count_names(before, column), count_names(after, column)
    return [
        MixShift(
            of,
            name,
            items_before=old.get(name, 0),
            items_after=new.get(name, 0),
            share_before=old.get(name, 0) / max(before.height, 1),
            share_after=new.get(name, 0) / max(after.height, 1),
        )
        for name in sorted(old.keys() | new.keys())
    ]
