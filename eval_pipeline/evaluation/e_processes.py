"""Evidence that may be looked at after every item: e-processes of a difference, by betting.

An e-process is what a gambler owns who starts with 1 and bets, at odds fair under a hypothesis, on
each next observation. Under the hypothesis it rarely grows: P(it ever reaches 1 / alpha) <= alpha
(Ville), however often it is looked at and whenever one stops. Methods: Waudby-Smith and Ramdas
(2024), "Estimating means of bounded random variables by betting", with an even mixture over fixed
bets, which needs no tuning and loses a factor of four at most.

Differences are candidate minus baseline, in [-1, 1], so a regression is negative.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy.special import logsumexp

from eval_pipeline.statistics.clusters import Floats

BETS: Final = (0.1, 0.25, 0.5, 0.8)
"""What is staked of what is owned; the mixture over them does better than any tuned one."""

LARGEST_TOLD: Final = 1e9

EState = Literal["certified", "blocked", "undecided"]


@dataclass(frozen=True)
class Steps:
    """One entry per cluster, in the order in which clusters are looked at.

    `gain`: the sum of weight times difference over the cluster's items; `mass`: the sum of their
    weights; both over the largest mass that a cluster of its batch can have, so that
    |gain| <= mass <= 1. The largest mass and the weights are fixed before the batch is asked.
    """

    gain: Floats
    mass: Floats

    @property
    def running_mean(self) -> Floats:
        """The weighted mean difference after each cluster."""
        mean: Floats = np.cumsum(self.gain) / np.cumsum(self.mass)
        return mean


def log_noninferior(steps: Steps, *, margin: float) -> Floats:
    """Log of E after each cluster, against the null that the mean difference is -margin or less.

    E = mean over bets b of the product of 1 + b (gain + margin * mass): each factor has a mean of
    at most 1 under the null and is never negative, because gain >= -mass >= -1 and b < 1.
    """
    return _log_mixture(np.asarray(BETS), steps.gain + margin * steps.mass)


def log_harm(steps: Steps, *, accepted: float) -> Floats:
    """Log of E after each cluster, against the null that the mean difference is -accepted or more.

    E = mean over bets b of the product of 1 - b (gain + accepted * mass). `accepted` is the
    policy's block fraction times its tolerance: with a fraction of zero any loss is harm. Bets are
    b / (1 + accepted), so that no factor is negative: gain + accepted * mass <= 1 + accepted.
    """
    bets = np.asarray(BETS) / (1 + accepted)
    return _log_mixture(bets, -(steps.gain + accepted * steps.mass))


@dataclass(frozen=True)
class Shown:
    """What the steps so far show; the e-values are the largest ever reached, told up to 1e9.

    `state` is decided by what came first: 'certified', 'blocked', or 'undecided'. `difference` is
    null before the first step.
    """

    state: EState
    steps: int
    difference: float | None
    e_noninferior: float
    e_harm: float


def weigh(
    certifying: Steps,
    *,
    blocking: Steps,
    margin: float,
    block_fraction: float,
    alpha: float,
    hypotheses: int,
) -> Shown:
    """Reads the e-processes of one subset against the policy.

    `certifying` holds every missing score against the candidate, `blocking` in its favour.
    Certified at E >= 1 / alpha: a pass is an intersection of such claims, so each has the whole
    alpha. Blocked at E >= hypotheses / alpha, for a block is one claim out of many, and only where
    the mean difference is then -margin or less.
    """
    if not certifying.gain.size:
        return Shown("undecided", 0, None, 1.0, 1.0)
    certified = log_noninferior(certifying, margin=margin)
    harmed = log_harm(blocking, accepted=block_fraction * margin)
    is_certified = certified >= -math.log(alpha)
    is_blocked = (harmed >= math.log(hypotheses / alpha)) & (blocking.running_mean <= -margin)
    state: EState = "undecided"
    if is_certified.any() or is_blocked.any():
        state = "certified" if _first(is_certified) < _first(is_blocked) else "blocked"
    return Shown(
        state=state,
        steps=certifying.gain.size,
        difference=float(blocking.running_mean[-1]),
        e_noninferior=_told(certified),
        e_harm=_told(harmed),
    )


def _log_mixture(bets: Floats, payoffs: Floats) -> Floats:
    owned = np.cumsum(np.log1p(np.outer(bets, payoffs)), axis=1)
    mixed: Floats = logsumexp(owned, axis=0) - math.log(bets.size)
    return mixed


def _first(reached: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> float:
    return float(np.argmax(reached)) if reached.any() else math.inf


def _told(log_values: Floats) -> float:
    largest = min(float(log_values.max(initial=0.0)), math.log(LARGEST_TOLD))
    return math.exp(largest)
