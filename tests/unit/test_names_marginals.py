import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from eval_pipeline.anonymisation.names.marginals import Floats, marginals

LABELS = 3
NUMBERS = st.floats(-6, 6, width=32)


def scores_of(most: int) -> st.SearchStrategy[Floats]:
    return st.integers(1, most).flatmap(lambda n: arrays(np.float64, (n, LABELS), elements=NUMBERS))


TRANSITIONS = arrays(np.float64, (LABELS, LABELS), elements=NUMBERS)


def by_enumeration(scores: Floats, transitions: Floats) -> Floats:
    """The same by the probability of every sequence of labels."""
    table = np.zeros_like(scores)
    for labels in itertools.product(range(LABELS), repeat=len(scores)):
        total = sum(scores[step, label] for step, label in enumerate(labels))
        total += sum(transitions[pair] for pair in itertools.pairwise(labels))
        for step, label in enumerate(labels):
            table[step, label] += np.exp(total)
    return table / table.sum(axis=1, keepdims=True)


def test_two_tokens_by_hand() -> None:
    # Weights of (a, a), (a, b), (b, a), (b, b): 2 * 3, 2 * 1, 1 * 1, 1 * 1; together 10.
    scores = np.log([[2.0, 1.0], [1.0, 1.0]])
    transitions = np.log([[3.0, 1.0], [1.0, 1.0]])
    assert marginals([scores], transitions=transitions)[0] == pytest.approx(
        np.array([[8 / 10, 2 / 10], [7 / 10, 3 / 10]])
    )


@given(scores_of(4), TRANSITIONS)
def test_marginals_are_those_of_all_sequences(scores: Floats, transitions: Floats) -> None:
    found = marginals([scores], transitions=transitions)[0]
    assert found == pytest.approx(by_enumeration(scores, transitions), abs=1e-9)


@given(st.lists(scores_of(9), min_size=1, max_size=6), TRANSITIONS)
def test_a_text_gets_the_same_bits_whichever_others_run_beside_it(
    texts: list[Floats], transitions: Floats
) -> None:
    together = marginals(texts, transitions=transitions)
    alone = [marginals([text], transitions=transitions)[0] for text in texts]
    assert [table.tobytes() for table in together] == [table.tobytes() for table in alone]


def test_more_texts_than_run_at_once_come_back_in_order() -> None:
    draws = np.random.default_rng(3)
    transitions = draws.normal(size=(9, 9))
    texts = [draws.normal(size=(int(draws.integers(1, 12)), 9)) for _ in range(600)]
    found = marginals(texts, transitions=transitions)
    for text, table in zip(texts, found, strict=True):
        assert table.tobytes() == marginals([text], transitions=transitions)[0].tobytes()


def test_a_long_text_does_not_underflow() -> None:
    scores = np.tile([-900.0, 0.0, 300.0], (2_000, 1))
    table = marginals([scores], transitions=np.full((LABELS, LABELS), -5.0))[0]
    assert table.sum(axis=1) == pytest.approx(np.ones(2_000))
    assert table[:, 2] == pytest.approx(np.ones(2_000))


def test_no_texts_give_nothing() -> None:
    assert marginals([], transitions=np.zeros((2, 2))) == []
