"""Agreement between annotators: percent, Cohen's and Fleiss' kappa, Krippendorff's alpha, AC1.

Ratings are one sequence per task with one entry per annotator, null where missing. Every measure
is nominal. `clusters` names the conversation of each task: tasks of one conversation are drawn
together, because who misreads it once misreads it twice. Intervals are seeded by the caller's
purpose; `resamples=0` leaves them out.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from eval_pipeline.review.agreement_intervals import (
    AgreementEstimate,
    Floats,
    Measure,
    Precision,
    Replicated,
    estimate,
    units_of,
)
from eval_pipeline.statistics.weighted_agreement import share_interval

Ratings = Sequence[Sequence[str | None]]

LABELS: Final = ("pass", "fail")
PAIR: Final = 2


def percent_agreement(
    ratings: Ratings,
    *,
    purpose: str,
    clusters: Sequence[str] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> AgreementEstimate:
    """The mean over tasks of the share of pairs of annotators that agree."""
    counts = _counts(ratings, categories=_observed(ratings))
    precision = Precision(purpose, confidence, resamples)
    units = units_of(counts, ratings=counts, clusters=clusters, at_least=2)
    return estimate("percent", units, _percent, precision)


def weighted_percent(
    ratings: Ratings,
    weights: Sequence[float],
    *,
    clusters: Sequence[str] | None = None,
    confidence: float = 0.95,
) -> AgreementEstimate:
    """Percent agreement where each task stands for `weights` many: the human ceiling.

    With weights of 1 / the chance to be asked it is Hajek's estimate for all that could have been
    asked. Wilson's interval at Kish's effective number of clusters, as for the judges' agreement.
    """
    counts = _counts(ratings, categories=_observed(ratings))
    twice = counts.sum(axis=1) > 1
    names = None if clusters is None else np.asarray(clusters)[twice].tolist()
    found = share_interval(
        _pair_agreement(counts[twice]),
        np.asarray(weights, dtype=np.float64)[twice],
        confidence=confidence,
        clusters=names,
    )
    return AgreementEstimate("ceiling", found.value, found.lower, found.upper, int(twice.sum()))


def cohens_kappa(
    ratings: Ratings,
    *,
    purpose: str,
    clusters: Sequence[str] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> AgreementEstimate:
    """Cohen (1960), for exactly two annotators; tasks that lack one of them are left out."""
    if any(len(task) != PAIR for task in ratings):
        raise ValueError("Cohen's kappa is defined for exactly two entries per task")
    categories = _observed(ratings)
    first = _counts([task[:1] for task in ratings], categories=categories)
    second = _counts([task[1:] for task in ratings], categories=categories)

    def statistic(columns: Floats, weights: Floats) -> Replicated:
        half = columns.shape[1] // 2
        own, other = columns[:, :half], columns[:, half:]
        total = weights.sum(axis=1)
        observed = weights @ (own * other).sum(axis=1) / total
        chance = ((weights @ own) * (weights @ other)).sum(axis=1) / total**2
        return Replicated(observed, chance)

    both = np.hstack([first, second])
    units = units_of(both, ratings=both, clusters=clusters, at_least=2)
    return estimate("kappa", units, statistic, Precision(purpose, confidence, resamples))


def fleiss_kappa(
    ratings: Ratings,
    *,
    purpose: str,
    clusters: Sequence[str] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> AgreementEstimate:
    """Fleiss (1971), any number of annotators, who need not be the same from task to task.

    His table has equally many ratings in each row. Where some are missing, chance is estimated from
    every rated task, each weighing the same, and agreement from those rated at least twice (Gwet
    2014, "Handbook of Inter-Rater Reliability"); without any missing both are his own.
    """
    counts = _counts(ratings, categories=_observed(ratings))
    units = units_of(counts, ratings=counts, clusters=clusters, at_least=1)
    return estimate("fleiss", units, _fleiss, Precision(purpose, confidence, resamples))


def krippendorffs_alpha(
    ratings: Ratings,
    *,
    purpose: str,
    clusters: Sequence[str] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    measure: Measure = "alpha",
) -> AgreementEstimate:
    """Krippendorff (2011), nominal, any number of annotators, missing ratings allowed."""
    counts = _counts(ratings, categories=_observed(ratings))
    units = units_of(counts, ratings=counts, clusters=clusters, at_least=2)
    return estimate(measure, units, _alpha, Precision(purpose, confidence, resamples))


def gwets_ac1(
    ratings: Ratings,
    *,
    purpose: str,
    categories: Sequence[str] = LABELS,
    clusters: Sequence[str] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
) -> AgreementEstimate:
    """Gwet (2008), any number of annotators; `categories` are those that could have been chosen.

    Chance is estimated from every rated task, agreement from those rated at least twice.
    """
    counts = _counts(ratings, categories=categories)
    units = units_of(counts, ratings=counts, clusters=clusters, at_least=1)
    return estimate("ac1", units, _ac1, Precision(purpose, confidence, resamples))


def _percent(units: Floats, weights: Floats) -> Replicated:
    observed = weights @ _pair_agreement(units) / weights.sum(axis=1)
    return Replicated(observed, np.zeros_like(observed))


def _alpha(units: Floats, weights: Floats) -> Replicated:
    ratings = units.sum(axis=1)
    disagreement = ratings * (1 - _pair_agreement(units))
    values = weights @ units
    total = values.sum(axis=1)
    observed = 1 - weights @ disagreement / total
    chance = (values * (values - 1)).sum(axis=1) / (total * (total - 1))
    return Replicated(observed, chance)


def _by_prevalence(units: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Agreement of the tasks rated twice, and the mean share of each category over all tasks."""
    ratings = units.sum(axis=1)
    paired = ratings > 1
    weight = weights[:, paired].sum(axis=1)
    observed = np.divide(
        weights[:, paired] @ _pair_agreement(units[paired]),
        weight,
        out=np.full(len(weights), np.nan),
        where=weight > 0,
    )
    return observed, weights @ (units / ratings[:, None]) / weights.sum(axis=1)[:, None]


def _fleiss(units: Floats, weights: Floats) -> Replicated:
    observed, prevalence = _by_prevalence(units, weights)
    return Replicated(observed, (prevalence**2).sum(axis=1))


def _ac1(units: Floats, weights: Floats) -> Replicated:
    observed, prevalence = _by_prevalence(units, weights)
    chance = (prevalence * (1 - prevalence)).sum(axis=1) / (units.shape[1] - 1)
    return Replicated(observed, chance)


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
