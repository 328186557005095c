import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.review.draw import inclusion_probabilities, systematic_draw

UNITS = st.lists(
    st.tuples(st.floats(1e-3, 1e3), st.sampled_from([0.5, 1.0])), min_size=1, max_size=40
)


def chances_of(values: list[float], places: int, kept: float = 0.5) -> list[float]:
    return inclusion_probabilities(values, places=places, kept=[kept] * len(values))


def test_half_is_shared_out_evenly_and_half_by_value() -> None:
    # 2 places among 4: each keeps half of .5; the place left goes 4 : 2 : 1 : 1.
    assert chances_of([4, 2, 1, 1], 2) == pytest.approx([0.75, 0.5, 0.375, 0.375])


def test_what_would_exceed_one_is_given_to_the_others() -> None:
    # 3 places among 5: each keeps .3. The other 1.5 by 96 : 1 : 1 : 1 : 1 would give the first
    # 1.44, but it has room for .7; the .8 left goes to four alike.
    assert chances_of([96, 1, 1, 1, 1], 3) == pytest.approx([1.0, 0.5, 0.5, 0.5, 0.5])


def test_who_keeps_all_of_the_uniform_chance_only_gains() -> None:
    # 2 places among 4: the last keeps .5 and the others .25, and .75 goes 3 : 1 : 1 : 1.
    chances = inclusion_probabilities([3, 1, 1, 1], places=2, kept=[0.5, 0.5, 0.5, 1.0])
    assert chances == pytest.approx([0.25 + 0.375, 0.375, 0.375, 0.625])


def test_places_for_all_and_places_for_none() -> None:
    assert chances_of([1, 2], 2) == [1.0, 1.0]
    assert chances_of([1, 2], 5) == [1.0, 1.0]
    assert chances_of([1, 2], 0) == [0.0, 0.0]
    assert chances_of([], 3) == []


@given(UNITS, st.integers(0, 45))
def test_chances_sum_to_the_places_and_keep_their_bounds(units, places) -> None:
    values, kept = (list(column) for column in zip(*units, strict=True))
    chances = inclusion_probabilities(values, places=places, kept=kept)
    uniform = min(1.0, places / len(values))
    assert math.fsum(chances) == pytest.approx(min(places, len(values)), abs=1e-9)
    for chance, share in zip(chances, kept, strict=True):
        assert share * uniform - 1e-12 <= chance <= 1 + 1e-12


@given(st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=40), st.integers(1, 39))
def test_more_value_never_has_less_chance(values, places) -> None:
    chances = chances_of(sorted(values), places)
    assert all(one <= other + 1e-12 for one, other in itertools.pairwise(chances))


@settings(max_examples=60)
@given(UNITS, st.integers(0, 45), st.randoms(use_true_random=False))
def test_as_many_are_drawn_as_there_are_places_in_whatever_order_they_come(
    units, places, shuffler
) -> None:
    values, kept = (list(column) for column in zip(*units, strict=True))
    chances = inclusion_probabilities(values, places=places, kept=kept)
    named = [(f"i{number}", chance) for number, chance in enumerate(chances)]
    straight = systematic_draw(dict(named), salt="week")
    shuffler.shuffle(named)
    assert systematic_draw(dict(named), salt="week") == straight
    assert len(set(straight)) == min(places, len(values))


def test_what_is_certain_is_always_drawn_and_what_has_no_chance_never() -> None:
    for salt in range(50):
        drawn = systematic_draw({"a": 1.0, "b": 0.0, "c": 0.5, "d": 0.5}, salt=str(salt))
        assert "a" in drawn
        assert "b" not in drawn
        assert len(drawn) == 2


def test_each_is_drawn_as_often_as_its_chance_says() -> None:
    # 3,000 salts: a frequency's standard error is sqrt(p (1 - p) / 3000), at most .0092.
    chances = dict(zip("abcdefgh", chances_of([20, 9, 6, 4, 3, 2, 1, 1], 3), strict=True))
    count = dict.fromkeys(chances, 0)
    for salt in range(3000):
        for key in systematic_draw(chances, salt=f"week {salt}"):
            count[key] += 1
    for key, chance in chances.items():
        assert abs(count[key] / 3000 - chance) <= 4 * math.sqrt(chance * (1 - chance) / 3000)


def test_a_weighted_mean_of_what_was_drawn_is_unbiased() -> None:
    # What is worth most fails most: of ten, the three most valued fail. True share .3; the plain
    # mean of what is drawn expects (1 + 1 + 1 ...) far more. 2,000 salts, 4 standard errors.
    values = [40, 20, 10, 5, 4, 3, 2, 1, 1, 1]
    chances = dict(zip("abcdefghij", chances_of(values, 4), strict=True))
    estimates = [
        sum((key in "abc") / chances[key] for key in systematic_draw(chances, salt=f"s{salt}")) / 10
        for salt in range(2000)
    ]
    mean = sum(estimates) / 2000
    spread = math.sqrt(sum((one - mean) ** 2 for one in estimates) / 1999)
    assert abs(mean - 0.3) <= 4 * spread / math.sqrt(2000)
