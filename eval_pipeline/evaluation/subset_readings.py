"""What one look sees of one subset: means, difference, tests, and what the missing could hide."""

from dataclasses import dataclass

import numpy as np

from eval_pipeline.evaluation.human_correction.judge_bias import HumanPart
from eval_pipeline.evaluation.paired_tests import PairedTest, paired_test
from eval_pipeline.evaluation.pairs import Mask, Pairs, differences
from eval_pipeline.statistics.clusters import Floats, cluster_codes
from eval_pipeline.statistics.design_effect import design_effect, intraclass_correlation


@dataclass(frozen=True)
class Reading:
    """What one look sees of one subset. `worst` and `best` bound what the missing items hide.

    `variance` is of one item's difference. `correlation` is the differences' inside clusters, None
    where it cannot be told; `design_effect` is what weights and clusters cost. `uncovered` is the
    share of traffic that no item stands for, None where the traffic is not known. `human` is what
    people's labels, or their absence, did to the difference and its tests.
    """

    baseline_mean: float
    candidate_mean: float
    difference: float
    items: int
    clusters: int
    wins: int
    losses: int
    missing_baseline: int
    missing_candidate: int
    variance: float
    correlation: float | None
    design_effect: float
    test: PairedTest
    worst: PairedTest
    best: PairedTest
    uncovered: float | None = None
    human: HumanPart | None = None

    @property
    def effective_items(self) -> float:
        """Items of equal weight, each its own cluster, that would say as much."""
        return self.items / self.design_effect


def read_subset(
    pairs: Pairs, chosen: Mask, *, weights: Floats | None, bound_missing_above: float
) -> Reading | None:
    """The reading of the chosen items, or None where no chosen item has both scores.

    `weights` are by item; items of weight 0 are not read. When more than `bound_missing_above` of
    the items lack a score, `worst` gives them the most damaging value and `best` the most
    favourable; else both are the test.
    """
    if weights is not None:
        chosen = chosen & (weights > 0)
    complete = chosen & pairs.complete
    items = int(complete.sum())
    if items == 0:
        return None
    baseline, candidate = pairs.baseline[complete], pairs.candidate[complete]
    found = pairs.differences[complete]
    mass = None if weights is None else weights[complete]
    test = _test(pairs, complete, filled=(baseline, candidate), weights=weights)
    worst = best = test
    asked = int(chosen.sum())
    if (asked - items) / asked > bound_missing_above:
        worst = _test(pairs, chosen, filled=_filled(pairs, chosen, favour=0.0), weights=weights)
        best = _test(pairs, chosen, filled=_filled(pairs, chosen, favour=1.0), weights=weights)
    difference = float(np.average(found, weights=mass))
    codes = cluster_codes(items, pairs.clusters[complete])
    correlation = intraclass_correlation(found, codes=codes)
    return Reading(
        baseline_mean=float(np.average(baseline, weights=mass)),
        candidate_mean=float(np.average(candidate, weights=mass)),
        difference=difference,
        items=items,
        clusters=int(codes.max()) + 1,
        wins=int((found > 0).sum()),
        losses=int((found < 0).sum()),
        missing_baseline=int(np.isnan(pairs.baseline[chosen]).sum()),
        missing_candidate=int(np.isnan(pairs.candidate[chosen]).sum()),
        variance=float(np.average(np.square(found - difference), weights=mass)),
        correlation=correlation,
        design_effect=design_effect(weights=mass, codes=codes, correlation=correlation),
        test=test,
        worst=worst,
        best=best,
    )


def _filled(pairs: Pairs, chosen: Mask, *, favour: float) -> tuple[Floats, Floats]:
    """Both arms with every missing score in the candidate's favour (1.0) or against it (0.0)."""
    return (
        np.nan_to_num(pairs.baseline[chosen], nan=1 - favour),
        np.nan_to_num(pairs.candidate[chosen], nan=favour),
    )


def _test(
    pairs: Pairs, mask: Mask, *, filled: tuple[Floats, Floats], weights: Floats | None
) -> PairedTest:
    binary = all(bool(((scores == 0.0) | (scores == 1.0)).all()) for scores in filled)
    return paired_test(
        differences(*filled),
        binary=binary,
        clusters=pairs.clusters[mask],
        weights=None if weights is None else weights[mask],
    )
