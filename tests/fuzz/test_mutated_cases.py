"""Seeds changed by what they are made of, for as many examples as a day affords."""

import random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fuzz.mutating import mutated
from tests.fuzz.registry import target_names, target_of
from tests.fuzz.target import Target, check
from tests.sizes import sized

MOST_BYTES = 20_000
DEEPER = 20


@st.composite
def cases(draw: st.DrawFn, target: Target) -> bytes:
    """A seed, changed over and over by one chance; Hypothesis shrinks the number of changes."""
    data = draw(st.sampled_from(target.seeds))
    chance = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.integers(1, 6))):
        data = mutated(target, data, chance=chance, most_bytes=MOST_BYTES)
    return data


@pytest.mark.parametrize("name", target_names())
def test_no_changed_case_breaks_a_promise(name: str) -> None:
    target = target_of(name)

    @settings(
        # The same examples on every machine: what is new is for `make fuzz` to find.
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=sized(target.examples, full=DEEPER * target.examples),
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(cases(target))
    def holds(data: bytes) -> None:
        check(target, data, twice=False)

    holds()
