"""How strongly a look's answers speak against an unchanged model: an online two-sample test.

Each answer is ranked by its mean distance to the other answers to its prompt since the last
change. While the model is unchanged those answers are exchangeable, so the smoothed ranks are
independent and uniform (conformal p-values, online: Vovk, Gammerman, Shafer 2005), whatever the
model's own noise. Betting on small or large ranks turns them into e-values, whose product over a
look has mean one at most; the Shiryaev-Roberts e-detector M = (1 + M) * e sums the evidence over
looks, and the mean run to a false alarm at M >= A is at least A looks (Shin, Ramdas, Rinaldo 2023).

What a provider does to all answers of one look alike, without changing the model, breaks the
exchangeability: its alarms are then not false, but not a model's either.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from eval_pipeline.fingerprint import unit_hash
from eval_pipeline.monitoring.provider_change.answer_signs import AnswerSign, distances

Floats = NDArray[np.float64]

EXPONENTS: Final = (0.1, 0.3, 0.6)
SHARES: Final = (0.02, 0.1, 0.3, 1.0)
"""Mixed over, because nobody knows how many answers a change moves, nor how far."""

CLOSE: Final = 1e-12


def look_ranks(
    before: Mapping[str, Sequence[AnswerSign]],
    now: Mapping[str, Sequence[AnswerSign]],
    *,
    salt: str,
) -> Floats:
    """One conformal p-value per answer to a prompt that was asked before, in (0, 1).

    Small: farther from the others than they are from each other. Ties are broken by a hash of
    `salt` and the prompt, so the same look gives the same ranks.
    """
    ranks: list[float] = []
    for prompt in sorted(now):
        known = list(before.get(prompt, ()))
        if known:
            ranks += _ranks(known, now[prompt], salt=f"{salt}|{prompt}")
    return np.array(ranks)


def log_e_value(ranks: Floats) -> float:
    """The logarithm of a look's e-value; 0 where nothing could be compared.

    The mean, over exponents k, shares s and both ends of the ranks, of the product of
    1 - s + s * k * p^(k-1): each has mean one under uniform p.
    """
    if not len(ranks):
        return 0.0
    logs = [
        float(np.log1p(share * (exponent * side ** (exponent - 1) - 1)).sum())
        for side in (ranks, 1 - ranks)
        for exponent in EXPONENTS
        for share in SHARES
    ]
    return float(np.logaddexp.reduce(logs)) - math.log(len(logs))


def accumulated(log_evidence: float | None, log_e: float) -> float:
    """The logarithm of (1 + M) * e, with M the evidence so far; null is none."""
    so_far = -math.inf if log_evidence is None else log_evidence
    return float(np.logaddexp(0.0, so_far)) + log_e


def log_threshold(*, poll_seconds: float, systems: int, false_alarms_per_quarter: float) -> float:
    """The evidence at which to speak, as a logarithm: looks in a quarter over the alarms allowed.

    Each system's own mean run to a false alarm is then at least that many looks.
    """
    quarter = 365.25 / 4 * 24 * 3600
    return math.log(max(1.0, quarter / poll_seconds * systems / false_alarms_per_quarter))


def _ranks(known: list[AnswerSign], new: Sequence[AnswerSign], *, salt: str) -> list[float]:
    """Each new answer among all before it, and then it is one of them."""
    apart = distances([*known, *new])
    ranks = []
    for place in range(len(known), len(known) + len(new)):
        strangeness = apart[: place + 1, : place + 1].sum(axis=1)
        own = strangeness[place]
        farther = int((strangeness > own + CLOSE).sum())
        tied = int((np.abs(strangeness - own) <= CLOSE).sum())
        ranks.append((farther + unit_hash(salt, str(place)) * tied) / (place + 1))
    return ranks
