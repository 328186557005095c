"""How long a reply's rate-limit headers say that nothing is worth sending."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.adapters.model_calls.limits import seconds_until_room

NOW = dt.datetime(2026, 11, 16, 12, tzinfo=dt.UTC)


def room(tokens: int = 1, **headers: str) -> float:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return seconds_until_room(named, now=NOW, tokens=tokens)


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("120ms", 0.12),
        ("1h2m3.5s", 3723.5),
        ("7", 7.0),
        ("2026-11-16T12:00:09Z", 9.0),
        ("2026-11-16T13:00:09+01:00", 9.0),
        ("2026-11-16T11:59:00Z", 0.0),
        # 2026-11-16 12:00 UTC is 1794830400
        ("1794830405", 5.0),
        ("1794830405000", 5.0),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
def test_a_reset_is_read_in_every_spelling(reset: str, seconds: float) -> None:
    found = room(x_ratelimit_remaining_requests="0", x_ratelimit_reset_requests=reset)
    assert found == pytest.approx(seconds)


@pytest.mark.parametrize(
    "headers",
    [
        {"x_ratelimit_remaining": "0", "x_ratelimit_reset": "5"},
        {"x_ratelimit_remaining_tokens": "0", "x_ratelimit_reset_tokens": "5s"},
        {
            "anthropic_ratelimit_requests_remaining": "0",
            "anthropic_ratelimit_requests_reset": "2026-11-16T12:00:05Z",
        },
        {
            "anthropic_ratelimit_output_tokens_remaining": "0",
            "anthropic_ratelimit_output_tokens_reset": "2026-11-16T12:00:05Z",
        },
        {"ratelimit_remaining": "0", "ratelimit_reset": "5"},
        {"ratelimit": "limit=100, remaining=0, reset=5"},
        {"ratelimit": '"burst";r=9;t=60, "daily";r=0;t=5'},
    ],
)
def test_an_exhausted_limit_is_known_from_every_dialect(headers: dict[str, str]) -> None:
    assert room(**headers) == pytest.approx(5.0)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x_ratelimit_remaining_requests": "1", "x_ratelimit_reset_requests": "60s"},
        {"x_ratelimit_remaining_requests": "0"},
        {"x_ratelimit_remaining_requests": "none", "x_ratelimit_reset_requests": "60s"},
        {"ratelimit": "limit=100, remaining=3, reset=5"},
        {"ratelimit": "garbage"},
    ],
)
def test_where_there_is_room_or_nothing_usable_nobody_waits(headers: dict[str, str]) -> None:
    assert room(**headers) == 0


def test_of_several_exhausted_limits_the_longest_counts() -> None:
    found = room(
        x_ratelimit_remaining_requests="0",
        x_ratelimit_reset_requests="2s",
        x_ratelimit_remaining_tokens="0",
        x_ratelimit_reset_tokens="90s",
    )
    assert found == 90.0


def test_fewer_tokens_than_a_call_takes_are_no_room() -> None:
    left = {"x_ratelimit_remaining_tokens": "300", "x_ratelimit_reset_tokens": "8s"}
    assert room(tokens=301, **left) == 8.0
    assert room(tokens=300, **left) == 0.0


@given(
    hours=st.integers(0, 30),
    minutes=st.integers(0, 59),
    seconds=st.integers(0, 59),
    milliseconds=st.integers(0, 999),
)
def test_a_duration_is_the_sum_of_its_parts(
    hours: int, minutes: int, seconds: int, milliseconds: int
) -> None:
    found = room(
        x_ratelimit_remaining_requests="0",
        x_ratelimit_reset_requests=f"{hours}h{minutes}m{seconds}s{milliseconds}ms",
    )
    whole = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)
    assert found == pytest.approx(whole.total_seconds())


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_header_breaks_it(remaining: str, reset: str) -> None:
    found = room(x_ratelimit_remaining=remaining, x_ratelimit_reset=reset, ratelimit=reset)
    assert found >= 0
