"""What a sample and a golden version promise, as data: claims and bounds.

Pure: frames of keys, counts and shares go in with a policy; `expectations` checks the promises.
No text is among the measures, so a broken promise never quotes a log.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import polars as pl

from eval_pipeline.adapters.contracts.promises import (
    Promise,
    between,
    in_set,
    not_empty,
    not_null,
    percent,
    unique,
    values,
)
from eval_pipeline.settings import GoldenSettings
from eval_pipeline.tables import GOLDEN_SET, SAMPLED_INTERACTIONS

KINDS: Final = ("typical", "edge", "adversarial")
LABELS: Final = ("pass", "fail")
SYNTHETIC: Final = "synthetic"
LABEL_SOURCES: Final = ("agreement", "adjudication", "recorded", "panel", SYNTHETIC)
SELECTIONS: Final = ("sample", "reserve")
GOLDEN_SELECTIONS: Final = ("sample", SYNTHETIC)
BEHAVIOURS: Final = ("answer", "graceful_failure")
SLACK: Final = 1e-9


def promises_of_sample() -> list[Promise]:
    """What makes the drawn interactions a probability sample."""
    return [
        not_empty("the sample"),
        unique("interaction_id"),
        *(not_null(column) for column in sorted(SAMPLED_INTERACTIONS.required)),
        in_set("selection", SELECTIONS),
        values("unit_hash", "lie above 0 and at most at 1", above=0, at_most=1),
        values("inclusion_probability", "lie above 0 and at most at 1", above=0, at_most=1),
        values(
            "weight_times_probability",
            "be 1: the design weight is 1 / inclusion probability",
            at_least=1 - SLACK,
            at_most=1 + SLACK,
        ),
        values("position", "start from 1", at_least=1),
        values("drawn_beyond_population", "be 0: no stratum gives more than it has", at_most=0),
        values("position_beyond_drawn", "be 0: nothing lies past the draw", at_most=0),
    ]


def promises_of_items(policy: GoldenSettings) -> list[Promise]:
    """What every item of a golden version must be."""
    return [
        unique("item_id"),
        *(not_null(column) for column in sorted(GOLDEN_SET.required)),
        in_set("kind", KINDS),
        in_set("reference_label", LABELS),
        in_set("label_source", LABEL_SOURCES),
        in_set("selection", GOLDEN_SELECTIONS),
        in_set("expected_behaviour", BEHAVIOURS),
        values("without_label", "be 0: only a synthetic item has no label", at_most=0),
        values("without_probability", "be 0: only a synthetic item was not drawn", at_most=0),
        values("item_revision", "start from 1", at_least=1),
        values("inclusion_probability", "lie above 0 and at most at 1", above=0, at_most=1),
        values("design_weight", "be positive", above=0),
        values("filled_messages", "be at least 1: an item needs something to ask", at_least=1),
        values("unknown_subsets", "be 0: items carry configured subsets only", at_most=0),
        values(
            "label_age_days",
            f"be at most {policy.maximum_age_days}",
            at_most=policy.maximum_age_days,
        ),
    ]


def promises_of_composition(policy: GoldenSettings) -> list[Promise]:
    """What a golden version must hold to be published."""
    return [
        between(
            "items",
            f"The version must hold {policy.minimum_items} to {policy.maximum_items} items",
            at_least=policy.minimum_items,
            at_most=policy.maximum_items,
        ),
    ]


def wishes_for_composition(policy: GoldenSettings, subsets: Sequence[str]) -> list[Promise]:
    """What the items should add up to; what they do not is told in items and refuses nothing."""
    return [
        *_wishes_for_the_mix(policy),
        *(
            between(
                f"items_in_{subset}",
                f"The subset '{subset}' should hold at least {policy.minimum_per_subset} items",
                at_least=policy.minimum_per_subset,
            )
            for subset in sorted(subsets)
        ),
    ]


def _wishes_for_the_mix(policy: GoldenSettings) -> list[Promise]:
    wishes = []
    for kind in KINDS:
        share = percent(float(getattr(policy.mix, kind)))
        wanted = (
            f"The share of {kind} items should be within {percent(policy.mix.tolerance)} of {share}"
        )
        wishes += [
            between(f"{kind}_items_missing", wanted, at_most=0, unit=" too few"),
            between(f"{kind}_items_beyond", wanted, at_most=0, unit=" too many"),
        ]
    return wishes


def measures_of_sample(sample: pl.DataFrame) -> pl.DataFrame:
    """One row per drawn interaction: keys and the arithmetic of its weight."""
    return sample.select(
        *sorted(SAMPLED_INTERACTIONS.required | {"interaction_id"}),
        weight_times_probability=pl.col("design_weight") * pl.col("inclusion_probability"),
        drawn_beyond_population=_excess("drawn", "population_size"),
        position_beyond_drawn=_excess("position", "drawn"),
    )


def _excess(column: str, limit: str) -> pl.Expr:
    return pl.max_horizontal(pl.col(column) - pl.col(limit), 0)


def measures_of_items(
    items: pl.DataFrame, *, subsets: Sequence[str], as_of: dt.date | None
) -> pl.DataFrame:
    """One row per item: keys, sizes and ages in place of texts and lists."""
    day = pl.col("admitted_on").max() if as_of is None else pl.lit(as_of)
    content = pl.element().struct.field("content").str.strip_chars()
    known = pl.lit(sorted(subsets), dtype=pl.List(pl.String))
    real = pl.col("label_source").ne_missing(SYNTHETIC)
    return items.with_columns(
        label_age_days=(day - pl.col("labelled_on")).dt.total_days(),
        filled_messages=pl.col("messages").list.eval(content.str.len_bytes() > 0).list.sum(),
        unknown_subsets=pl.col("subsets").list.set_difference(known).list.len(),
        without_label=(real & pl.col("reference_label").is_null()).cast(pl.Int64),
        without_probability=(
            real & pl.any_horizontal(pl.col("inclusion_probability", "design_weight").is_null())
        ).cast(pl.Int64),
        messages=pl.col("messages").list.len(),
        subsets=pl.col("subsets").list.len(),
    ).drop("logged_response", "reference_response")


def measures_of_composition(
    items: pl.DataFrame, *, policy: GoldenSettings, subsets: Sequence[str]
) -> pl.DataFrame:
    """One row: items, how far each kind misses its share in items, the real items of each subset.

    A share within the tolerance misses nothing; beyond it, what lacks or exceeds the share itself.
    """
    real = pl.col("label_source").ne_missing(SYNTHETIC)
    return items.select(
        items=pl.len(),
        **{
            f"{kind}_items_{side}": _misses(kind, policy=policy, sign=sign)
            for kind in KINDS
            for side, sign in (("missing", 1), ("beyond", -1))
        },
        **{
            f"items_in_{subset}": (pl.col("subsets").list.contains(subset) & real).sum()
            for subset in sorted(subsets)
        },
    )


def _misses(kind: str, *, policy: GoldenSettings, sign: int) -> pl.Expr:
    held = (pl.col("kind") == kind).sum().cast(pl.Int64)
    gap = sign * (float(getattr(policy.mix, kind)) * pl.len() - held)
    outside = gap > policy.mix.tolerance * pl.len() + SLACK
    return pl.when(outside).then((gap - SLACK).ceil().cast(pl.Int64)).otherwise(0)
