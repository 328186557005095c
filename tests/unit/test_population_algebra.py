"""The population's parts and the whole sum, exact on any strata."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.evaluation.decomposition.population_algebra import (
    POPULATION,
    population_gradients,
    population_parts,
)

MASSES = st.lists(
    st.tuples(
        st.one_of(st.just(0.0), st.floats(0.001, 1000)),
        st.one_of(st.just(0.0), st.floats(0.001, 1000)),
        st.floats(0, 1),
        st.floats(0, 1),
    ),
    max_size=9,
)
COMMON = st.tuples(st.floats(0.001, 9), st.floats(0.001, 9), st.floats(0, 1), st.floats(0, 1))


def point_of(rows: list[tuple[float, ...]]) -> np.ndarray:
    point = np.array(rows, dtype=np.float64).T
    point[:2] /= point[:2].sum(axis=1, keepdims=True)
    return point


@given(MASSES, COMMON)
def test_the_four_parts_sum_to_the_change_of_the_weighted_mean(rows, common) -> None:
    w0, w1, m0, m1 = point_of([*rows, common])
    found = population_parts(w0, w1, means_before=m0, means_now=m1)
    assert sum(found.values()) == pytest.approx(w1 @ m1 - w0 @ m0, abs=1e-12)


@given(st.lists(COMMON, min_size=1, max_size=6))
def test_without_new_or_gone_strata_entry_and_exit_are_nothing(rows) -> None:
    w0, w1, m0, m1 = point_of(rows)
    found = population_parts(w0, w1, means_before=m0, means_now=m1)
    assert (found["entry"], found["exit"]) == (0.0, 0.0)


def test_the_example_of_the_documentation() -> None:
    # in order: orders, hours, new vouchers, gone returns; q0 is 5/9 and 4/9, q1 a half each
    w0, w1 = np.array([0.5, 0.4, 0.0, 0.1]), np.array([0.4, 0.4, 0.2, 0.0])
    m0, m1 = np.array([0.25, 0.75, 0.0, 0.5]), np.array([0.25, 0.6, 1.0, 0.0])
    found = population_parts(w0, w1, means_before=m0, means_now=m1)
    # within: (4/9 + 1/2) / 2 x (.6 - .75); mix: 1/18 x (.675 - .25)
    # M1 = .425: entry .2 x (1 - .425); M0 = 4.25 / 9: exit -.1 x (.5 - 4.25 / 9)
    assert found == pytest.approx(
        {"within": -17 / 36 * 0.15, "mix": 0.425 / 18, "entry": 0.115, "exit": -0.1 * 0.25 / 9}
    )


def test_slopes_are_those_of_small_differences() -> None:
    generator = np.random.default_rng(2)
    point = np.abs(generator.normal(size=(4, 5)))
    point[0, 1] = point[1, 3] = 0.0
    slopes = population_gradients(*point[:2], means_before=point[2], means_now=point[3])
    for row, column in np.argwhere(point > 0):
        ends = []
        for step in (-1e-6, 1e-6):
            moved = point.copy()
            moved[row, column] += step
            ends.append(population_parts(*moved[:2], means_before=moved[2], means_now=moved[3]))
        for name in POPULATION:
            numeric = (ends[1][name] - ends[0][name]) / 2e-6
            assert slopes[name][row, column] == pytest.approx(numeric, abs=1e-6)
