"""Makes a version's items again from its parent's and the weeks' labels, as its manifest decided.

No policy is applied anew: the manifest's list of who came, went and was revised is followed, so
what is rebuilt does not depend on the program that composed it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.golden_set import item_fingerprint, item_identity
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS
from eval_pipeline.truth.manifest import Manifest

KEPT_OF_KNOWN = ("item_revision", "admitted_in", "admitted_on")
"""What a known item keeps when it is labelled again."""


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
    revised = {change.item_id for change in manifest.revised}
    gone = {stone.item_id for stone in manifest.tombstones}
    admitted = {change.item_id for change in manifest.admitted} - gone
    labelled = _labelled(candidates)
    rows: dict[str, Mapping[str, Any]] = {}
    for before in [] if previous is None else previous.to_dicts():
        item_id = before["item_id"]
        if item_id not in retired | gone:
            after = labelled.get(item_id)
            rows[item_id] = _labelled_again(before, after, revised=item_id in revised)
    for item_id in admitted & labelled.keys():
        rows[item_id] = _admitted(labelled[item_id], item_id=item_id, manifest=manifest)
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


def _labelled(candidates: pl.DataFrame) -> dict[str, Mapping[str, Any]]:
    """One row per item: a settled label wins over the panel's for the same interaction."""
    rows: dict[str, Mapping[str, Any]] = {}
    for row in candidates.sort("interaction_id").to_dicts():
        item_id = item_identity(row["interaction_id"])
        if item_id not in rows or rows[item_id]["label_source"] == "panel":
            rows[item_id] = row
    return rows


def _admitted(
    candidate: Mapping[str, Any], *, item_id: str, manifest: Manifest
) -> Mapping[str, Any]:
    return {
        **_content(candidate),
        "item_id": item_id,
        "item_revision": 1,
        "admitted_in": manifest.version,
        "admitted_on": manifest.as_of,
    }


def _labelled_again(
    before: Mapping[str, Any], after: Mapping[str, Any] | None, *, revised: bool
) -> Mapping[str, Any]:
    """A panel's label never takes the place of a settled one."""
    if after is None or (after["label_source"] == "panel" != before["label_source"]):
        return before
    kept = {column: before[column] for column in KEPT_OF_KNOWN}
    kept["item_revision"] += revised
    return {**_content(after), "item_id": before["item_id"], **kept}


def _content(candidate: Mapping[str, Any]) -> dict[str, Any]:
    columns = {column: candidate[column] for column in CANDIDATE_COLUMNS}
    return {**columns, "item_fingerprint": item_fingerprint(candidate)}
