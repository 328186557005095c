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
LABEL_SOURCES: Final = ("agreement", "adjudication", "recorded", "panel")
SELECTIONS: Final = ("sample", "reserve")
WEIGHT_SLACK: Final = 1e-9


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
            at_least=1 - WEIGHT_SLACK,
            at_most=1 + WEIGHT_SLACK,
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
    """What the items of a golden version must add up to."""
    mix = {kind: float(getattr(policy.mix, kind)) for kind in KINDS}
    return [
        between(
            "items",
            f"The version must hold {policy.minimum_items} to {policy.maximum_items} items",
            at_least=policy.minimum_items,
            at_most=policy.maximum_items,
        ),
        *(
            between(
                f"share_of_{kind}",
                f"The share of {kind} items must be within "
                f"{percent(policy.mix.tolerance)} of {percent(share)}",
                at_least=share - policy.mix.tolerance,
                at_most=share + policy.mix.tolerance,
            )
            for kind, share in mix.items()
        ),
    ]


def promises_of_subsets(policy: GoldenSettings, subsets: Sequence[str]) -> list[Promise]:
    """What each configured subset should hold for the gate to be able to speak of it."""
    return [
        between(
            f"items_in_{subset}",
            f"The subset '{subset}' should hold at least {policy.minimum_per_subset} items",
            at_least=policy.minimum_per_subset,
        )
        for subset in sorted(subsets)
    ]


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
    return items.with_columns(
        label_age_days=(day - pl.col("labelled_on")).dt.total_days(),
        filled_messages=pl.col("messages").list.eval(content.str.len_bytes() > 0).list.sum(),
        unknown_subsets=pl.col("subsets").list.set_difference(known).list.len(),
        messages=pl.col("messages").list.len(),
        subsets=pl.col("subsets").list.len(),
    ).drop("logged_response", "reference_response")


def measures_of_composition(items: pl.DataFrame, *, subsets: Sequence[str]) -> pl.DataFrame:
    """One row: items, the share of each kind, the items of each subset."""
    total = pl.max_horizontal(pl.len(), 1)
    return items.select(
        items=pl.len(),
        **{f"share_of_{kind}": (pl.col("kind") == kind).sum() / total for kind in KINDS},
        **{
            f"items_in_{subset}": pl.col("subsets").list.contains(subset).sum()
            for subset in sorted(subsets)
        },
    )
