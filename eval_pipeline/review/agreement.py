"""Agreement between annotators: percent, Cohen's kappa, Krippendorff's alpha, Gwet's AC1.

Ratings are one sequence per task with one entry per annotator, null where missing. Every measure
is nominal. Intervals are percentile bootstraps over tasks, seeded by the
caller's purpose; `resamples=0` leaves the interval out.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from eval_pipeline.fingerprint import seed_for

Floats = NDArray[np.float64]
Ratings = Sequence[Sequence[str | None]]
Measure = Literal["percent", "kappa", "alpha", "ac1"]

LABELS: Final = ("pass", "fail")


@dataclass(frozen=True)
class AgreementEstimate:
    """A measure with its two-sided interval over the tasks that at least two people rated.

    Null where undefined: no such task, or no variation for kappa and alpha to correct by.
    """

    measure: Measure
    value: float | None
    lower: float | None
    upper: float | None
    tasks: int


@dataclass(frozen=True)
class _Replicated:
    """Observed and chance agreement, one entry per replicate."""

    observed: Floats
    chance: Floats

    @property
    def corrected(self) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            corrected: Floats = np.where(
                self.chance < 1, (self.observed - self.chance) / (1 - self.chance), np.nan
            )
        return corrected


def percent_agreement(
    ratings: Ratings, *, purpose: str, confidence: float = 0.95, resamples: int = 2000
) -> AgreementEstimate:
    """The mean over tasks of the share of pairs of annotators that agree."""
    counts = _counts(ratings, categories=_observed(ratings))
    return _estimate("percent", _rated_twice(counts), _percent, (purpose, confidence, resamples))


def cohens_kappa(
    ratings: Ratings, *, purpose: str, confidence: float = 0.95, resamples: int = 2000
) -> AgreementEstimate:
    """Cohen (1960), for exactly two annotators; tasks that lack one of them are left out."""
    if any(len(task) != 2 for task in ratings):  # noqa: PLR2004 - two raters are its definition
        raise ValueError("Cohen's kappa is defined for exactly two entries per task")
    categories = _observed(ratings)
    both = [task for task in ratings if None not in task]
    first = _counts([task[:1] for task in both], categories=categories)
    second = _counts([task[1:] for task in both], categories=categories)

    def statistic(units: Floats, weights: Floats) -> _Replicated:
        half = units.shape[1] // 2
        own, other = units[:, :half], units[:, half:]
        total = weights.sum(axis=1)
        observed = weights @ (own * other).sum(axis=1) / total
        chance = ((weights @ own) * (weights @ other)).sum(axis=1) / total**2
        return _Replicated(observed, chance)

    units = np.hstack([first, second])
    return _estimate("kappa", units, statistic, (purpose, confidence, resamples))


def krippendorffs_alpha(
    ratings: Ratings, *, purpose: str, confidence: float = 0.95, resamples: int = 2000
) -> AgreementEstimate:
    """Krippendorff (2011), nominal, any number of annotators, missing ratings allowed."""
    counts = _counts(ratings, categories=_observed(ratings))
    return _estimate("alpha", _rated_twice(counts), _alpha, (purpose, confidence, resamples))


def gwets_ac1(
    ratings: Ratings,
    *,
    purpose: str,
    categories: Sequence[str] = LABELS,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> AgreementEstimate:
    """Gwet (2008), any number of annotators; `categories` are those that could have been chosen.

    Chance is estimated from every rated task, agreement from those rated at least twice.
    """
    counts = _counts(ratings, categories=categories)
    rated = counts[counts.sum(axis=1) >= 1]
    return _estimate("ac1", rated, _ac1, (purpose, confidence, resamples))


def _percent(units: Floats, weights: Floats) -> _Replicated:
    observed = weights @ _pair_agreement(units) / weights.sum(axis=1)
    return _Replicated(observed, np.zeros_like(observed))


def _alpha(units: Floats, weights: Floats) -> _Replicated:
    ratings = units.sum(axis=1)
    disagreement = ratings * (1 - _pair_agreement(units))
    values = weights @ units
    total = values.sum(axis=1)
    observed = 1 - weights @ disagreement / total
    chance = (values * (values - 1)).sum(axis=1) / (total * (total - 1))
    return _Replicated(observed, chance)


def _ac1(units: Floats, weights: Floats) -> _Replicated:
    ratings = units.sum(axis=1)
    paired = ratings > 1
    observed = np.divide(
        weights[:, paired] @ _pair_agreement(units[paired]),
        weights[:, paired].sum(axis=1),
        out=np.full(len(weights), np.nan),
        where=weights[:, paired].sum(axis=1) > 0,
    )
    prevalence = weights @ (units / ratings[:, None]) / weights.sum(axis=1)[:, None]
    chance = (prevalence * (1 - prevalence)).sum(axis=1) / (units.shape[1] - 1)
    return _Replicated(observed, chance)


def _pair_agreement(units: Floats) -> Floats:
    """Per task, the share of ordered pairs of its ratings that are equal."""
    ratings = units.sum(axis=1)
    shares: Floats = (units * (units - 1)).sum(axis=1) / (ratings * (ratings - 1))
    return shares


def _observed(ratings: Ratings) -> list[str]:
    return sorted({rating for task in ratings for rating in task if rating is not None})


def _counts(ratings: Ratings, *, categories: Sequence[str]) -> Floats:
    """Tasks by categories: how many annotators chose each."""
    counts = np.zeros((len(ratings), len(categories)))
    places = {category: place for place, category in enumerate(categories)}
    for row, task in enumerate(ratings):
        for rating in task:
            if rating is not None:
                counts[row, places[rating]] += 1
    return counts


def _rated_twice(counts: Floats) -> Floats:
    twice: Floats = counts[counts.sum(axis=1) > 1]
    return twice


def _estimate(
    measure: Measure,
    units: Floats,
    statistic: Callable[[Floats, Floats], _Replicated],
    precision: tuple[str, float, int],
) -> AgreementEstimate:
    purpose, confidence, resamples = precision
    count = len(units)
    tasks = int((units.sum(axis=1) > 1).sum())
    if not tasks:
        return AgreementEstimate(measure, None, None, None, tasks)
    point = statistic(units, np.ones((1, count)))
    value = float(point.corrected[0])
    if not math.isfinite(value):
        return AgreementEstimate(measure, None, None, None, tasks)
    if not resamples:
        return AgreementEstimate(measure, value, None, None, tasks)
    observed, chance = float(point.observed[0]), float(point.chance[0])
    if observed in (0.0, 1.0):
        lower, upper = _wilson_corrected(observed, chance, tasks=tasks, confidence=confidence)
        return AgreementEstimate(measure, value, lower, upper, tasks)
    rng = np.random.default_rng(seed_for("agreement", measure, purpose))
    draws = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
    replicates = statistic(units, draws.astype(np.float64)).corrected
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    lower, upper = np.quantile(replicates[np.isfinite(replicates)], tails).tolist()
    return AgreementEstimate(measure, value, lower, upper, tasks)


def _wilson_corrected(
    observed: float, chance: float, *, tasks: int, confidence: float
) -> tuple[float, float]:
    """Wilson's bounds of the raw agreement at the same chance agreement.

    Where all tasks agree, or none does, every bootstrap replicate is the same and its interval
    would claim certainty after five tasks.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    shrunk = 1 + z**2 / tasks
    centre = (observed + z**2 / (2 * tasks)) / shrunk
    half = z * math.sqrt(observed * (1 - observed) / tasks + z**2 / (4 * tasks**2)) / shrunk
    lower, upper = max(0.0, centre - half), min(1.0, centre + half)
    return (lower - chance) / (1 - chance), (upper - chance) / (1 - chance)
