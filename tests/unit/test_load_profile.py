"""From the steps of a load profile to its rows, its words and its chart."""

import pytest

from eval_pipeline.monitoring.load.advice import advice
from eval_pipeline.monitoring.load.degradation import degradation
from eval_pipeline.monitoring.load.limit import RateLimit
from eval_pipeline.monitoring.load.profile import Searched, profile_rows
from eval_pipeline.monitoring.load.steps import SentRequest, Step
from eval_pipeline.reports.load_plots import load_chart
from eval_pipeline.reports.load_profile_words import advice_table, sentences, step_table
from eval_pipeline.settings import LoadSettings
from eval_pipeline.tables import LOAD_PROFILE


def served(count: int, *, latency: float, at: float = 0.0) -> list[SentRequest]:
    return [
        SentRequest(at, at, latency, "answered", input_tokens=100, output_tokens=20, cost_usd=0.001)
        for _ in range(count)
    ]


def refused(count: int, *, code: str = "rate_limited", opening: bool = False) -> list[SentRequest]:
    return [
        SentRequest(0.0, 0.0, 0.001, "failed", code, retry_after_seconds=0.5, opening=opening)
        for _ in range(count)
    ]


def ramp(capacity: int, *, latency: float = 0.1, last: int = 32) -> list[Step]:
    """A system of so many workers: latency grows in proportion beyond them, throughput not."""
    steps, concurrency = [], 1
    while concurrency <= last:
        grown = latency * max(1.0, concurrency / capacity)
        seconds = 100 * grown / concurrency
        requests = tuple(served(100, latency=grown))
        number = len(steps) + 1
        steps.append(Step("concurrency", number, requests, seconds, concurrency=concurrency))
        concurrency *= 2
    return steps


def test_a_system_of_eight_workers_degrades_at_sixteen_and_is_full_at_eight() -> None:
    # p95 is 2 x its first at 16 at once; 8 workers x 10 a second serve 80.
    found = degradation(ramp(8), ratio=1.9, confidence=0.95)
    assert found.at == pytest.approx(15.2)
    assert (found.lower, found.upper) == (8, 16)
    assert found.knee == pytest.approx(8)
    assert found.best_per_second == pytest.approx(80)


def test_a_system_that_never_slows_down_has_no_degradation_and_no_knee() -> None:
    found = degradation(ramp(64), ratio=2.0, confidence=0.95)
    assert (found.at, found.lower, found.knee) == (None, 32, None)


def test_a_step_that_the_limit_cut_short_says_nothing_of_degradation() -> None:
    cut = Step("concurrency", 7, tuple(served(50, latency=5.0) + refused(50)), 1.0, concurrency=64)
    assert degradation([*ramp(64), cut], ratio=2.0, confidence=0.95).at is None


def test_advice_keeps_below_the_limit_and_below_the_degradation() -> None:
    steps = ramp(8)
    slower = degradation(steps, ratio=1.9, confidence=0.95)
    assert advice(steps, RateLimit("not_met"), slower).concurrency == 15
    # 0.9 x 20 a second at a mean of (.1 + .1 + .1 + .1 + .2 + .4) / 6 s keeps 3 under way
    limited = advice(steps, RateLimit("bucket", 21.0, 20.0, 22.0), slower)
    assert limited.concurrency == 3
    assert limited.requests_per_minute == pytest.approx(60 * 18)


def profile(*extra: Step, searched: Searched = Searched()):  # noqa: B008 - frozen
    return profile_rows(
        [*ramp(8), *extra], system_id="assistant", searched=searched, ratio=1.9, confidence=0.95
    )


def rate_step(*requests: SentRequest) -> Step:
    return Step("rate", 9, requests, 2.0, offered_per_second=50.0)


def figure(rows, step: int, metric: str, column: str = "value"):
    chosen = rows.filter((rows["step"] == step) & (rows["metric"] == metric))
    return chosen[column][0]


def test_a_step_tells_throughput_latency_errors_tokens_and_cost() -> None:
    step = rate_step(*served(80, latency=0.1), *refused(15), *refused(5, code="server_error"))
    rows = profile(step)
    assert figure(rows, 9, "served_per_second") == 40
    assert figure(rows, 9, "refused_share") == 0.15
    assert figure(rows, 9, "error_share:server_error") == 0.05
    assert figure(rows, 9, "total_input_tokens") == 8000
    assert figure(rows, 9, "total_cost_usd") == pytest.approx(0.08)
    assert figure(rows, 9, "latency_p95_seconds", "upper") == 0.1
    # 80 answers bound no 99th percentile from above
    assert figure(rows, 9, "latency_p99_seconds", "upper") is None
    assert figure(rows, 9, "told:retry-after") == 0.5


def test_what_only_drains_the_limiter_is_paid_for_and_in_no_share() -> None:
    opening = [
        SentRequest(0, 0, 0.1, "answered", cost_usd=0.001, opening=True),
        *refused(2, opening=True),
    ]
    rows = profile(rate_step(*opening, *served(50, latency=0.1)))
    assert figure(rows, 9, "refused_share") == 0
    assert figure(rows, 9, "opening_requests") == 3
    assert figure(rows, 9, "total_cost_usd") == pytest.approx(0.051)


def test_the_profile_reads_as_sentences_tables_and_a_chart() -> None:
    rows = profile(rate_step(*served(80, latency=0.1)))
    assert rows.schema == LOAD_PROFILE.schema
    said = " ".join(sentences(rows))
    assert "No rate limit was met" in said
    assert "exceeds 1.9 times its first from about 15.2 requests at once" in said
    assert step_table(rows).height == 7
    assert "concurrency" in advice_table(rows)["setting"].to_list()
    chart = load_chart(rows)
    assert chart.startswith("<svg")
    assert "p95 degrades 15.2" in chart
    assert load_chart(rows) == chart


def test_a_profile_that_ended_early_says_so() -> None:
    rows = profile(searched=Searched(complete=False))
    assert any("ended at its spending limit" in line for line in sentences(rows))


@pytest.mark.parametrize("steps", [{"ramp": (4, 2)}, {"ramp": (2, 2)}, {"ramp": ()}])
def test_steps_that_do_not_grow_are_no_profile(steps) -> None:
    with pytest.raises(ValueError, match=r"grow|needs a"):
        LoadSettings(**steps)
