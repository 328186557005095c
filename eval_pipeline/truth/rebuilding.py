"""Makes a version's items again from its parent's and the weeks' labels, as its manifest decided.

No policy is applied anew: the manifest's list of who came and went is followed, and labels are
taken up by the rules that composing takes them up by.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.entries import admitted_row, candidate_rows, relabelled
from eval_pipeline.truth.manifest import Manifest


@dataclass(frozen=True)
class Replayed:
    """The items, as `GOLDEN_SET`; `missing` were admitted and no label of them is at hand."""

    items: pl.DataFrame
    missing: tuple[str, ...]


@dataclass(frozen=True)
class ItemDifference:
    """An item that was rebuilt differently: in these columns, or one side lacks it (no columns)."""

    item_id: str
    columns: tuple[str, ...]


def replay(
    previous: pl.DataFrame | None, candidates: pl.DataFrame, *, manifest: Manifest
) -> Replayed:
    """Follows the manifest from `previous`, its parent's items as rebuilt (None: no parent).

    `candidates` holds `interaction_id` and `CANDIDATE_COLUMNS` of every labelled interaction of
    the manifest's weeks. Items that have been erased since are in neither.
    """
    retired = {change.item_id for change in manifest.retired}
    gone = {stone.item_id for stone in manifest.tombstones}
    admitted = {change.item_id for change in manifest.admitted} - gone
    labelled = {
        str(row["item_id"]): row
        for candidate in candidate_rows(candidates)
        for row in [admitted_row(candidate, version=manifest.version, as_of=manifest.as_of)]
    }
    rows: dict[str, Mapping[str, Any]] = {}
    for before in [] if previous is None else previous.to_dicts():
        item_id = before["item_id"]
        if item_id not in retired | gone:
            after = labelled.get(item_id)
            rows[item_id] = before if after is None else relabelled(before, after)[0]
    rows |= {item_id: labelled[item_id] for item_id in admitted & labelled.keys()}
    frame = pl.DataFrame(list(rows.values()), schema=GOLDEN_SET.schema)
    return Replayed(GOLDEN_SET.conform(frame), tuple(sorted(admitted - labelled.keys())))


def differences(published: pl.DataFrame, rebuilt: pl.DataFrame) -> tuple[ItemDifference, ...]:
    """The items that are not the same in both, by id."""
    old = {row["item_id"]: row for row in published.to_dicts()}
    new = {row["item_id"]: row for row in rebuilt.to_dicts()}
    found = []
    for item_id in sorted(old.keys() | new.keys()):
        before, after = old.get(item_id), new.get(item_id)
        if before is None or after is None:
            found.append(ItemDifference(item_id, ()))
        elif before != after:
            columns = tuple(column for column in before if before[column] != after[column])
            found.append(ItemDifference(item_id, columns))
    return tuple(found)
