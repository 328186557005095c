import numpy as np
import pytest

from eval_pipeline.statistics.clusters import (
    cluster_codes,
    cluster_variance,
    kish_effective_items,
)


def variance(values: list[float], clusters: list[str] | None = None) -> float:
    observed = np.array(values)
    return cluster_variance(
        observed - observed.mean(),
        weights=np.ones_like(observed),
        codes=cluster_codes(observed.size, clusters),
    )


def test_kish_counts_what_the_weights_leave() -> None:
    # the square of 1 + 1 + 2 over the squares 1 + 1 + 4
    assert kish_effective_items([1, 1, 2]) == pytest.approx(16 / 6)


def test_without_clusters_it_is_the_ordinary_variance_of_a_mean() -> None:
    # mean .5, sum of squares 8 x .25 = 2, over 7 and over 8
    assert variance([0, 1, 0, 1, 0, 1, 0, 1]) == pytest.approx(2 / 7 / 8)


def test_items_of_one_cluster_count_once() -> None:
    # four clusters of two equal values: the same as four values
    doubled = variance([0, 0, 1, 1, 0, 0, 1, 1], list("aabbccdd"))
    assert doubled == pytest.approx(variance([0, 1, 0, 1]))
