"""What a rotation did to a version's score, told apart from what the system did.

Every item revision of two consecutive versions was asked once in one week and scored by the same
judges, so only the items differ.
"""

from collections.abc import Iterator
from dataclasses import asdict
from itertools import pairwise
from typing import Any, Final

import polars as pl

from eval_pipeline.evaluation.rotation_parts import Effect, RotationEffect, decompose_rotation
from eval_pipeline.settings import SYNTHETIC_SUBSET, DriftSettings
from eval_pipeline.tables import ROTATION_EFFECT

ALL: Final = "all"


def rotation_effects(trials: pl.DataFrame, *, policy: DriftSettings) -> pl.DataFrame:
    """ROTATION_EFFECT from a week's DRIFT_TRIALS: per system, pair of versions and subset.

    Synthetic items, which no traffic asked, stay out of 'all' (methods 1.6). An item counts only
    if every revision of it that the pair holds has a score; the others are `missing_items`.
    Intervals are at the policy's confidence for 'all', and Bonferroni's over subsets, pairs and
    systems for subsets, as in the drift report.
    """
    asked = _item_scores(trials.filter(pl.col("stream") == "rerun"))
    systems = asked["system_id"].unique().sort().to_list()
    rows: list[dict[str, Any]] = []
    for system in systems:
        own = asked.filter(pl.col("system_id") == system)
        versions = own["golden_versions"].explode(empty_as_null=True).drop_nulls().unique().sort()
        for before, after in pairwise(versions.to_list()):
            claims = len(systems) * (versions.len() - 1)
            pair = _pair(own, before=before, after=after)
            named = {"system_id": system, "version_before": before, "version_after": after}
            rows.extend({**named, **row} for row in _rows_of(pair, claims=claims, policy=policy))
    return ROTATION_EFFECT.conform(pl.DataFrame(rows, schema=ROTATION_EFFECT.schema))


def _item_scores(trials: pl.DataFrame) -> pl.DataFrame:
    """One row per system and item revision: its mean score, null if any of its trials has none."""
    return (
        trials.sort("system_id", "item_id", "item_revision", "trial")
        .group_by("system_id", "item_id", "item_revision", maintain_order=True)
        .agg(
            score=pl.when(pl.col("score").is_not_null().all()).then(pl.col("score").mean()),
            golden_versions=pl.col("golden_versions").first(),
            subsets=pl.col("subsets").first(),
            conversation_key=pl.col("conversation_key").first(),
        )
    )


def _pair(own: pl.DataFrame, *, before: int, after: int) -> pl.DataFrame:
    """Item revisions that either version holds, with `old` and `new`, and `missing` per item."""
    return (
        own.with_columns(
            old=pl.col("golden_versions").list.contains(before),
            new=pl.col("golden_versions").list.contains(after),
        )
        .filter(pl.col("old") | pl.col("new"))
        .with_columns(missing=pl.col("score").is_null().any().over("item_id"))
    )


def _rows_of(pair: pl.DataFrame, *, claims: int, policy: DriftSettings) -> Iterator[dict[str, Any]]:
    names = pair["subsets"].explode(empty_as_null=True).drop_nulls().unique().sort().to_list()
    made = pl.col("subsets").list.contains(SYNTHETIC_SUBSET)
    for name in (ALL, *names):
        inside = ~made if name == ALL else pl.col("subsets").list.contains(name)
        asked = pair.filter(inside)
        error = (1 - policy.confidence) / (1 if name == ALL else claims * len(names))
        scored = asked.filter(~pl.col("missing"))
        found = decompose_rotation(scored, confidence=1 - error)
        finding, note = _finding(found, policy)
        yield {
            "subset": name,
            "missing_items": asked.filter("missing")["item_id"].n_unique(),
            "synthetic_items": scored.filter(made)["item_id"].n_unique(),
            **{key: value for key, value in asdict(found).items() if key in _PLAIN},
            **_bounds("difference", "", found.total),
            **_bounds("exit_effect", "exit_", found.exits),
            **_bounds("revision_effect", "revision_", found.revisions),
            **_bounds("entry_effect", "entry_", found.entries),
            "finding": finding,
            "note": note,
        }


_PLAIN: Final = frozenset(ROTATION_EFFECT.schema)


def _bounds(name: str, prefix: str, effect: Effect) -> dict[str, float | None]:
    return {name: effect.value, f"{prefix}lower": effect.lower, f"{prefix}upper": effect.upper}


def _finding(found: RotationEffect, policy: DriftSettings) -> tuple[str, str | None]:
    total = found.total
    if total.value is None or total.lower is None or total.upper is None:
        empty = "before" if not found.items_before else "after"
        return "not_measured", f"no item of the version {empty} has a score"
    note = None if found.exits.value is not None else "no item is in both versions"
    shifted = total.lower > 0 or total.upper < 0
    if shifted and abs(total.value) >= policy.minimum_difference:
        return "shift", note
    return "within_noise", note
