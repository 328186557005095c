"""The rate behind refusals, on simulated limiters: any rate, any burst, arrivals with jitter."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.demo.load_limits import TokenBucket
from eval_pipeline.monitoring.load.bucket import BucketFit, fit_bucket
from eval_pipeline.monitoring.load.limit import rate_limit
from eval_pipeline.monitoring.load.rate_search import Probe, RateSearch
from eval_pipeline.monitoring.load.steps import SentRequest, Step, arrivals_of


class World:
    """A limiter and a client that searches for its rate; times in seconds, jitter by a seed."""

    def __init__(self, take, *, jitter: float = 0.0, requests: int = 100, seed: int = 7) -> None:
        self.take = take
        self.jitter = jitter
        self.requests = requests
        self.draws = np.random.default_rng(seed)
        self.now = 0.0
        self.decided_at = 0.0
        self.steps: list[Step] = []

    def send(self, gap: float, *, opening: bool = False) -> SentRequest:
        self.now += gap
        late = self.now + self.jitter * float(self.draws.exponential())
        self.decided_at = max(self.decided_at, late)
        code = None if self.take(self.decided_at) else "rate_limited"
        status = "answered" if code is None else "failed"
        return SentRequest(self.now, self.now, 0.01, status, code, opening=opening)

    def make(self, probe: Probe) -> Step:
        sent: list[SentRequest] = []
        while probe.drain_per_second and len(sent) < self.requests:
            if sum(one.refused for one in sent) >= 2:
                break
            gap = float(self.draws.exponential(1 / probe.drain_per_second))
            sent.append(self.send(gap, opening=True))
        began = self.now
        for _ in range(max(self.requests, round(probe.rate / 2))):
            gap = 1 / probe.rate if probe.even else float(self.draws.exponential(1 / probe.rate))
            sent.append(self.send(gap))
        step = Step("rate", len(self.steps) + 1, tuple(sent), self.now - began,
                    offered_per_second=probe.rate, even=probe.even)  # fmt: skip
        self.now += 0.05
        self.steps.append(step)
        return step

    def searched(self, first: float, *, highest: float = 1e4, steps: int = 10) -> RateSearch:
        search = RateSearch(first, highest, steps)
        while (probe := search.next(None if (fit := self.fit()) is None else fit.rate)) is not None:
            search.tell(probe, self.make(probe))
        return search

    def fit(self) -> BucketFit | None:
        return fit_bucket(arrivals_of(self.steps), confidence=0.95) if self.steps else None


def bucket(rate: float, burst: float, **options: float) -> World:
    return World(TokenBucket(rate, burst).take, **options)


@settings(max_examples=12, deadline=None)
@given(
    rate=st.floats(0.5, 300),
    burst=st.integers(1, 150),
    start=st.floats(0.2, 3),
    seed=st.integers(0, 2**16),
)
def test_any_rate_with_any_burst_is_found_within_ten_percent(rate, burst, start, seed) -> None:
    world = bucket(rate, burst, seed=seed, jitter=0.02 / rate)
    search = world.searched(start * rate)
    found = rate_limit(world.steps, confidence=0.95)
    assert found.kind == "bucket"
    assert found.per_second == pytest.approx(rate, rel=0.1)
    assert found.lower <= found.per_second <= found.upper
    assert found.lower <= 1.02 * rate
    assert found.upper >= 0.98 * rate
    assert search.refused is None or search.refused > 0.75 * rate


def test_a_full_bucket_is_not_taken_for_a_higher_rate() -> None:
    # 60 requests at 30 a second against 20 a second: 2 s x 20 + 20 = 60, none is refused at first.
    # Five seconds later the bucket is full again.
    world = bucket(20, 20, requests=60)
    assert not world.make(Probe(30.0, even=True, drain_per_second=None)).limited
    world.now += 5.0
    world.searched(30.0)
    found = rate_limit(world.steps, confidence=0.95)
    assert found.per_second == pytest.approx(20, rel=0.03)
    assert found.burst.value == pytest.approx(20, abs=2)


def test_a_bucket_of_one_is_not_taken_for_a_lower_rate() -> None:
    # At random a bucket of one refuses a third of what comes at half its rate.
    world = bucket(50, 1)
    half = world.make(Probe(25.0, even=False, drain_per_second=None))
    assert half.refused_share > 0.2
    world.searched(25.0)
    assert rate_limit(world.steps, confidence=0.95).per_second == pytest.approx(50, rel=0.05)


def test_the_rates_of_even_arrivals_close_in_on_the_limit() -> None:
    search = bucket(40, 10).searched(30.0)
    assert search.sustained is not None
    assert search.refused is not None
    assert 0.85 * 40 < search.sustained <= 40.5 < search.refused < 1.15 * 40


def test_where_nothing_is_refused_no_limit_is_claimed() -> None:
    world = World(lambda _: True)
    search = world.searched(10.0, highest=40.0)
    assert rate_limit(world.steps, confidence=0.95).kind == "not_met"
    assert (search.sustained, search.refused) == (None, None)
    assert [step.offered_per_second for step in world.steps] == [10.0, 20.0, 40.0]


def test_a_count_in_fixed_windows_is_no_bucket_and_its_figure_is_what_was_served() -> None:
    served: dict[int, int] = {}

    def window(now: float) -> bool:
        served[int(now)] = served.get(int(now), 0) + 1
        return served[int(now)] <= 30

    world = World(window, requests=400)
    world.searched(60.0, steps=6)
    found = rate_limit(world.steps, confidence=0.95)
    assert found.kind == "other"
    assert found.per_second == pytest.approx(30, rel=0.15)


def test_a_few_tokens_and_much_jitter_give_a_lower_bound_only() -> None:
    # Gaps of 8 ms, and arrivals 5 ms late on average.
    world = bucket(120, 1, jitter=0.005)
    world.searched(100.0)
    found = rate_limit(world.steps, confidence=0.95)
    assert found.kind == "bucket_blurred"
    assert found.upper is None
    assert found.lower < 120


def test_a_system_that_does_not_keep_up_ends_the_search() -> None:
    search = RateSearch(10.0, 100.0, 10)
    probe = search.next(None)
    assert probe is not None
    search.tell(probe, Step("rate", 1, (), 1.0, offered_per_second=10.0, kept_up=False))
    assert search.next(None) is None
    assert not search.kept_up
    assert search.sustained is None


def test_a_step_that_never_came_to_its_rate_does_not_count_as_sustained() -> None:
    search = RateSearch(10.0, 100.0, 10, refused=20.0, _met_at=20.0, _overloads=3)
    search.tell(
        Probe(15.0, even=True, drain_per_second=60.0),
        Step("rate", 5, (), 0.0, offered_per_second=15.0, even=True, kept_up=False),
    )
    assert search.sustained is None


@pytest.mark.slow
def test_the_interval_covers_as_often_as_it_says() -> None:
    # 24 buckets of 5 to 60 tokens, seed 11: at least nine tenths hold the truth.
    draws = np.random.default_rng(11)
    covered = 0
    for number in range(24):
        rate, burst = float(draws.uniform(2, 100)), float(draws.integers(5, 60))
        world = bucket(rate, burst, jitter=0.002, seed=number, requests=60)
        world.searched(rate * float(draws.uniform(0.4, 2)))
        found = rate_limit(world.steps, confidence=0.95)
        covered += found.lower <= rate <= found.upper
    assert covered >= 22
