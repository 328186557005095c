import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.statistics.paired import (
    augmented_interval,
    benjamini_yekutieli,
    mcnemar_exact,
)


def test_mcnemar_is_the_two_sided_binomial_of_the_discordant_pairs():
    # 1 of 6: 2 * (C(6,0) + C(6,1)) / 2^6 = 14 / 64
    assert mcnemar_exact(1, 5) == pytest.approx(14 / 64)
    assert mcnemar_exact(0, 0) == 1.0


def test_benjamini_yekutieli_pays_for_any_dependence():
    # c(3) = 1 + 1/2 + 1/3 = 11/6; .01 * 3 * 11/6 = .055; .04 * 3/2 * 11/6 = .11; .5 * 11/6 = .917
    adjusted = benjamini_yekutieli({"a": 0.04, "b": 0.01, "c": 0.5})
    assert adjusted == pytest.approx({"a": 0.11, "b": 0.055, "c": 0.5 * 11 / 6})
    assert benjamini_yekutieli({}) == {}


def test_two_pseudo_values_keep_the_interval_open_where_nothing_differs():
    # values 0 x 4, +1, -1: mean 0, variance 2/5, error sqrt(.4/6); t(.975, 5) = 2.5706
    lower, upper = augmented_interval(np.zeros(4), confidence=0.95)
    assert upper == pytest.approx(2.570582 * (0.4 / 6) ** 0.5)
    assert lower == -upper


@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=1, max_size=60))
def test_the_augmented_interval_holds_the_mean_and_stays_among_differences(values):
    lower, upper = augmented_interval(np.array(values), confidence=0.95)
    assert -1 <= lower <= np.mean(values) <= upper <= 1
