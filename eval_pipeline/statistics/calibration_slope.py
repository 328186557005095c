"""The slope of a line through points that both carry errors of known size, with its interval.

Within streams and over weeks: y = level of the stream + slope x, where x is known up to an error.
York's criterion (York, Evensen, Martinez and Delgado 2004, American Journal of Physics 72:367) with
an unknown extra variance of y that is estimated along has the closed form of corrected moments
(Fuller 1987, "Measurement Error Models", 2.2): the covariance over the variance of x less what the
known errors put into it. Least squares alone would draw the slope towards zero by the reliability.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from eval_pipeline.statistics.clusters import Floats

LEAST_WEEKS = 3


@dataclass(frozen=True)
class Stream:
    """One stream's points by week: `weeks` number them, the same number is the same week.

    `noise` are the variances of the x's errors, as far as they change from week to week.
    """

    weeks: Sequence[int]
    x: Floats
    y: Floats
    noise: Floats


@dataclass(frozen=True)
class Moments:
    """Week by week what the streams give to the covariance and to the corrected variance of x."""

    products: Floats
    squares: Floats

    @property
    def slope(self) -> float | None:
        """None where x varies no more than its errors explain."""
        total = float(self.squares.sum())
        return float(self.products.sum()) / total if total > 0 else None

    def variance_at(self, slope: float) -> float:
        """Of the sum of products less slope times squares, whose mean is 0 at the true slope.

        Weeks are the clusters, so streams of one week may depend on each other as they like.
        """
        parts = self.products - slope * self.squares
        return float(np.square(parts - parts.mean()).sum()) * parts.size / (parts.size - 1)

    def interval(self, confidence: float) -> tuple[float, float] | None:
        """Fieller's (1954): the slopes that the weeks do not contradict; None if unbounded."""
        size = self.products.size
        if size < LEAST_WEEKS:
            return None
        centred_a, centred_b = (
            self.products - self.products.mean(),
            self.squares - self.squares.mean(),
        )
        scale = size / (size - 1)
        reach = float(scipy.stats.t.ppf(0.5 + confidence / 2, size - 1)) ** 2 * scale
        total_a, total_b = float(self.products.sum()), float(self.squares.sum())
        a = total_b**2 - reach * float(centred_b @ centred_b)
        b = total_a * total_b - reach * float(centred_a @ centred_b)
        c = total_a**2 - reach * float(centred_a @ centred_a)
        if total_b <= 0 or a <= 0 or b * b < a * c:
            return None
        root = math.sqrt(b * b - a * c)
        return (b - root) / a, (b + root) / a


def moments_of(streams: Sequence[Stream]) -> Moments:
    """Of all streams together, each weighted by how closely its y's follow its x's.

    A stream of fewer than two weeks says nothing.
    """
    products: dict[int, float] = {}
    squares: dict[int, float] = {}
    for stream in streams:
        size = stream.x.size
        if size < LEAST_WEEKS - 1:
            continue
        x, y = stream.x - stream.x.mean(), stream.y - stream.y.mean()
        weight = 1 / max(
            float(np.square(y - x).sum()) / (size - 1), float(stream.noise.mean()), 1e-8
        )
        corrected = np.square(x) - stream.noise * (1 - 1 / size)
        for week, product, square in zip(stream.weeks, x * y, corrected, strict=True):
            products[week] = products.get(week, 0.0) + weight * float(product)
            squares[week] = squares.get(week, 0.0) + weight * float(square)
    weeks = sorted(products)
    return Moments(
        np.array([products[week] for week in weeks]), np.array([squares[week] for week in weeks])
    )
