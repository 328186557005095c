import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.fingerprint import unit_hash
from eval_pipeline.review.serving import priorities

WORTH = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=4), st.none() | st.floats(0.01, 10), max_size=25
)


def served(worth: dict[str, float | None], *, week: str = "2026-11-16") -> list[str]:
    places = priorities(worth, week=week)
    return sorted(places, key=lambda name: -places[name])


def test_the_queue_is_served_by_value_per_minute() -> None:
    assert served({"a": 0.1, "b": 3.0, "c": 0.5}) == ["b", "c", "a"]
    assert priorities({"a": 0.1, "b": 3.0}, week="w") == {"b": 1.0, "a": 0.5}


def test_audit_tasks_stand_where_their_own_hash_puts_them() -> None:
    worth = {"audit": None, "q1": 1.0, "q2": 2.0, "q3": 3.0}
    by_hash = sorted(worth, key=lambda name: unit_hash("place:w", name))
    order = served(worth, week="w")
    assert order.index("audit") == by_hash.index("audit")
    assert [name for name in order if name != "audit"] == ["q3", "q2", "q1"]


def test_a_week_without_tasks_has_no_places() -> None:
    assert priorities({}, week="w") == {}


@given(WORTH, st.randoms(use_true_random=False))
def test_places_are_distinct_within_bounds_and_independent_of_row_order(worth, shuffler) -> None:
    places = priorities(worth, week="w")
    rows = list(worth.items())
    shuffler.shuffle(rows)
    assert priorities(dict(rows), week="w") == places
    assert len(set(places.values())) == len(worth)
    assert all(0 < place <= 1 for place in places.values())


@given(WORTH, st.floats(0.01, 10))
def test_what_the_queue_is_worth_moves_no_audit_task(worth, factor) -> None:
    other = {name: None if value is None else factor / value for name, value in worth.items()}
    before, after = priorities(worth, week="w"), priorities(other, week="w")
    assert all(before[name] == after[name] for name in worth if worth[name] is None)


@pytest.mark.parametrize("answered", [5, 15, 25])
def test_wherever_an_unfinished_week_ends_the_audit_labels_are_a_random_part(answered) -> None:
    # 18 audit tasks among 30, of which the 6 worth most fail: .333. With the first `answered` of
    # the week answered, the mean of the audit labels that are in stays at a third. 1,500 weeks.
    audit = {f"a{item}": None for item in range(18)}
    queue = {f"q{item}": 12.0 - item for item in range(12)}
    failing = {f"a{item}" for item in range(6)}
    means = []
    for week in range(1500):
        done = served({**audit, **queue}, week=f"{week}")[:answered]
        labelled = [name in failing for name in done if name in audit]
        if labelled:
            means.append(sum(labelled) / len(labelled))
    mean = sum(means) / len(means)
    spread = math.sqrt(sum((one - mean) ** 2 for one in means) / (len(means) - 1))
    assert abs(mean - 1 / 3) <= 4 * spread / math.sqrt(len(means))
