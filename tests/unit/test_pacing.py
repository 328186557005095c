"""When a provider is asked again, how much at once, and when it is given up."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.adapters.model_calls.journal import CallKey
from eval_pipeline.adapters.model_calls.pacing import MOMENT_SECONDS, Pace, Silence, backoff_seconds
from eval_pipeline.adapters.model_calls.transports import NoReply

KEY = CallKey("2026-11-16", "assistant", "item-1", 1, "f" * 32)
REFUSED = NoReply("connection", "refused", 0.0, connected=False)


def hung(seconds: float) -> NoReply:
    return NoReply("timeout", "no answer", seconds)


@settings(deadline=None)
@given(turn=st.integers(1, 5000), attempt=st.integers(1, 5000))
def test_a_wait_lies_between_half_its_span_and_all_of_it(turn: int, attempt: int) -> None:
    # 0.5, 1, 2, 4 ... seconds, at most 60
    span = min(60.0, 0.5 * 2 ** min(turn - 1, 20))
    wait = backoff_seconds(KEY, attempt, turn=turn, cap=60.0)
    assert span / 2 <= wait <= span


def test_a_wait_is_fixed_by_the_call_and_differs_between_calls() -> None:
    waits = {
        backoff_seconds(replace(KEY, item_id=f"item-{number}"), 1, turn=1, cap=60.0)
        for number in range(100)
    }
    assert len(waits) == 100
    assert backoff_seconds(KEY, 1, turn=1, cap=60.0) in waits


def test_no_more_than_the_limit_have_a_slot_and_all_get_one() -> None:
    async def most() -> tuple[int, int]:
        pace = Pace(3)
        inside = [0, 0, 0]

        async def one() -> None:
            async with pace.slot():
                inside[0] += 1
                inside[1] = max(inside[1], inside[0])
                await asyncio.sleep(0.001)
                inside[0] -= 1
                inside[2] += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(one())
        return inside[1], inside[2]

    assert asyncio.run(most()) == (3, 50)


def test_a_hold_keeps_everyone_back_and_a_shorter_one_does_not_end_it() -> None:
    async def waited() -> float:
        pace, loop = Pace(4), asyncio.get_running_loop()
        started = loop.time()
        pace.hold(0.2)
        pace.hold(0.01)
        async with pace.slot():
            return loop.time() - started

    assert asyncio.run(waited()) >= 0.2


def test_a_429_that_asks_for_a_wait_holds_everyone_for_it() -> None:
    async def waited() -> float:
        pace, loop = Pace(4), asyncio.get_running_loop()
        started = loop.time()
        pace.refused(sent_at=started, wait_seconds=0.3)
        async with pace.slot():
            return loop.time() - started

    assert asyncio.run(waited()) >= 0.3


def test_a_429_that_asks_for_nothing_holds_the_others_for_a_moment_only() -> None:
    async def waited() -> float:
        pace, loop = Pace(4), asyncio.get_running_loop()
        started = loop.time()
        pace.refused(sent_at=started, wait_seconds=None)
        async with pace.slot():
            return loop.time() - started

    assert MOMENT_SECONDS <= asyncio.run(waited()) < 20 * MOMENT_SECONDS


def given_up(*replies: NoReply | None, last_attempt: bool = False) -> bool:
    """Whether a provider is given up after these; None is an HTTP reply."""

    async def listen() -> bool:
        silence = Silence(patience_attempts=6, patience_seconds=10.0)
        for reply in replies:
            if reply is None:
                silence.heard()
            else:
                silence.unheard(reply)
        return silence.is_final(last_attempt=last_attempt)

    return asyncio.run(listen())


LATE_REFUSAL = replace(REFUSED, latency_seconds=3.0)


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([REFUSED] * 50, False),
        ([LATE_REFUSAL] * 3, False),
        ([LATE_REFUSAL] * 4, True),
        ([None, *[LATE_REFUSAL] * 4], False),
        ([None, *[replace(REFUSED, latency_seconds=11.0)] * 6], True),
        ([hung(11.0)] * 5, False),
        ([hung(11.0)] * 6, True),
        ([*[hung(11.0)] * 5, None, hung(11.0)], False),
    ],
)
def test_a_provider_is_given_up_only_after_a_lasting_silence(
    replies: list[NoReply | None], *, expected: bool
) -> None:
    assert given_up(*replies) is expected


def test_a_last_attempt_ends_it_only_if_nobody_was_ever_there() -> None:
    assert given_up(REFUSED, last_attempt=True)
    assert not given_up(hung(0.1), REFUSED, last_attempt=True)
