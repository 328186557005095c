"""Small-sample statistics of paired observations, and the multiplicity of many claims."""

import math
from collections.abc import Mapping

import numpy as np
import scipy

from eval_pipeline.statistics.clusters import Floats


def augmented_interval(differences: Floats, *, confidence: float) -> tuple[float, float]:
    """The t interval of a mean of values in [-1, 1], each value a pair of its own.

    With two pseudo-values, +1 and -1, so it is never of width 0: Bonett and Price (2012), Journal
    of Educational and Behavioral Statistics 37:479, generalised from binary pairs.
    """
    values = np.concatenate([differences, [1.0, -1.0]])
    error = float(values.std(ddof=1)) / math.sqrt(values.size)
    half = float(scipy.stats.t.ppf(0.5 + confidence / 2, values.size - 1)) * error
    centre = float(values.mean())
    return max(-1.0, centre - half), min(1.0, centre + half)


def mcnemar_exact(first: int, second: int) -> float:
    """Two-sided exact p of McNemar's test from the two counts of discordant pairs; 1 with none."""
    if first + second == 0:
        return 1.0
    return float(scipy.stats.binomtest(first, first + second).pvalue)


def benjamini_yekutieli(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values by name: false discovery rate under any dependence (2001)."""
    if not p_values:
        return {}
    names = sorted(p_values)
    adjusted = scipy.stats.false_discovery_control([p_values[name] for name in names], method="by")
    return dict(zip(names, map(float, adjusted), strict=True))
