"""The population's four parts of a change of a weighted mean: pure arithmetic on strata.

Within and mix are Kitagawa's (1955) symmetric parts on the strata of both weeks; entry and exit
are Melitz and Polanec's (2015). With shares w, means m, q the shares renormalised on the common
strata and M the common strata's mean:

    within = sum (q0 + q1) / 2 (m1 - m0)      entry = sum over new of w1 (m1 - M1)
    mix    = sum (q1 - q0) (m0 + m1) / 2      exit  = -sum over gone of w0 (m0 - M0)

Their sum is sum w1 m1 - sum w0 m0. (The mix is the same with the means taken from their average
over the two weeks, since q1 - q0 sums to 0.)
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from eval_pipeline.statistics.clusters import Floats

POPULATION: Final = ("within", "mix", "entry", "exit")
SMALL_STEP: Final = 1e-30


def population_parts(
    shares_before: Floats, shares_now: Floats, *, means_before: Floats, means_now: Floats
) -> dict[str, float]:
    """The four parts, for strata in one order; shares of a week sum to 1.

    A stratum is in a week where its share is above 0; its mean of a week it is not in says
    nothing. Needs a stratum that is in both weeks.
    """
    point = np.stack([shares_before, shares_now, means_before, means_now])
    return dict(zip(POPULATION, _parts(point, *_present(point)).tolist(), strict=True))


def population_gradients(
    shares_before: Floats, shares_now: Floats, *, means_before: Floats, means_now: Floats
) -> dict[str, Floats]:
    """Per part its derivatives by the four arguments, as rows in their order, by complex steps.

    Exact to rounding (Squire and Trapp 1998), since the parts are ratios of polynomials.
    """
    point = np.stack([shares_before, shares_now, means_before, means_now])
    steps = np.eye(point.size).reshape(point.size, *point.shape) * (1j * SMALL_STEP)
    slopes = _parts(point + steps, *_present(point)).imag / SMALL_STEP
    return {name: slopes[place].reshape(point.shape) for place, name in enumerate(POPULATION)}


def _present(point: Floats) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return point[0] > 0, point[1] > 0


def _parts(point: NDArray[Any], before: NDArray[np.bool_], now: NDArray[np.bool_]) -> NDArray[Any]:
    """Four parts; `point` may have leading dimensions, one for each evaluation."""
    w0, w1, m0, m1 = (point[..., row, :] for row in range(4))
    both = before & now
    w0_common, w1_common = np.where(both, w0, 0), np.where(both, w1, 0)
    q0 = w0_common / w0_common.sum(axis=-1, keepdims=True)
    q1 = w1_common / w1_common.sum(axis=-1, keepdims=True)
    mean_before = (q0 * m0).sum(axis=-1, keepdims=True)
    mean_now = (q1 * m1).sum(axis=-1, keepdims=True)
    return np.stack(
        [
            (np.where(both, q0 + q1, 0) / 2 * (m1 - m0)).sum(axis=-1),
            ((q1 - q0) * (m0 + m1) / 2).sum(axis=-1),
            np.where(now & ~before, w1 * (m1 - mean_now), 0).sum(axis=-1),
            0.0 - np.where(before & ~now, w0 * (m0 - mean_before), 0).sum(axis=-1),
        ]
    )
