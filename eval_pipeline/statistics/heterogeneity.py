"""How much true values differ between groups, beyond what their own errors explain."""

import numpy as np
from numpy.typing import ArrayLike

LEAST_GROUPS = 2


def between_variance(values: ArrayLike, variances: ArrayLike) -> float:
    """DerSimonian and Laird's tau squared (1986, Controlled Clinical Trials 7:177); 0 at least.

    `variances` are those of the values' errors, above 0. Fewer than two values differ by nothing.
    """
    seen = np.asarray(values, dtype=np.float64)
    if seen.size < LEAST_GROUPS:
        return 0.0
    weights = 1 / np.asarray(variances, dtype=np.float64)
    mean = float(weights @ seen / weights.sum())
    spread = float(weights @ np.square(seen - mean))
    scale = float(weights.sum() - np.square(weights).sum() / weights.sum())
    return max(0.0, (spread - (seen.size - 1)) / scale)
