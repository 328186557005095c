"""One pair of versions: the difference of their mean scores as exits, revisions and entries.

With O the items in both versions, all scored in the same week by the same judges:

    after - before = (O as it was - before) + (O as it is - O as it was) + (after - O as it is)

The three terms are the effects of exits, revisions and entries; they sum exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from eval_pipeline.evaluation.paired_tests import augmented_mean
from eval_pipeline.statistics.cell_means import cell_sum
from eval_pipeline.statistics.clusters import cluster_codes


@dataclass(frozen=True)
class Effect:
    """A difference of means with its interval; all null where it cannot be measured."""

    value: float | None = None
    lower: float | None = None
    upper: float | None = None


NOTHING: Final = Effect(0.0, 0.0, 0.0)
"""What no item caused, known exactly."""


@dataclass(frozen=True)
class RotationEffect:
    """The decomposition of one pair of versions over one set of items; see ROTATION_EFFECT."""

    items_before: int
    items_after: int
    items_kept: int
    items_revised: int
    items_retired: int
    items_admitted: int
    mean_before: float | None
    overlap_before: float | None
    overlap_after: float | None
    mean_after: float | None
    total: Effect
    exits: Effect
    revisions: Effect
    entries: Effect


@dataclass(frozen=True)
class _Group:
    """Scored items and what their mean counts for; two pseudo-items, as (score, cluster)."""

    items: pl.DataFrame
    coefficient: float
    pseudo: tuple[tuple[float, str], tuple[float, str]]
    column: str = "score"


def decompose_rotation(scored: pl.DataFrame, *, confidence: float) -> RotationEffect:
    """From one row per item revision: item_id, score, old, new, conversation_key; none missing.

    Intervals are cluster-robust t: CR2 over the groups of items, each with two pseudo-items, a
    right one and a wrong one (Agresti and Caffo 2000); that of revisions is the paired augmented
    t over the revised items. What no item caused is exactly 0.
    """
    old, new = scored.filter("old").sort("item_id"), scored.filter("new").sort("item_id")
    both = old.join(
        new.select("item_id", "item_revision", after="score"), on="item_id", suffix="_new"
    ).sort("item_id")
    changed = both.filter(pl.col("item_revision") != pl.col("item_revision_new"))
    left = old.join(both, on="item_id", how="anti").sort("item_id")
    came = new.join(both, on="item_id", how="anti").sort("item_id")
    before, stayed = _mean(old["score"]), _mean(both["score"])
    after, stay = _mean(new["score"]), _mean(both["after"])
    groups = _groups_of_total(both, left, came)
    return RotationEffect(
        items_before=old.height,
        items_after=new.height,
        items_kept=both.height - changed.height,
        items_revised=changed.height,
        items_retired=left.height,
        items_admitted=came.height,
        mean_before=before,
        overlap_before=stayed,
        overlap_after=stay,
        mean_after=after,
        total=_effect(before, after, groups, confidence=confidence),
        exits=_one_group_effect(both, left, "score", ends=(before, stayed), confidence=confidence),
        revisions=_revision(changed, overlap=both.height, confidence=confidence),
        entries=_one_group_effect(both, came, "after", ends=(stay, after), confidence=confidence),
    )


def _mean(scores: pl.Series) -> float | None:
    return float(scores.to_numpy().mean()) if scores.len() else None


def _one_group_effect(
    both: pl.DataFrame,
    group: pl.DataFrame,
    column: str,
    *,
    ends: tuple[float | None, float | None],
    confidence: float,
) -> Effect:
    """What a group that left or came did: its share times its mean's distance from the others'."""
    if group.is_empty() and both.height:
        return NOTHING
    share = group.height / max(1, both.height + group.height)
    share = -share if column == "score" else share
    stay = _Group(both, -share, _own_pseudo("stay"), column)
    return _effect(*ends, [stay, _Group(group, share, _own_pseudo("group"))], confidence=confidence)


def _groups_of_total(both: pl.DataFrame, left: pl.DataFrame, came: pl.DataFrame) -> list[_Group]:
    """The kept, the revised before and after, those that left and those that came.

    A kept item's score counts by the change of its weight alone, and a revised item's pseudo-items
    are pairs whose scores differ by one, either way.
    """
    revised = pl.col("item_revision") != pl.col("item_revision_new")
    kept, changed = both.filter(~revised), both.filter(revised)
    old = 1 / max(1, both.height + left.height)
    new = 1 / max(1, both.height + came.height)
    first, second = _own_pseudo("revised")
    turned = ((second[0], first[1]), (first[0], second[1]))
    return [
        _Group(kept, kept.height * (new - old), _own_pseudo("kept")),
        _Group(changed, -changed.height * old, (first, second)),
        _Group(changed, changed.height * new, turned, "after"),
        _Group(left, -left.height * old, _own_pseudo("left")),
        _Group(came, came.height * new, _own_pseudo("came")),
    ]


def _own_pseudo(name: str) -> tuple[tuple[float, str], tuple[float, str]]:
    return (0.0, f"\x1f{name}-0"), (1.0, f"\x1f{name}-1")


def _effect(
    before: float | None, after: float | None, groups: Sequence[_Group], *, confidence: float
) -> Effect:
    """After minus before, with the interval of the groups' sum of coefficient times mean."""
    if before is None or after is None:
        return Effect()
    present = [group for group in groups if group.items.height]
    values = [[*group.items[group.column], *(one for one, _ in group.pseudo)] for group in present]
    keys = [
        [*group.items["conversation_key"], *(key for _, key in group.pseudo)] for group in present
    ]
    flat = [key for part in keys for key in part]
    found = cell_sum(
        np.concatenate(values),
        cells=np.repeat(np.arange(len(present)), [len(part) for part in values]),
        coefficients=np.array([group.coefficient for group in present]),
        clusters=cluster_codes(len(flat), flat),
    )
    lower, upper = found.interval(confidence)
    return Effect(after - before, max(-1.0, lower), min(1.0, upper))


def _revision(changed: pl.DataFrame, *, overlap: int, confidence: float) -> Effect:
    if not overlap:
        return Effect()
    if changed.is_empty():
        return NOTHING
    differences = (changed["after"] - changed["score"]).to_numpy()
    share = changed.height / overlap
    codes = cluster_codes(differences.size, changed["conversation_key"].to_list())
    lower, upper = augmented_mean(differences, clusters=codes).interval(confidence)
    return Effect(share * float(differences.mean()), share * lower, share * upper)
