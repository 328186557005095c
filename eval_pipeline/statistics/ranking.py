"""Whether what is right ranks above what is wrong: the area under the ROC curve, by cluster."""

import numpy as np
import scipy
from numpy.typing import NDArray

from eval_pipeline.statistics.bounded_means import bounded_interval
from eval_pipeline.statistics.clusters import Floats

LEAST_OF_EACH = 2
Area = tuple[float | None, float | None, float | None]


def area_under_curve(
    scores: Floats, right: NDArray[np.bool_], *, codes: NDArray[np.int64], confidence: float
) -> Area:
    """P(right scores higher) + P(tie) / 2, with its interval: (area, lower, upper).

    Placement values (DeLong, DeLong and Clarke-Pearson 1988), summed by cluster (Obuchowski 1997,
    Biometrics 53:567); the t interval of `bounded_interval`, so that a perfect order of few items
    has no interval of width zero. All null with fewer than two right or two wrong ones.
    """
    positives, negatives = int(right.sum()), int((~right).sum())
    if min(positives, negatives) < LEAST_OF_EACH:
        return None, None, None
    ranks = scipy.stats.rankdata(scores)
    placements = np.empty(scores.size)
    placements[right] = (ranks[right] - scipy.stats.rankdata(scores[right])) / negatives
    placements[~right] = 1 - (ranks[~right] - scipy.stats.rankdata(scores[~right])) / positives
    area = float(placements[right].mean())
    shares = np.where(right, 1 / positives, 1 / negatives)
    sums = np.bincount(codes, weights=(placements - area) * shares)
    clusters = int(np.count_nonzero(np.bincount(codes)))
    if clusters < LEAST_OF_EACH:
        return area, None, None
    variance = float(np.square(sums).sum()) * clusters / (clusters - 1)
    lower, upper = bounded_interval(
        area,
        variance,
        effective=min(positives, negatives),
        degrees=max(1, min(clusters, positives, negatives) - 1),
        confidence=confidence,
    )
    return area, lower, upper
