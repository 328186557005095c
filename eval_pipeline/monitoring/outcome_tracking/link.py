"""The link from offline score to outcome, learned from earlier weeks, and what it predicts.

outcome = level of the subset + slope x score + noise of the week + sampling error. With fewer than
ten weeks the slope is fixed; from ten on it is learned from all subsets together, with errors in
both variables, and drawn towards the fixed one by what the weeks leave open. The noise of a week is
averaged over what the history allows. Nothing of the week itself is used but its score and how many
interactions have an outcome.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from eval_pipeline.statistics.calibration_slope import Moments, Stream, moments_of
from eval_pipeline.statistics.clusters import Floats
from eval_pipeline.statistics.predictive import Predictive, Values, predict_next

ALL: Final = "all"
LEAST_WEEKS: Final = 3
"""Fewer weeks of score and outcome give no interval."""
LEAST_FOR_SLOPE: Final = 10
MOST_WEEKS: Final = 52
SLOPE_SPREAD: Final = 0.25
"""Standard deviation of true slopes around the fixed one, before any week has spoken."""


@dataclass(frozen=True)
class Past:
    """One subset's earlier weeks, in order: score, outcome and their errors.

    `kept` is, by week, the share of the score's items that the week before had too: so much of
    the score's error is the same one, and stands in the level. `effective` interactions are behind
    the outcome.
    """

    weeks: tuple[str, ...]
    score: Floats
    score_se: Floats
    kept: Floats
    outcome: Floats
    outcome_se: Floats
    effective: Floats


@dataclass(frozen=True)
class Now:
    """The week's own score, its error, what its items share with the week before, and the count."""

    score: float
    score_se: float
    kept: float
    effective: float


@dataclass(frozen=True)
class Linked:
    """A prediction with the link behind it."""

    predictive: Predictive
    kind: str
    slope: float
    weeks: tuple[str, ...]


@dataclass(frozen=True)
class _Slope:
    value: float
    variance: float
    kind: str


def predict_outcomes(
    past: Mapping[str, Past],
    now: Mapping[str, Now],
    *,
    fixed_slope: float,
    confidence: float,
) -> dict[str, Linked]:
    """By subset, of those whose past has at least three weeks.

    `fixed_slope` is 1 where score and outcome are rates of the same thing, and 0 where they are
    not on one scale.
    """
    told = {name: one for name, one in past.items() if len(one.weeks) >= LEAST_WEEKS}
    slope = slope_of(told, fixed=fixed_slope)
    values = {name: _values(one, slope.value) for name, one in told.items()}
    found = {}
    for name in sorted(set(now) & set(told)):
        own, week = told[name], now[name]
        others = [
            values[other] for other in sorted(values) if other not in (ALL, name) and name != ALL
        ]
        away = week.score - float(own.score.mean())
        scale = (slope.value * week.score_se) ** 2
        error = _unit_variance(own) / week.effective + scale + away**2 * slope.variance
        noise = predict_next(
            values[name],
            error=error,
            shared=_shared(own, week, slope.value),
            others=others,
            confidence=confidence,
        )
        shifted = Predictive(
            noise.location + slope.value * week.score, noise.scale, noise.degrees, noise.noise
        )
        found[name] = Linked(shifted, slope.kind, slope.value, own.weeks)
    return found


def slope_of(past: Mapping[str, Past], *, fixed: float) -> _Slope:
    """The slope that predictions use, with its variance; see the module."""
    weeks = {week for one in past.values() for week in one.weeks}
    if len(weeks) < LEAST_FOR_SLOPE:
        return _Slope(fixed, SLOPE_SPREAD**2, "level")
    moments = slope_moments(past)
    squares = max(float(moments.squares.sum()), 0.0)
    own = float(moments.products.sum()) / squares if squares > 0 else fixed
    # A slope that the weeks leave open may be any, and its variance with it.
    variance = min(moments.variance_at(own), moments.variance_at(fixed))
    seen = squares**2 / max(variance, 1e-12)
    precision = seen + 1 / SLOPE_SPREAD**2
    value = (seen * own + fixed / SLOPE_SPREAD**2) / precision
    return _Slope(value, 1 / precision, "line")


def slope_moments(past: Mapping[str, Past]) -> Moments:
    """What the weeks say of the slope, all of these subsets together."""
    weeks = sorted({week for one in past.values() for week in one.weeks})
    places = {week: place for place, week in enumerate(weeks)}
    return moments_of(
        [
            Stream(
                [places[week] for week in one.weeks],
                one.score,
                one.outcome,
                fresh(one.kept) * np.square(one.score_se),
            )
            for _, one in sorted(past.items())
        ]
    )


def fresh(kept: Floats) -> float:
    """The part of the score's error variance that changes from week to week.

    1 less the mean correlation of two different weeks, which is the product of what was kept.
    """
    correlation = _correlations(kept)
    size = kept.size
    if size < 2:  # noqa: PLR2004 - one week has no other to share items with
        return 1.0
    return float(1 - (correlation.sum() - size) / (size * (size - 1)))


def _correlations(kept: Floats) -> Floats:
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.clip(kept[1:], 1e-12, 1.0)))])
    found: Floats = np.exp(-np.abs(logs[:, None] - logs[None, :]))
    return found


def _values(past: Past, slope: float) -> Values:
    """The outcomes without the slope's part, with the covariance of their errors."""
    errors = slope * past.score_se
    scores = _correlations(past.kept) * errors[:, None] * errors[None, :]
    sampling = np.diag(_unit_variance(past) / past.effective)
    return Values(past.outcome - slope * past.score, scores + sampling)


def _shared(past: Past, week: Now, slope: float) -> Floats:
    """The covariance of the newest score's error with those of the earlier weeks."""
    correlations = _correlations(np.append(past.kept, week.kept))[-1, :-1]
    found: Floats = correlations * slope**2 * past.score_se * week.score_se
    return found


def _unit_variance(past: Past) -> float:
    """Of one interaction's outcome, on average over the weeks: no week's own luck narrows it."""
    return float((np.square(past.outcome_se) * past.effective).mean())


def last_weeks(weeks: Sequence[str]) -> list[str]:
    """The newest of them, as many as a link is learned from."""
    return sorted(weeks)[-MOST_WEEKS:]
