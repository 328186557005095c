"""How probable each label of each token is, given the whole text: the forward-backward algorithm.

After Rabiner (1989), scaled at every step. Texts of about the same length run side by side; a text
gets the same numbers whichever others run beside it, since labels are summed one by one.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_AT_ONCE: Final = 256
"""Texts that run side by side: more keep more numbers in memory."""


def marginals(scores: Sequence[Floats], *, transitions: Floats) -> list[Floats]:
    """Per text an array of tokens by labels, rows summing to one.

    `scores` are logarithmic and hold one array of tokens by labels per text, none of them empty;
    `transitions[before, after]` is logarithmic too.
    """
    found: list[Floats] = [np.empty((0, 0))] * len(scores)
    order = sorted(range(len(scores)), key=lambda index: -len(scores[index]))
    follows = np.exp(transitions)
    for start in range(0, len(order), _AT_ONCE):
        group = order[start : start + _AT_ONCE]
        results = _side_by_side([scores[index] for index in group], follows)
        for index, result in zip(group, results, strict=True):
            found[index] = result
    return found


def _side_by_side(scores: Sequence[Floats], follows: Floats) -> list[Floats]:
    """`marginals` of texts sorted by length, the longest first."""
    lengths = np.array([len(score) for score in scores])
    longest = int(lengths[0])
    emitted = np.ones((longest, len(scores), follows.shape[0]))
    for place, score in enumerate(scores):
        emitted[: len(score), place] = np.exp(score - score.max(axis=1, keepdims=True))
    alive = [int(np.searchsorted(-lengths, -step, side="left")) for step in range(longest)]
    forward = np.zeros_like(emitted)
    forward[0] = _scaled(emitted[0])
    for step in range(1, longest):
        n = alive[step]
        forward[step, :n] = _scaled(_through(forward[step - 1, :n], follows) * emitted[step, :n])
    backward = np.ones_like(emitted)
    back = follows.T.copy()
    for step in range(longest - 2, -1, -1):
        n = alive[step + 1]
        backward[step, :n] = _scaled(_through(backward[step + 1, :n] * emitted[step + 1, :n], back))
    joint = forward * backward
    return [_scaled(joint[: lengths[place], place]) for place in range(len(scores))]


def _through(weights: Floats, follows: Floats) -> Floats:
    """Weights @ follows, but not by BLAS: there a row's last bits depend on how many rows are."""
    total: Floats = np.einsum("bl,lm->bm", weights, follows, optimize=False)
    return total


def _scaled(weights: Floats) -> Floats:
    scaled: Floats = weights / weights.sum(axis=-1, keepdims=True)
    return scaled
