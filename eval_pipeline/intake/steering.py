"""What earlier weeks tell the next draw: where scores spread, and which subsets need more items."""

import math
from dataclasses import dataclass
from typing import Final

import polars as pl

from eval_pipeline.tables import NAMES, schema_of

SPREAD_COLUMNS: Final = schema_of(
    {"stratum": pl.String, "spread": pl.Float64, "scored_interactions": pl.Int64}
)
REQUEST_COLUMNS: Final = schema_of({"stratum": pl.String, "requested": pl.Int64, "asked_by": NAMES})
GOLDEN_COLUMNS: Final = schema_of(
    {"stratum": pl.String, "golden_requested": pl.Int64, "golden_asked_by": NAMES}
)
KIND_PREFIX: Final = "kind:"
"""A kind asks beside subsets under its name with this before it."""


@dataclass(frozen=True)
class Spreads:
    """Per stratum the spread of its scores; `unscored`: verdicts that say neither pass nor fail."""

    by_stratum: pl.DataFrame
    unscored: int


@dataclass(frozen=True)
class Requests:
    """Conversations asked for per stratum; `unseen`: subsets that asked and were not drawn."""

    by_stratum: pl.DataFrame
    unseen: tuple[str, ...]


def spreads_of(scored: pl.DataFrame) -> Spreads:
    """The standard deviation of each stratum's scores, pooled within weeks (methods 1.5).

    `scored`: week, stratum, score (1, 0, or null where the panel cannot say). Inside a stratum
    every conversation is as likely to be drawn, so scores count alike. What weeks differ by is not
    spread: squares are taken from the week's own mean, and a week with one score tells nothing of
    it. Null where no week of the stratum has two scores; nulls are left out and counted.
    """
    known = scored.drop_nulls("score")
    by_week = known.group_by("stratum", "week").agg(
        # Scores are 0 or 1, so these sums are exact and no order of the rows changes a bit.
        squares=pl.col("score").pow(2).sum() - pl.col("score").sum().pow(2) / pl.len(),
        freedom=pl.len().cast(pl.Int64) - 1,
        scores=pl.len().cast(pl.Int64),
    )
    pooled = (
        # Floats add up differently in another order.
        by_week.sort("stratum", "week")
        .group_by("stratum", maintain_order=True)
        .agg(pl.col("squares", "freedom", "scores").sum())
        .select(
            "stratum",
            spread=pl.when(pl.col("freedom") > 0).then(
                (pl.col("squares") / pl.col("freedom")).sqrt()
            ),
            scored_interactions=pl.col("scores"),
        )
    )
    return Spreads(pooled.cast(SPREAD_COLUMNS), scored.height - known.height)


def requests_of(needs: pl.DataFrame, stratified: pl.DataFrame) -> Requests:
    """Conversations per stratum that bring undecided subsets the items they lack.

    `needs`: subset, items (still lacking; several rows of a subset: the most counts).
    `stratified`: the last week's draw. A subset's new items shall come from strata as it lives in
    them: of its need m the stratum h owes m T_h / sum T, where T is the weighted total of the
    subset's interactions. One item takes 1 / y conversations, where y is the subset's items per
    conversation drawn; so h is asked for m (T_h / sum T) / y_h conversations, rounded up. One
    conversation serves all subsets, so the largest request for a stratum counts, not the sum.

    A subset that the last week did not draw could be anywhere and as rare as you like: it asks
    for its need in conversations, the least that could do, over all strata by size.
    """
    drawn = _drawn_once(stratified)
    sizes = _totals(drawn)
    needed = needs.filter(pl.col("items") > 0).group_by("subset").agg(pl.col("items").max())
    asked: dict[str, dict[str, int]] = {}
    unseen = []
    for subset, items in needed.sort("subset").iter_rows():
        own = _totals(drawn.filter(pl.col("subsets").list.contains(subset)))
        if own.is_empty():
            unseen.append(subset)
            own = sizes.with_columns(rows=pl.col("conversations"))
        whole = math.fsum(own["total"])
        for name, total, rows, conversations in own.iter_rows():
            owed = items * total / whole * conversations / rows
            # A rounding error must not ask for one more.
            asked.setdefault(name, {})[subset] = math.ceil(owed - 1e-9)
    requests = [(name, max(own.values()), sorted(own)) for name, own in sorted(asked.items())]
    return Requests(
        pl.DataFrame(requests, schema=REQUEST_COLUMNS, orient="row"),
        tuple(unseen),
    )


def with_kinds_as_subsets(stratified: pl.DataFrame) -> pl.DataFrame:
    """The rows with their kind among their subsets, so that a kind can ask as a subset does."""
    kind = pl.concat_str(pl.lit(KIND_PREFIX), "kind")
    return stratified.with_columns(subsets=pl.concat_list("subsets", kind))


def for_the_sample(requests: pl.DataFrame) -> pl.DataFrame:
    """Requests under the names that the golden set's have in the frame."""
    named = {"requested": "golden_requested", "asked_by": "golden_asked_by"}
    return requests.rename(named).cast(GOLDEN_COLUMNS)


def _drawn_once(stratified: pl.DataFrame) -> pl.DataFrame:
    """The rows with the weight that they have in sample and reserve as one draw.

    A sample row's design weight is that of the sample alone; the sample's share of the stratum's
    conversations makes it that of both.
    """
    is_sample = pl.col("selection") == "sample"
    conversation = pl.col("conversation_key")
    conversations = conversation.n_unique().over("stratum")
    sampled = conversation.filter(is_sample).n_unique().over("stratum")
    return stratified.select(
        "stratum",
        "subsets",
        conversations=conversations,
        weight=pl.when(is_sample)
        .then(pl.col("design_weight") * sampled / conversations)
        .otherwise(pl.col("design_weight")),
    )


def _totals(drawn: pl.DataFrame) -> pl.DataFrame:
    """One row per stratum: weighted total and rows of `drawn`, and all conversations drawn."""
    return (
        drawn.group_by("stratum")
        .agg(
            # Floats add up differently in another order.
            total=pl.col("weight").sort().sum(),
            rows=pl.len(),
            conversations=pl.col("conversations").first(),
        )
        .sort("stratum")
    )
