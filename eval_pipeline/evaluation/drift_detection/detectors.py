"""Two detectors of a change at an unknown week: the CUSUM, and the e-detector (methods 5.3).

Both are functions of all readings since the pin, so the same past gives the same state. The CUSUM
(Page 1954) adds up what a week deviates beyond a slack; the textbook's half a noise floor is raised
by two standard errors of the reference, 2/sqrt(K), because that is itself a mean of K runs and
stays wrong by the same amount for ever. With 1/sqrt(K) and a threshold of 5, 4 % of quiet years
alarm for a drop, but 8 % for a drop or a rise; with 2/sqrt(K) and 4 it is 3 % for both, and a step
of three noise floors is found as soon. The e-detector (Shin, Ramdas & Rinaldo 2022) adds up
e-values, so that means of many of them keep an average run length without any assumption on how
streams depend on each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from eval_pipeline.evaluation.drift_detection.noise import NoiseFloor
from eval_pipeline.statistics.clusters import Floats

TEXTBOOK_SLACK: Final = 0.5
REFERENCE_ERRORS: Final = 2.0
TARGETS: Final = (0.05, 0.10, 0.20, 0.40)
"""Changes of a mean that the e-detector is tuned to find, one detector each way for each."""
LARGEST_LOG: Final = float(np.log(1e12))
HIGHEST: Final = 2.0
"""In thresholds: a sum grows no further, so that an alarm ends some weeks after its cause."""


@dataclass(frozen=True)
class Reading:
    """One week of one stream: the mean of its items against the reference's mean of the same.

    `least` is the smallest difference that counts as drift.
    """

    week: str
    value: float
    floor: NoiseFloor
    least: float

    @property
    def z(self) -> float:
        """The deviation in noise floors."""
        return (self.value - self.floor.mu0) / self.floor.sigma

    @property
    def slack(self) -> float:
        """What a week may deviate without being added up, in noise floors.

        Half the smallest difference that counts is the textbook's slack for finding it.
        """
        by_noise = TEXTBOOK_SLACK + REFERENCE_ERRORS / float(np.sqrt(self.floor.runs))
        return max(by_noise, self.least / (2 * self.floor.sigma))

    @property
    def margin(self) -> float:
        """How far the true mean may be from `mu0` under the e-detector's null hypothesis."""
        return max(REFERENCE_ERRORS * self.floor.reference_error, self.least / 2)


@dataclass(frozen=True)
class Sums:
    """The CUSUM of drops and that of rises after each week, and the index where each began."""

    down: tuple[float, ...]
    up: tuple[float, ...]
    down_began: int
    up_began: int


def cusum(readings: Sequence[Reading], *, threshold: float) -> Sums:
    """C = max(0, C - z - slack) for drops, mirrored for rises, in the order of the weeks.

    A change began in the week after the sum was last zero.
    """
    down, down_began = _sums([-reading.z for reading in readings], readings, threshold)
    up, up_began = _sums([reading.z for reading in readings], readings, threshold)
    return Sums(down, up, down_began, up_began)


def _sums(
    deviations: Sequence[float], readings: Sequence[Reading], threshold: float
) -> tuple[tuple[float, ...], int]:
    sums: list[float] = []
    began, before = 0, 0.0
    for place, (deviation, reading) in enumerate(zip(deviations, readings, strict=True)):
        if before == 0.0:
            began = place
        before = min(max(0.0, before + deviation - reading.slack), HIGHEST * threshold)
        sums.append(before)
    return tuple(sums), began


def e_detector(readings: Sequence[Reading]) -> float:
    """M = (1 + M) e, averaged over both directions and the targets; at most 1e12.

    With e an e-value of every week, no change means E[M] <= weeks, so an alarm at M >= A comes
    on average not before A weeks. Means over several streams keep that.
    """
    state = np.full(2 * len(TARGETS), -np.inf)
    for reading in readings:
        state = np.minimum(np.logaddexp(0.0, state) + log_e_values(reading), LARGEST_LOG)
    return float(np.exp(state).mean()) if readings else 0.0


def log_e_values(reading: Reading) -> Floats:
    """Logarithms of the week's e-values against 'the mean is within the margin of `mu0`'.

    For n independent scores in 0 to 1 whose variances sum to at most V, and a true mean of at
    least mu0 - margin, exp(r D - V (exp(r) - 1 - r)) with D = n (mu0 - margin - value) has a mean
    of at most 1 for every r > 0 (Bennett 1962); mirrored for rises. The rate r = log(1 + d/V) is
    the best for a sum d beyond the margin, with d by `TARGETS`. First the drops, then the rises.
    """
    items, floor = reading.floor.items, reading.floor
    variance = (items * floor.sigma) ** 2
    beyond = np.maximum(np.array(TARGETS) - reading.margin, reading.margin)
    rates = np.log1p(items * beyond / variance)
    price = variance * (np.expm1(rates) - rates)
    drop = items * (floor.mu0 - reading.margin - reading.value)
    rise = items * (reading.value - floor.mu0 - reading.margin)
    return np.concatenate([rates * drop - price, rates * rise - price])
