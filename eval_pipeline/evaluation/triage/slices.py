"""Where a candidate lost: slices named beforehand, tested together so that chance names few.

Of forty slices with nothing true in any the worst one looks bad nearly always. The signs of whole
clusters are therefore flipped at random, all slices at once, and what is called a loss has to be
worse than the worst slice of such a world: the max-T procedure of Westfall and Young (1993), step
by step from the worst on, with a familywise error at the level asked for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from eval_pipeline.statistics.clusters import Floats, cluster_codes
from eval_pipeline.statistics.paired import benjamini_yekutieli

CHUNK: Final = 200
FALSE_DISCOVERIES: Final = 0.10
_TIE: Final = 1e-9


@dataclass(frozen=True)
class SliceTest:
    """One-sided tests of a loss; null where the slice was too small to test."""

    p_value: float | None
    adjusted: float | None
    named: bool


def slices_lost(
    differences: Floats,
    members: Mapping[str, NDArray[np.bool_]],
    *,
    clusters: NDArray[np.int64],
    seed: int,
    permutations: int = 2000,
    least_clusters: int = 5,
    by: str = "max_t",
    error_rate: float = 0.05,
) -> dict[str, SliceTest]:
    """By slice, whether candidate minus baseline is below 0 there.

    `differences` by item; `members` says of each slice which items are in it; a cluster's items
    flip together. Slices with fewer than `least_clusters` clusters that differ are not tested.
    `by`: max_t holds the familywise error to `error_rate`; by the false discovery rate of all
    slices to 10 % (Benjamini and Yekutieli), whatever `error_rate` says.
    """
    names = sorted(members)
    sums = _cluster_sums(differences, [members[name] for name in names], clusters)
    tested = [place for place in range(len(names)) if (sums[:, place] != 0).sum() >= least_clusters]
    nothing = SliceTest(None, None, named=False)
    found = dict.fromkeys(names, nothing)
    if not tested:
        return found
    scaled = sums[:, tested] / np.sqrt(np.square(sums[:, tested]).sum(axis=0))
    losses = -scaled.sum(axis=0)
    p_values, adjusted = _against_flips(scaled, losses, seed=seed, permutations=permutations)
    kept = [names[place] for place in tested]
    if by == "by":
        by_name = benjamini_yekutieli(dict(zip(kept, map(float, p_values), strict=True)))
        adjusted, error_rate = np.array([by_name[name] for name in kept]), FALSE_DISCOVERIES
    for name, plain, together in zip(kept, p_values, adjusted, strict=True):
        found[name] = SliceTest(float(plain), float(together), named=bool(together <= error_rate))
    return found


def _cluster_sums(
    differences: Floats, members: list[NDArray[np.bool_]], clusters: NDArray[np.int64]
) -> Floats:
    """The summed difference of each cluster (rows) in each slice (columns)."""
    codes = cluster_codes(differences.size, clusters)
    sums = np.zeros((int(codes.max(initial=-1)) + 1, len(members)))
    for place, inside in enumerate(members):
        np.add.at(sums[:, place], codes[inside], differences[inside])
    return sums


def _against_flips(
    scaled: Floats, losses: Floats, *, seed: int, permutations: int
) -> tuple[Floats, Floats]:
    """Plain and max-T adjusted p-values; ours is one of the flips, so none is 0."""
    order = np.argsort(-losses, kind="stable")
    plain, worst = np.zeros(losses.size), np.zeros(losses.size)
    for flipped in _flipped(scaled, seed=seed, permutations=permutations):
        plain += (flipped >= losses - _TIE).sum(axis=0)
        # From the mildest slice up: the worst of it and of all that are milder.
        running = np.maximum.accumulate(flipped[:, order[::-1]], axis=1)[:, ::-1]
        worst += (running >= losses[order] - _TIE).sum(axis=0)
    stepped = np.maximum.accumulate((worst + 1) / (permutations + 1))
    adjusted = np.empty(losses.size)
    adjusted[order] = stepped
    return (plain + 1) / (permutations + 1), adjusted


def _flipped(scaled: Floats, *, seed: int, permutations: int) -> Iterator[Floats]:
    rng = np.random.default_rng(seed)
    for start in range(0, permutations, CHUNK):
        count = min(CHUNK, permutations - start)
        signs = rng.integers(0, 2, size=(count, scaled.shape[0])) * 2.0 - 1.0
        yield signs @ scaled
