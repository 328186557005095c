"""A manifest issued again after an erasure: what stays named, what replaces what."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from eval_pipeline.truth.manifest import (
    FileEntry,
    Manifest,
    Reissue,
    Tombstone,
    content_fingerprint,
    counts_of,
)
from eval_pipeline.truth.rotation import NOT_SETTLED


def tombstone(row: Mapping[str, Any], *, erasure_id: str) -> Tombstone:
    """What stays of an item of `GOLDEN_SET`."""
    return Tombstone(
        item_id=row["item_id"],
        item_revision=row["item_revision"],
        route=row["route"],
        kind=row["kind"],
        subsets=tuple(row["subsets"]),
        reference_label=row["reference_label"],
        label_source=row["label_source"],
        erasure_id=erasure_id,
    )


def reissued(
    manifest: Manifest,
    *,
    kept: pl.DataFrame,
    erased: pl.DataFrame,
    files: Mapping[str, FileEntry],
    parent_manifest_hash: str | None,
    note: Reissue,
) -> Manifest:
    """The manifest of the items that are `kept`, with a note of why it replaces the one before.

    Both frames are of `GOLDEN_SET`; of an `erased` item a tombstone stays. The decisions stay as
    they were taken: an erased item is still listed as admitted.
    """
    fresh = manifest.counts.fresh - _fresh(manifest, erased)
    stones = [tombstone(row, erasure_id=note.erasure_id) for row in erased.to_dicts()]
    return manifest.model_copy(
        update={
            "files": dict(files),
            "parent_manifest_hash": parent_manifest_hash,
            "counts": counts_of(kept, fresh=min(max(fresh, 0), kept.height)),
            "content_fingerprint": content_fingerprint(
                kept, manifest.provenance, week=manifest.week
            ),
            "tombstones": tuple(
                sorted([*manifest.tombstones, *stones], key=lambda stone: stone.item_id)
            ),
            "reissues": (*manifest.reissues, note),
        }
    )


def _fresh(manifest: Manifest, erased: pl.DataFrame) -> int:
    """How many of the erased were fresh: settled, and of a week whose labels were drawn on."""
    return erased.filter(
        pl.col("week").is_in(list(manifest.weeks))
        & ~pl.col("label_source").is_in(sorted(NOT_SETTLED))
    ).height
