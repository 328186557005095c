"""How well offline scores have foretold the outcome so far, and the warning when they stop to.

By length of history (methods of record): under ten weeks predictions are counted and their bias is
told; from ten weeks on rank agreement and slope have intervals; from twenty on they are a claim.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
import scipy

from eval_pipeline.monitoring.outcome_tracking.detectors import Break
from eval_pipeline.monitoring.outcome_tracking.history import breaks_of, past_of, since
from eval_pipeline.monitoring.outcome_tracking.link import Past, slope_moments
from eval_pipeline.monitoring.outcome_tracking.wording import sentence_of
from eval_pipeline.statistics.clusters import Floats
from eval_pipeline.statistics.proportions import clopper_pearson, normal_quantile
from eval_pipeline.tables import OUTCOME_TRACKING

LEAST_FOR_RANKS: Final = 10
LEAST_FOR_INTERVAL: Final = 2
MEASURES: Final = (
    "coverage", "coverage_lower", "coverage_upper", "bias", "bias_lower", "bias_upper",
    "mean_absolute_error", "naive_error", "skill", "rank_agreement", "rank_lower", "rank_upper",
    "change_agreement", "slope", "slope_lower", "slope_upper",
)  # fmt: skip


def track(
    history: pl.DataFrame,
    *,
    confidence: float,
    false_warnings_per_year: float,
    link_from: str | None = None,
) -> pl.DataFrame:
    """OUTCOME_TRACKING after the newest week of `history`: a row per subset of that week.

    `history`: OUTCOME_PREDICTIONS with `week`, up to the week that it is about.
    """
    counted = since(history, link_from)
    newest = history.filter(pl.col("week") == history["week"].max())
    breaks = breaks_of(counted, false_warnings_per_year=false_warnings_per_year)
    bases = dict(newest.select("subset", "basis").rows())
    pairs = past_of(counted.with_columns(error_score=None), bases=bases, false_warnings_per_year=1)
    rows = [
        _row(
            week_row,
            counted.filter(pl.col("subset") == week_row["subset"]).to_dicts(),
            pairs=pairs.get(week_row["subset"]),
            breaks=breaks.get(week_row["subset"], ([], [])),
            confidence=confidence,
        )
        for week_row in newest.to_dicts()
    ]
    return OUTCOME_TRACKING.conform(pl.DataFrame(rows, schema=OUTCOME_TRACKING.schema))


def _row(
    newest: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    *,
    pairs: Past | None,
    breaks: tuple[list[str], list[Break]],
    confidence: float,
) -> dict[str, Any]:
    compared = [row for row in rows if row["within_interval"] is not None]
    weeks, found = breaks
    lasting = [one for one in found if one.end is None]
    measured = {
        "weeks": len(compared),
        "inside": sum(row["within_interval"] for row in compared),
        **dict.fromkeys(MEASURES),
        **_errors(compared, rows, confidence),
        **_agreement(pairs, confidence),
    }
    since_week = weeks[min(one.start for one in lasting)] if lasting else None
    finding = _finding(newest, pairs, measured["weeks"], since_week)
    told = {"subset": newest["subset"], **measured, "finding": finding, "since_week": since_week}
    missed = [row for row in compared if since_week is not None and row["week"] >= since_week]
    sentence = sentence_of(
        told, newest=newest, pairs=0 if pairs is None else len(pairs.weeks), missed=missed
    )
    return {**told, "sentence": sentence}


def _finding(
    newest: Mapping[str, Any], pairs: Past | None, weeks: int, since_week: str | None
) -> str:
    if since_week is not None:
        return "no_longer_tracks"
    nothing = newest["offline"] is None or newest["outcome"] is None
    if not weeks and nothing and (pairs is None or not pairs.weeks):
        return "not_measured"
    return "too_little_history" if weeks < LEAST_FOR_RANKS else "tracks"


def _errors(
    compared: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], confidence: float
) -> dict[str, float | None]:
    if not compared:
        return {}
    inside = sum(row["within_interval"] for row in compared)
    lower, upper = clopper_pearson(inside, len(compared), confidence=confidence)
    errors = np.array([row["outcome"] - row["predicted"] for row in compared])
    told: dict[str, float | None] = {
        "coverage": inside / len(compared),
        "coverage_lower": lower,
        "coverage_upper": upper,
        "bias": float(errors.mean()),
        **_bias_interval(errors, confidence),
        "mean_absolute_error": float(np.abs(errors).mean()),
    }
    naive = _naive_errors(compared, rows)
    if naive.size:
        own = float(np.abs(errors)[~np.isnan(naive)].mean())
        told["naive_error"] = usual = float(np.nanmean(naive))
        told["skill"] = 1 - own / usual if usual > 0 else None
    return told


def _bias_interval(errors: Floats, confidence: float) -> dict[str, float]:
    if errors.size < LEAST_FOR_INTERVAL:
        return {}
    reach = float(scipy.special.stdtrit(errors.size - 1, 0.5 + confidence / 2))
    half = reach * float(errors.std(ddof=1)) / math.sqrt(errors.size)
    return {"bias_lower": float(errors.mean()) - half, "bias_upper": float(errors.mean()) + half}


def _naive_errors(
    compared: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> Floats:
    """By compared week, what the week before would have foretold; NaN where none was measured."""
    shown = [(row["week"], row["outcome"]) for row in rows if row["outcome"] is not None]
    found = []
    for row in compared:
        earlier = [outcome for week, outcome in shown if week < row["week"]]
        found.append(abs(row["outcome"] - earlier[-1]) if earlier else math.nan)
    errors = np.array(found, dtype=np.float64)
    return errors if np.isfinite(errors).any() else np.empty(0)


def _agreement(pairs: Past | None, confidence: float) -> dict[str, float | None]:
    if pairs is None or len(pairs.weeks) < LEAST_FOR_RANKS:
        return {}
    rank = spearman(pairs.score, pairs.outcome)
    moments = slope_moments({"own": pairs})
    bounds = moments.interval(confidence)
    lower, upper = (
        (None, None) if rank is None else rank_interval(rank, len(pairs.weeks), confidence)
    )
    return {
        "rank_agreement": rank,
        "rank_lower": lower,
        "rank_upper": upper,
        "change_agreement": spearman(np.diff(pairs.score), np.diff(pairs.outcome)),
        "slope": moments.slope,
        "slope_lower": None if bounds is None else bounds[0],
        "slope_upper": None if bounds is None else bounds[1],
    }


def spearman(first: Floats, second: Floats) -> float | None:
    """The correlation of ranks, ties by mean rank; None where either never changes."""
    ranks = [scipy.stats.rankdata(values) for values in (first, second)]
    if min(float(np.ptp(values)) for values in ranks) == 0:
        return None
    return float(np.corrcoef(*ranks)[0, 1])


def rank_interval(rank: float, size: int, confidence: float) -> tuple[float, float]:
    """Fisher's z with variance (1 + r^2 / 2) / (n - 3).

    Bonett and Wright (2000), Psychometrika 65:23.
    """
    z = math.atanh(min(max(rank, -0.999999), 0.999999))
    half = normal_quantile(confidence) * math.sqrt((1 + rank**2 / 2) / (size - 3))
    return math.tanh(z - half), math.tanh(z + half)
