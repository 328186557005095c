"""What asking again shows: flips on the same words, flips under a swap, reasons against verdict."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from eval_pipeline.judging.biases.measured import Measured, unmeasured
from eval_pipeline.judging.biases.probes import REPEATS, scores_of
from eval_pipeline.judging.pairwise import FIRST_ORDER, SECOND_ORDER
from eval_pipeline.statistics.clusters import Floats
from eval_pipeline.statistics.paired import augmented_interval
from eval_pipeline.statistics.proportions import wilson


def differing_share(probes: pl.DataFrame, *, confidence: float) -> Measured:
    """P(verdict differs from what was expected), with Wilson's interval; an abstention counts.

    Missing is a probe without an answer, or one whose first verdict was missing.
    """
    both = probes.drop_nulls(["verdict", "expected"])
    missing = probes.height - both.height
    if both.is_empty():
        return unmeasured("nothing was answered twice", missing=missing)
    differing = both.filter(pl.col("verdict") != pl.col("expected")).height
    return share(differing, both.height, missing=missing, confidence=confidence)


def mismatch_share(probes: pl.DataFrame, *, confidence: float) -> Measured:
    """P(reasons support the other verdict), Wilson's; reasons that support neither are missing."""
    decided = probes.filter(pl.col("verdict").is_in(["pass", "fail"]))
    missing = probes.height - decided.height
    if decided.is_empty():
        return unmeasured("no reader could tell a verdict from the reasons", missing=missing)
    differing = decided.filter(pl.col("verdict") != pl.col("expected")).height
    return share(differing, decided.height, missing=missing, confidence=confidence)


def share(hits: int, items: int, *, missing: int = 0, confidence: float) -> Measured:
    """A plain share of independent items with Wilson's interval."""
    rate = hits / items
    lower, upper = wilson(rate, items, confidence=confidence)
    return Measured(rate, lower, upper, items=items, missing=missing)


@dataclass(frozen=True)
class PositionEffects:
    """Flips under a swap beyond those on a rerun, and how much the first place wins beyond half."""

    excess: Measured
    bias: Measured


def position_effects(probes: pl.DataFrame, *, confidence: float) -> PositionEffects:
    """From one judge's position probes; pairs that lack one of their four answers are missing."""
    first, second, missing = _answered_fully(probes)
    pairs = first.shape[0]
    if not pairs:
        nothing = unmeasured("no pair was compared in both orders, twice", missing=missing)
        return PositionEffects(nothing, nothing)
    told = _where_from(probes)
    excess = excess_flips(first, second)
    lower, upper = augmented_interval(excess, confidence=confidence)
    wins = first_place_wins(first, second)
    low, high = augmented_interval(2 * wins, confidence=confidence)
    return PositionEffects(
        Measured(float(excess.mean()), lower, upper, items=pairs, missing=missing, note=told),
        Measured(float(wins.mean()), low / 2, high / 2, items=pairs, missing=missing, note=told),
    )


def excess_flips(first: Floats, second: Floats) -> Floats:
    """Per pair: P(scores differ between the orders) minus P(they differ on a rerun).

    `first` and `second`, n by 2: the first response's score in each order, asked twice. All four
    combinations of a swap are counted, which changes no expectation and halves the noise.
    """
    swapped = (first[:, :, None] != second[:, None, :]).mean(axis=(1, 2))
    again = np.stack([first[:, 0] != first[:, 1], second[:, 0] != second[:, 1]]).mean(axis=0)
    difference: Floats = swapped - again
    return difference


def first_place_wins(first: Floats, second: Floats) -> Floats:
    """Per pair: P(whatever stands first wins) minus a half; content cancels over the orders."""
    wins: Floats = np.concatenate([first, 1 - second], axis=1).mean(axis=1) - 0.5
    return wins


def _answered_fully(probes: pl.DataFrame) -> tuple[Floats, Floats, int]:
    wide = (
        scores_of(probes)
        .with_columns(column=pl.format("{}|{}", "order", "repeat"))
        .pivot("column", index="item_id", values="score")
        .sort("item_id")
    )
    columns = [f"{order}|{repeat}" for order in (FIRST_ORDER, SECOND_ORDER) for repeat in REPEATS]
    absent = [pl.lit(None, dtype=pl.Float64).alias(c) for c in columns if c not in wide.columns]
    full = wide.with_columns(absent).drop_nulls(columns)
    halves = [full.select(columns[start : start + 2]).to_numpy() for start in (0, 2)]
    return halves[0], halves[1], wide.height - full.height


def _where_from(probes: pl.DataFrame) -> str:
    counted = probes.unique("item_id").group_by("source").len().sort("source")
    names = {"reference": "a response and its reference", "rerun": "a response and a later answer"}
    return "; ".join(f"{names.get(source, source)}: {count}" for source, count in counted.rows())
