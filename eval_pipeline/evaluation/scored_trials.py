"""Scored trials from anywhere: what `compare` accepts of one arm, and both arms as one frame.

A trial is one attempt at one item. An error is never a score: where a row bears one, its score is
missing, and what one arm lacks of the other's items is missing too and is counted as such.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.errors import ArmsDisagreeError
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.settings import SYNTHETIC_SUBSET
from eval_pipeline.tables import REGRESSION_TRIALS
from eval_pipeline.tables.table import schema_of

SCORED_TRIALS: Final = schema_of(
    {
        "item_id": pl.String,
        "trial": pl.Int64,  # from 1
        "score": pl.Float64,  # 0 to 1; null where there is none
        "error": pl.String,  # why there is no score; null where there is one
        "subsets": pl.List(pl.String),  # null: not said; the other arm's holds
        "weight": pl.Float64,
        "cluster_id": pl.String,  # null: the item stands for itself
        "latency_seconds": pl.Float64,
        "input_tokens": pl.Int64,
        "output_tokens": pl.Int64,
        "cost_usd": pl.Float64,
    }
)
"""One arm: a row per (item_id, trial)."""

UNSCORED: Final = "unscored"
ITEM_PROPERTIES: Final = ("subsets", "cluster_id", "weight")
_SEPARATOR: Final = "\x1f"


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with a row, counted from 1 without blank lines."""

    row: int
    told: str


def row_problems(trials: pl.DataFrame) -> Iterator[RowProblem]:
    """The first row that breaks each rule of SCORED_TRIALS, rule by rule; none if it holds."""
    item, trial, score = pl.col("item_id"), pl.col("trial"), pl.col("score")
    names = pl.col("subsets")
    rules: dict[str, pl.Expr] = {
        "`item_id` is empty": item.is_null() | (item == ""),
        "`trial` is empty or less than 1": trial.is_null() | (trial < 1),
        "`score` is not a number from 0 to 1": _outside(score, 0.0, 1.0),
        "`weight` is not a positive number": _outside(pl.col("weight"), 0.0, None)
        | (pl.col("weight") == 0),
        "`subsets` holds a name that is empty": names.list.eval(
            pl.element().is_null() | (pl.element() == "")
        ).list.any(),
        f"`subsets` holds the name '{ALL}', which means all items": names.list.contains(ALL),
    }
    for column in ("latency_seconds", "input_tokens", "output_tokens", "cost_usd"):
        rules[f"`{column}` is negative or not finite"] = _outside(pl.col(column), 0.0, None)
    broken = trials.select(
        rule.fill_null(value=False).arg_true().first().alias(told) for told, rule in rules.items()
    ).row(0, named=True)
    for told, index in broken.items():
        if index is not None:
            yield RowProblem(index + 1, told)
    yield from _repeats(trials)
    yield from _gaps(trials, "weight")


def without_scores_of_errors(trials: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """The trials with no score beside an error, and how many scores that took away."""
    both = pl.col("error").is_not_null() & pl.col("score").is_not_null()
    count = int(trials.select(both.sum()).item())
    if not count:
        return trials, 0
    return trials.with_columns(score=pl.when(~both).then(pl.col("score"))), count


def paired_arms(
    baseline: pl.DataFrame, candidate: pl.DataFrame, *, baseline_id: str, candidate_id: str
) -> pl.DataFrame:
    """REGRESSION_TRIALS with a column `weight`, from two SCORED_TRIALS; one look, no reserve.

    Subsets, cluster and weight are the item's, so both arms must say the same or one of them
    nothing; raises `ArmsDisagreeError` if they do not. Items of the subset of synthetic items are
    synthetic here too. The weight is null throughout if neither arm gives any.
    """
    arms = {"baseline": (baseline_id, baseline), "candidate": (candidate_id, candidate)}
    rows = pl.concat(
        [
            trials.with_columns(arm=pl.lit(arm), system_id=pl.lit(system_id))
            for arm, (system_id, trials) in arms.items()
        ]
    )
    told = rows.drop(ITEM_PROPERTIES).join(_item_properties(rows), on="item_id", how="left")
    failed = pl.col("score").is_null()
    constants: dict[str, Any] = {"look": 1, "scorer": "file", "attempts": 1}
    derived = {
        "source": pl.when(pl.col("subsets").list.contains(SYNTHETIC_SUBSET))
        .then(pl.lit("synthetic"))
        .otherwise(pl.lit("golden")),
        "cluster_id": pl.col("cluster_id").fill_null(pl.lit(_SEPARATOR) + pl.col("item_id")),
        "score_error": pl.when(failed).then(pl.lit(UNSCORED)),
        "error_code": pl.col("error"),
        "status": pl.when(failed).then(pl.lit("failed")).otherwise(pl.lit("answered")),
    }
    columns = [
        derived.get(name, pl.col(name) if name in told.columns else pl.lit(constants.get(name)))
        .cast(dtype)
        .alias(name)
        for name, dtype in REGRESSION_TRIALS.schema.items()
        if name != "weight"
    ]
    return told.select(*columns, "weight")


def _outside(column: pl.Expr, lower: float, upper: float | None) -> pl.Expr:
    value = column.cast(pl.Float64)
    outside = ~value.is_finite() | (value < lower)
    return outside if upper is None else outside | (value > upper)


def _repeats(trials: pl.DataFrame) -> Iterator[RowProblem]:
    key = ["item_id", "trial"]
    if trials.select(pl.struct(key).n_unique()).item() == trials.height:
        return
    repeated = trials.select(again=~pl.struct(key).is_first_distinct())["again"].arg_true()
    index = int(repeated[0])
    own = trials.row(index, named=True)
    first = trials.select(
        (
            pl.col("item_id").eq_missing(pl.lit(own["item_id"], pl.String))
            & pl.col("trial").eq_missing(pl.lit(own["trial"], pl.Int64))
        ).arg_true()
    ).to_series()[0]
    yield RowProblem(
        index + 1,
        f"it repeats the item and trial of row {first + 1} ({len(repeated)} rows repeat another); "
        "number an item's attempts in `trial`",
    )


def _gaps(trials: pl.DataFrame, column: str) -> Iterator[RowProblem]:
    gaps = trials[column].is_null()
    if 0 < gaps.sum() < trials.height:
        told = f"`{column}` is empty, and other rows have one; give it in every row or in none"
        yield RowProblem(int(gaps.arg_true()[0]) + 1, told)


def _item_properties(rows: pl.DataFrame) -> pl.DataFrame:
    """Subsets, cluster and weight by item; an item without subsets is in none."""
    signed = rows.select(
        "item_id",
        "subsets",
        "cluster_id",
        "weight",
        signature=pl.col("subsets").list.unique().list.sort().list.join(_SEPARATOR),
    )
    told = {"subsets": "signature", "cluster_id": "cluster_id", "weight": "weight"}
    items = signed.group_by("item_id", maintain_order=True).agg(
        *(pl.col(name).drop_nulls().first() for name in ITEM_PROPERTIES),
        *(
            (pl.col(column).min() != pl.col(column).max()).alias(f"_differs_{name}")
            for name, column in told.items()
        ),
    )
    for name in ITEM_PROPERTIES:
        differing = items.filter(pl.col(f"_differs_{name}"))["item_id"]
        if len(differing):
            raise ArmsDisagreeError(name, len(differing), differing.sort()[0])
    return items.select("item_id", pl.col("subsets").fill_null([]), "cluster_id", "weight")
