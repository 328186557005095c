"""What a judge's vote weighs, by what the labels of earlier weeks showed of it.

A majority of heads can be worse than the best judge alone: one judge that is right in 95 of 100 and
four that are right in 60 are right together in 80. Votes of independent judges weigh best by the
log-odds of being right (Nitzan & Paroush 1982, "Optimal decision rules in uncertain dichotomous
choice situations", International Economic Review 23: 289-297).

Right in what? Raw agreement cannot see leniency: where nine responses in ten pass, a judge that
passes everything agrees with nine labels in ten. So reliability is the mean of sensitivity and
specificity, which is one half for that judge and makes its weight 0. Likelihood ratios per side
would use more, but judge fails by the few labels that fail; in simulations at 85 passes of 100 they
cost five points of accuracy against a plain majority, and this mean cost none.

Judges' errors correlate, most within a family and where the material itself misleads: weights add
up as if each were news, so a group that errs together is given too much, as a majority gives it too
much. Weights mend unequal judges, not judges that share a blind spot.
"""

import math
from collections.abc import Collection
from typing import Final

import polars as pl

PRIOR_LABELS: Final = 10
"""So many labels of each class a judge starts with, at the reliability of all judges together."""

CLASSES: Final = ("sensitivity", "specificity")


def judge_weights(calibration: pl.DataFrame | None, *, judges: Collection[str]) -> dict[str, float]:
    """The weight of each judge's vote, their mean 1, from one week's JUDGE_CALIBRATION.

    Sensitivity and specificity are each shrunk towards all judges' together, by `PRIOR_LABELS`: few
    labels give nearly equal weights, and a judge without any has the average judge's. `labelled`
    counts heads, so unequal design weights are not allowed for; shrinking errs to the same side.
    At or below chance a weight is 0; where all are, all stay 0 and the panel cannot speak. Without
    any label all weigh the same.
    """
    names = sorted(judges)
    rates = [_rates(calibration, judges=names, measure=measure) for measure in CLASSES]
    if not any(labels for rate in rates for labels, _ in rate.values()):
        return dict.fromkeys(names, 1.0)
    shrunk = [_shrunk(rate) for rate in rates]
    weights = {name: _log_odds(sum(each[name] for each in shrunk) / len(shrunk)) for name in names}
    mean = sum(weights.values()) / len(names)
    return {name: weight / mean if mean > 0 else 0.0 for name, weight in weights.items()}


def _rates(
    calibration: pl.DataFrame | None, *, judges: Collection[str], measure: str
) -> dict[str, tuple[int, float]]:
    """By judge, how many labels the measure rests on, and its value."""
    rates = dict.fromkeys(judges, (0, 0.0))
    if calibration is not None:
        known = calibration.filter(
            (pl.col("measure") == measure) & pl.col("judge_id").is_in(list(judges))
        ).drop_nulls("value")
        for judge_id, labels, value in known.select("judge_id", "labelled", "value").iter_rows():
            rates[judge_id] = (labels, value)
    return rates


def _shrunk(rates: dict[str, tuple[int, float]]) -> dict[str, float]:
    """Each judge's rate with `PRIOR_LABELS` more at the pooled one, which is never 0 or 1."""
    hits = sum(labels * value for labels, value in rates.values())
    pooled = (hits + 1) / (sum(labels for labels, _ in rates.values()) + 2)
    return {
        judge_id: (labels * value + PRIOR_LABELS * pooled) / (labels + PRIOR_LABELS)
        for judge_id, (labels, value) in rates.items()
    }


def _log_odds(reliability: float) -> float:
    return max(0.0, math.log(reliability / (1 - reliability)))
