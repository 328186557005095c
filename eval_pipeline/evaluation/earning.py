"""Does the model earn its cost: what it gains over a naive system, and what each gain costs.

The incremental cost-effectiveness ratio is the extra cost per task over the difference in quality
(Willan and Briggs 2006); a success is a score's worth, as in the operations report.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from eval_pipeline.evaluation.aggregate_weights import aggregate_weights
from eval_pipeline.evaluation.pairs import Pairs, pair_trials
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.statistics.clusters import Floats, cluster_codes
from eval_pipeline.statistics.ratios import fieller, mean_interval, paired_means

Finding = Literal["model_better", "not_shown_worse", "naive_better", "not_measured"]
"""Of the naive system's quality against the model's: by the interval of their difference."""
_NO_COST: Final = (None, None, None, None, None, None)


@dataclass(frozen=True)
class Earning:
    """One subset: model minus naive throughout; a bound is null where there is none.

    `cost_per_success_usd` is what an additional success costs; its bounds are null where the model
    is not shown to be the better one, so that no number bounds it. `costs_unknown` are items
    without a cost in an arm.
    """

    subset: str
    finding: Finding
    items: int
    naive_mean: float | None
    model_mean: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    costs_unknown: int
    extra_cost_usd: float | None
    extra_cost_lower: float | None
    extra_cost_upper: float | None
    cost_per_success_usd: float | None
    cost_per_success_lower: float | None
    cost_per_success_upper: float | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def earnings(
    trials: pl.DataFrame,
    report: pl.DataFrame,
    *,
    naive_arm: Literal["baseline", "candidate"],
    subsets: Collection[str],
    confidence: float,
) -> list[Earning]:
    """One per row of REGRESSION_REPORT, 'all' first; qualities and intervals are the report's.

    `trials`: the REGRESSION_TRIALS that the report is of.
    """
    pairs = pair_trials(trials)
    model_arm = "candidate" if naive_arm == "baseline" else "baseline"
    extra = _costs(trials, pairs, model_arm) - _costs(trials, pairs, naive_arm)
    whole = np.ones(pairs.baseline.size, dtype=np.bool_)
    weights = {ALL: aggregate_weights(pairs, whole, names=subsets).weights}
    rows = sorted(
        report.iter_rows(named=True), key=lambda row: (row["subset"] != ALL, row["subset"])
    )
    return [
        _earning(
            row,
            pairs,
            extra,
            sign=1.0 if naive_arm == "baseline" else -1.0,
            weights=weights.get(row["subset"], pairs.weights),
            confidence=confidence,
        )
        for row in rows
    ]


def earning_sentences(told: Collection[Earning]) -> list[str]:
    """The plain answer: where the model is not shown to be worth it, and what a gain costs."""
    measured = [one for one in told if one.subset != ALL and one.finding != "not_measured"]
    open_ = [one.subset for one in measured if one.finding != "model_better"]
    better = [one.subset for one in measured if one.finding == "naive_better"]
    named = f": {', '.join(open_)}" if open_ else ""
    counted = f"On {len(open_)} of {len(measured)} subsets"
    sentences = [f"{counted} the naive system is not shown to be worse{named}."]
    if better:
        sentences.append(f"The naive system is shown to be better on {', '.join(better)}.")
    unmeasured = sum(one.finding == "not_measured" for one in told if one.subset != ALL)
    if unmeasured:
        sentences.append(f"{unmeasured} subsets have no interval and say nothing.")
    whole = next((one for one in told if one.subset == ALL), None)
    return [*sentences, *([] if whole is None else _whole_sentences(whole))]


def _whole_sentences(whole: Earning) -> list[str]:
    if whole.extra_cost_usd is None:
        return ["What a task costs is not known, so nothing can be said of the cost of a success."]
    cost = _usd(whole.extra_cost_usd, whole.extra_cost_lower, whole.extra_cost_upper)
    told = f"Over all items the model costs {cost} more per task"
    if whole.finding != "model_better":
        return [f"{told}, and is not shown to answer better than the naive system."]
    gain = _usd(
        whole.cost_per_success_usd, whole.cost_per_success_lower, whole.cost_per_success_upper
    )
    return [f"{told}; an additional success costs {gain}."]


def _usd(value: float | None, lower: float | None, upper: float | None) -> str:
    if value is None:
        return "an unknown sum"
    if lower is None or upper is None:
        return f"{value:.4g} USD (no bounds)"
    return f"{value:.4g} USD ({lower:.4g} to {upper:.4g})"


def _costs(trials: pl.DataFrame, pairs: Pairs, arm: str) -> Floats:
    """What the arm's trials of each item cost on average; NaN where that is not known."""
    costs = (
        trials.filter(pl.col("arm") == arm)
        .group_by("item_id")
        .agg(
            pl.when(pl.col("cost_usd").null_count() == 0)
            .then(pl.col("cost_usd").mean())
            .alias("cost")
        )
    )
    placed = pl.DataFrame({"item_id": pairs.item_ids}).join(
        costs, on="item_id", how="left", maintain_order="left"
    )
    found: Floats = placed["cost"].fill_null(float("nan")).to_numpy().astype(np.float64)
    return found


def _earning(
    row: Mapping[str, Any],
    pairs: Pairs,
    extra: Floats,
    *,
    sign: float,
    weights: Floats | None,
    confidence: float,
) -> Earning:
    naive, model = ("baseline_mean", "candidate_mean")[:: 1 if sign > 0 else -1]
    difference = None if row["difference"] is None else sign * row["difference"]
    bounds = [None if row[key] is None else sign * row[key] for key in ("lower", "upper")]
    lower, upper = bounds[:: 1 if sign > 0 else -1]
    compared = pairs.members(row["subset"]) & pairs.complete
    known = compared & ~np.isnan(extra)
    figures = _figures(pairs, extra, known, sign=sign, weights=weights, confidence=confidence)
    return Earning(
        row["subset"],
        _finding(lower, upper),
        row["items"],
        row[naive],
        row[model],
        difference,
        lower,
        upper,
        int((compared & ~known).sum()),
        *figures,
    )


def _finding(lower: float | None, upper: float | None) -> Finding:
    if lower is None or upper is None:
        return "not_measured"
    if lower > 0:
        return "model_better"
    return "naive_better" if upper < 0 else "not_shown_worse"


def _figures(
    pairs: Pairs,
    extra: Floats,
    known: np.ndarray[Any, np.dtype[np.bool_]],
    *,
    sign: float,
    weights: Floats | None,
    confidence: float,
) -> tuple[float | None, ...]:
    """The extra cost of a task and the cost of an additional success, each with its bounds."""
    if not known.any():
        return _NO_COST
    mass = np.ones(int(known.sum())) if weights is None else weights[known]
    means = paired_means(
        extra[known],
        sign * pairs.differences[known],
        weights=mass,
        codes=cluster_codes(mass.size, pairs.clusters[known]),
    )
    if means is None:
        return _NO_COST
    ratio = fieller(means, confidence=confidence)
    lower, upper = mean_interval(
        means.numerator,
        float(means.covariance[0, 0]),
        degrees=means.degrees,
        confidence=confidence,
    )
    gained = means.denominator > 0
    return (
        means.numerator,
        lower,
        upper,
        ratio.value if gained else None,
        ratio.lower if gained else None,
        ratio.upper if gained else None,
    )
