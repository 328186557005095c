"""A prediction of a stream's next value, where values scatter more than their errors explain.

value = level + noise of unknown variance + error of known variance. The unknown variance is not
estimated once but averaged over what the history leaves possible (restricted likelihood on a grid),
so that a short history gives a wide interval: where errors have no size, the t interval of one
further value. What other streams say of the noise counts by `BORROWED`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy

from eval_pipeline.statistics.clusters import Floats

GRID: Final = 48
WIDEST: Final = 400.0
"""The largest total variance looked at, over the largest variance that is known or seen."""
SMALLEST: Final = 1e-8
MOST_DEGREES: Final = 200.0
BORROWED: Final = 0.75
"""What the logarithm of another stream's likelihood counts: 0 is none of it, 1 the same noise."""
DRAWN: Final = 0.75
"""The prior falls as the total variance to this power, beside being uniform in its logarithm."""
LEAST_VALUES: Final = 2
BISECTIONS: Final = 50


@dataclass(frozen=True)
class Predictive:
    """A t distribution; `noise` is the variance beyond the known errors, on average."""

    location: float
    scale: float
    degrees: float
    noise: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """Two-sided, not cut to any bounds."""
        half = float(scipy.special.stdtrit(self.degrees, 0.5 + confidence / 2)) * self.scale
        return self.location - half, self.location + half


class Values:
    """A stream's values in the order of time, with the covariance of their known errors.

    Held in the covariance's own axes, in which any further noise is added to each value alone.
    """

    def __init__(self, values: Floats, covariance: Floats) -> None:
        roots, axes = np.linalg.eigh(covariance)
        self.size = values.size
        self.known = max(float(np.trace(covariance)) / values.size, SMALLEST)
        self.seen = float(values.var(ddof=1)) if values.size > 1 else 0.0
        self.roots: Floats = np.maximum(roots, SMALLEST)
        self.axes: Floats = axes
        self.values: Floats = axes.T @ values
        self.ones: Floats = axes.T @ np.ones(values.size)

    def fitted(self, noise: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """By noise variance: restricted log-likelihood, level, the level's precision, weights."""
        variances = noise[:, None] + self.roots[None, :]
        weights = 1 / variances
        precision = weights @ np.square(self.ones)
        levels = weights @ (self.ones * self.values) / precision
        misfit = self.values[None, :] - levels[:, None] * self.ones[None, :]
        squares = (weights * np.square(misfit)).sum(axis=1)
        logs = -0.5 * (np.log(variances).sum(axis=1) + np.log(precision) + squares)
        return logs, levels, precision, weights


def predict_next(
    own: Values,
    *,
    error: float,
    shared: Floats,
    others: Sequence[Values] = (),
    confidence: float,
) -> Predictive:
    """Of the value after `own`, which needs two.

    `error` is the variance of its known error, `shared` its covariance with those of `own`: what
    earlier errors say of it is taken into account (generalised least squares, Goldberger 1962,
    Journal of the American Statistical Association 57:369). The t distribution has the mixture's
    quantiles at `confidence`, and degrees of freedom by the spread of its variances.
    """
    noise = _grid(own, others)
    logs, levels, precision, weights = own.fitted(noise)
    logs = logs + BORROWED * sum((other.fitted(noise)[0] for other in others), np.zeros(GRID))
    drawn = min(DRAWN, (own.size - LEAST_VALUES) / 8)
    logs -= drawn * np.log(own.known + noise)
    shares = np.exp(logs - logs.max())
    shares /= shares.sum()
    loads = weights * (own.axes.T @ shared)[None, :]
    misfit = own.values[None, :] - levels[:, None] * own.ones[None, :]
    centres = levels + (loads * misfit).sum(axis=1)
    told = (loads * (own.axes.T @ shared)[None, :]).sum(axis=1)
    open_level = np.square(1 - loads @ own.ones) / precision
    centre = float(shares @ centres)
    spread = noise + np.maximum(error - told, 0.0) + open_level + np.square(centres - centre)
    degrees = _degrees(shares, np.log(spread))
    scale = _half_width(shares, np.sqrt(spread), confidence) / float(
        scipy.special.stdtrit(degrees, 0.5 + confidence / 2)
    )
    return Predictive(centre, scale, degrees, float(shares @ noise))


def _grid(own: Values, others: Sequence[Values]) -> Floats:
    """Noise variances from 0, closer together where they are small beside the known ones."""
    seen = max(one.seen for one in (own, *others))
    top = WIDEST * max(own.known, seen) / own.known
    grid: Floats = own.known * np.expm1(np.linspace(0.0, np.log(top), GRID))
    return grid


def _degrees(shares: Floats, logs: Floats) -> float:
    """The logarithm of an inverse chi-square's variance varies by about 2/m + 2/m^2."""
    variance = float(shares @ np.square(logs - shares @ logs))
    inverse = 1 / max(variance, SMALLEST)
    return float(np.clip(inverse + np.sqrt(inverse**2 + 2 * inverse), 1.0, MOST_DEGREES))


def _half_width(shares: Floats, roots: Floats, confidence: float) -> float:
    """What the mixture of normal distributions with these standard deviations exceeds by chance."""
    tail = (1 - confidence) / 2
    low, high = 0.0, float(roots.max()) * 40
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        beyond = float(shares @ scipy.special.ndtr(-middle / roots))
        low, high = (middle, high) if beyond > tail else (low, middle)
    return (low + high) / 2
