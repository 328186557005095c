"""Whether probabilities mean what they say: Brier and its parts, log loss, calibration error.

Weighted throughout, with intervals from the bootstrap over clusters. The calibration error is the
mean distance between what was said and what came, over quantile bins. It is above 0 even for a
perfect forecaster, by chance alone, and most so with few outcomes: the debiased one therefore takes
away the mean error of outcomes that are drawn from the probabilities themselves.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from eval_pipeline.statistics.clusters import Floats, cluster_codes
from eval_pipeline.statistics.weighted_agreement import Interval, share_interval

BINS: Final = 10
NULL_DRAWS: Final = 400
NULL_DRAWS_PER_REPLICATE: Final = 20
CLIPPED_AT: Final = 0.01
"""For the log loss alone: one certain error would make it infinite."""


@dataclass(frozen=True)
class Forecasts:
    """Probabilities of outcomes that are known: arrays of one length, and which go together.

    `probability` and `outcome` (0 or 1) lie in [0, 1], `weight` is positive.
    """

    probability: Floats
    outcome: Floats
    weight: Floats
    clusters: Sequence[str]


@dataclass(frozen=True)
class Bin:
    """One bin of a reliability diagram: what was said, and what came of it."""

    said: float
    came: Interval
    items: int
    share: float


def brier(forecasts: Forecasts) -> float:
    """The weighted mean squared distance of probability and outcome (Brier 1950)."""
    return _mean(np.square(forecasts.probability - forecasts.outcome), forecasts.weight)


def murphy_parts(forecasts: Forecasts, *, bins: int = BINS) -> dict[str, float]:
    """Brier's parts: reliability - resolution + uncertainty + within_bins, which sum to it.

    Murphy (1973), Journal of Applied Meteorology 12:595; what bins hide is kept apart (Stephenson
    2008), and is 0 where no bin holds two different probabilities.
    """
    codes = quantile_bins(forecasts.probability, forecasts.weight, bins=bins)
    total = np.bincount(codes, weights=forecasts.weight).astype(np.float64)
    said = np.bincount(codes, weights=forecasts.weight * forecasts.probability) / total
    came = np.bincount(codes, weights=forecasts.weight * forecasts.outcome) / total
    base = _mean(forecasts.outcome, forecasts.weight)
    parts = {
        "reliability": _mean(np.square(said - came), total),
        "resolution": _mean(np.square(came - base), total),
        "uncertainty": base * (1 - base),
    }
    known = parts["reliability"] - parts["resolution"] + parts["uncertainty"]
    return {**parts, "within_bins": brier(forecasts) - known}


def log_loss(forecasts: Forecasts) -> float:
    """The weighted mean of -log of what the outcome was given, probabilities kept from 0 and 1."""
    kept = np.clip(forecasts.probability, CLIPPED_AT, 1 - CLIPPED_AT)
    given = np.where(forecasts.outcome > 0, kept, 1 - kept)
    return _mean(-np.log(given), forecasts.weight)


def calibration_error(forecasts: Forecasts, *, bins: int = BINS) -> float:
    """The weighted mean of |said - came| over quantile bins (ECE); biased upwards by chance."""
    codes = quantile_bins(forecasts.probability, forecasts.weight, bins=bins)
    gaps = forecasts.outcome - forecasts.probability
    return float(_errors(gaps[None, :], forecasts.weight, codes)[0])


def debiased_calibration_error(
    forecasts: Forecasts,
    *,
    seed: int,
    bins: int = BINS,
    confidence: float = 0.95,
    resamples: int = 400,
) -> Interval:
    """The calibration error minus what chance alone gives; about 0 for a perfect forecaster.

    It can be below 0. The interval is the percentile bootstrap over clusters; every replicate is
    debiased by outcomes drawn for it.
    """
    rng = np.random.default_rng(seed)
    codes = quantile_bins(forecasts.probability, forecasts.weight, bins=bins)

    def debiased(weight: Floats, draws: int) -> float:
        drawn = rng.random((draws, weight.size)) < forecasts.probability
        observed = (forecasts.outcome - forecasts.probability)[None, :]
        chance = _errors(drawn - forecasts.probability, weight, codes).mean()
        return float(_errors(observed, weight, codes)[0] - chance)

    value = debiased(forecasts.weight, NULL_DRAWS)
    replicates = [
        debiased(weight, NULL_DRAWS_PER_REPLICATE)
        for weight in _replicate_weights(forecasts, rng, resamples=resamples)
    ]
    return Interval(value, *_tails(replicates, confidence=confidence))


def bootstrap(
    forecasts: Forecasts,
    figure: Callable[[Forecasts], float],
    *,
    seed: int,
    confidence: float = 0.95,
    resamples: int = 400,
) -> Interval:
    """Any figure of the forecasts with its percentile bootstrap over clusters."""
    rng = np.random.default_rng(seed)
    replicates = []
    for weight in _replicate_weights(forecasts, rng, resamples=resamples):
        drawn = weight > 0
        replicates.append(
            figure(
                Forecasts(forecasts.probability[drawn], forecasts.outcome[drawn], weight[drawn], ())
            )
        )
    return Interval(figure(forecasts), *_tails(replicates, confidence=confidence))


def reliability_bins(
    forecasts: Forecasts, *, bins: int = BINS, confidence: float = 0.95
) -> list[Bin]:
    """The quantile bins from the lowest probability to the highest, each with Wilson's interval."""
    codes = quantile_bins(forecasts.probability, forecasts.weight, bins=bins)
    names = np.asarray(forecasts.clusters)
    return [
        Bin(
            said=_mean(forecasts.probability[own], forecasts.weight[own]),
            came=share_interval(
                forecasts.outcome[own],
                forecasts.weight[own],
                confidence=confidence,
                clusters=names[own].tolist(),
            ),
            items=int(own.sum()),
            share=float(forecasts.weight[own].sum() / forecasts.weight.sum()),
        )
        for own in (codes == code for code in range(int(codes.max()) + 1))
    ]


def quantile_bins(probability: Floats, weight: Floats, *, bins: int) -> NDArray[np.int64]:
    """Numbers from 0 of at most `bins` bins of about equal weight; equal values share a bin."""
    values, places = np.unique(probability, return_inverse=True)
    held = np.bincount(places, weights=weight)
    middle = (np.cumsum(held) - held / 2) / held.sum()
    _, codes = np.unique(np.floor(bins * middle), return_inverse=True)
    return codes[places].astype(np.int64) if values.size else places.astype(np.int64)


def _errors(gaps: Floats, weight: Floats, codes: NDArray[np.int64]) -> Floats:
    """The calibration error of each row of outcome minus probability."""
    inside = np.zeros((codes.size, int(codes.max()) + 1))
    inside[np.arange(codes.size), codes] = weight
    errors: Floats = np.abs(gaps @ inside).sum(axis=1) / weight.sum()
    return errors


def _replicate_weights(
    forecasts: Forecasts, rng: np.random.Generator, *, resamples: int
) -> Iterator[Floats]:
    codes = cluster_codes(forecasts.weight.size, forecasts.clusters)
    count = int(codes.max()) + 1
    for _ in range(resamples):
        drawn = rng.multinomial(count, np.full(count, 1 / count))
        yield forecasts.weight * drawn[codes]


def _tails(replicates: Sequence[float], *, confidence: float) -> tuple[float, float]:
    lower, upper = np.quantile(replicates, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(lower), float(upper)


def _mean(values: Floats, weight: Floats) -> float:
    return float((weight * values).sum() / weight.sum())
