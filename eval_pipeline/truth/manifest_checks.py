"""Where a golden version contradicts its manifest, its parent or itself."""

from collections.abc import Collection, Iterable

import polars as pl

from eval_pipeline.canary import canary_of
from eval_pipeline.fingerprint import content_hash
from eval_pipeline.truth.golden_set import item_fingerprint
from eval_pipeline.truth.manifest import Manifest, content_fingerprint, counts_of

NAMED = 3
"""Items that a problem names; the others it counts."""


def own_problems(manifest: Manifest) -> list[str]:
    """What the manifest says that cannot be true, whatever the items and the parent are."""
    problems = []
    if manifest.parent != (manifest.version - 1 or None):
        problems.append(f"its parent is {manifest.parent}, not the version before")
    if list(manifest.weeks) != sorted({*manifest.weeks, manifest.week}):
        problems.append("its weeks are not in order or lack its own")
    gone = [stone.item_id for stone in manifest.tombstones]
    if gone != sorted(set(gone)):
        problems.append("its tombstones are not in order or name an item twice")
    if {stone.erasure_id for stone in manifest.tombstones} - {
        reissue.erasure_id for reissue in manifest.reissues
    }:
        problems.append("it has a tombstone of an erasure for which it was not issued again")
    return problems


def item_problems(manifest: Manifest, items: pl.DataFrame) -> list[str]:
    """Where the items contradict their manifest."""
    problems = []
    recorded = manifest.files[manifest.items_file].rows
    if items.height != recorded:
        problems.append(f"the items file has {items.height} rows, the manifest says {recorded}")
    if counts_of(items, fresh=manifest.counts.fresh) != manifest.counts:
        problems.append("the counts per subset, kind or label source are not those of the items")
    if not 0 <= manifest.counts.fresh <= items.height:
        problems.append("its fresh items outnumber its items")
    found = content_fingerprint(items, manifest.provenance, week=manifest.week)
    if found != manifest.content_fingerprint:
        problems.append("the content fingerprint is not that of the items and their provenance")
    wrong = [
        row["item_id"]
        for row in items.to_dicts()
        if row["item_fingerprint"] != item_fingerprint(row)
    ]
    if wrong:
        problems.append(f"the fingerprints of {_named(wrong)} are not those of their content")
    return problems + _admission_problems(manifest, items)


def _admission_problems(manifest: Manifest, items: pl.DataFrame) -> list[str]:
    problems = []
    gone = {stone.item_id for stone in manifest.tombstones}
    returned = gone & set(items["item_id"].to_list())
    if returned:
        problems.append(f"{_named(returned)} are erased and still there")
    admitted = {change.item_id for change in manifest.admitted} - gone
    own = items.filter(pl.col("admitted_in") == manifest.version)
    if set(own["item_id"].to_list()) != admitted or items["admitted_in"].max() not in {
        None,
        *range(1, manifest.version + 1),
    }:
        problems.append("the items that say they were admitted in it are not those it admitted")
    real = own.filter(pl.col("selection") != "synthetic")
    if set(real["week"].to_list()) - set(manifest.weeks):
        problems.append("it admitted items of weeks that it does not name")
    return problems


def chain_problems(
    manifest: Manifest,
    items: Collection[str],
    *,
    parent: Manifest | None,
    parent_manifest: bytes | None,
    parent_items: Collection[str],
) -> list[str]:
    """Where a version does not follow from its parent.

    `parent_manifest` is the parent's file and `parent` what it says; `items` and `parent_items`
    are item ids. A parent that was issued again vouches for the canary by the hashes it replaced.
    """
    problems = []
    expected = None if parent_manifest is None else content_hash(parent_manifest)
    if manifest.parent_manifest_hash != expected:
        problems.append(f"the manifest of version {manifest.parent} is not the one it was built on")
    earlier = () if parent is None else [reissue.supersedes for reissue in parent.reissues]
    if manifest.canary not in {
        canary_of(known, week=manifest.week) for known in (expected, *earlier)
    }:
        problems.append("its canary does not come from its parent and its week")
    newest = manifest.week if parent is None else max(parent.newest_week, manifest.week)
    if manifest.newest_week != newest:
        problems.append("its newest week is not that of the chain")
    if not _follows(manifest, items, parent=parent, parent_items=parent_items):
        problems.append("its items are not its parent's, less the retired, plus the admitted")
    return problems


def _follows(
    manifest: Manifest,
    items: Collection[str],
    *,
    parent: Manifest | None,
    parent_items: Collection[str],
) -> bool:
    """A tombstone stands for an item that the version admitted, or its parent had."""
    admitted = {change.item_id for change in manifest.admitted}
    retired = {change.item_id for change in manifest.retired}
    gone = {stone.item_id for stone in manifest.tombstones}
    before = set() if parent is None else {stone.item_id for stone in parent.tombstones}
    founded = gone <= admitted | before
    revised = {change.item_id for change in manifest.revised} <= set(items) | gone
    return founded and revised and (set(parent_items) - retired) | (admitted - gone) == set(items)


def _named(item_ids: Iterable[str]) -> str:
    names = sorted(item_ids)
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
