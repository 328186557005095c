"""In which order calls are handed out, and how many may wait."""

import asyncio
from collections.abc import Iterator

from eval_pipeline.adapters.model_calls.journal import CallKey
from eval_pipeline.adapters.model_calls.line import Asked, Line
from eval_pipeline.ports import Message, ModelCall, ModelSpec

SPEC = ModelSpec("acme", "chat")


class Planned:
    """So many calls, each there at once."""

    waiting = False

    def __init__(self, count: int) -> None:
        self.left = _calls(count)

    async def __anext__(self) -> tuple[CallKey, ModelCall]:
        for each in self.left:
            return each
        raise StopAsyncIteration


def _calls(count: int) -> Iterator[tuple[CallKey, ModelCall]]:
    for number in range(count):
        name = f"item-{number}"
        key = CallKey("2026-11-16", "assistant", name, 1, "f" * 32)
        yield key, ModelCall("2026-11-16", "assistant", name, SPEC, (Message("user", name),))


def name_of(asked: Asked | None) -> str | None:
    return None if asked is None else asked.key.item_id


def test_what_waits_comes_after_what_is_fresh_and_before_it_once_it_is_due() -> None:
    async def order() -> list[str | None]:
        line = Line(Planned(3), most_waiting=10)
        first, second = await line.next(), await line.next()
        assert first is not None
        assert second is not None
        line.later(first, 0.05)
        line.later(second, 0.0)
        return [name_of(await line.next()) for _ in range(4)]

    assert asyncio.run(order()) == ["item-1", "item-2", "item-0", None]


def test_while_many_wait_nothing_fresh_is_begun() -> None:
    async def order() -> list[str | None]:
        line = Line(Planned(5), most_waiting=2)
        for _ in range(2):
            asked = await line.next()
            assert asked is not None
            line.later(asked, 0.02)
        return [name_of(await line.next()) for _ in range(4)]

    assert asyncio.run(order()) == ["item-0", "item-1", "item-2", "item-3"]


def test_calls_are_taken_from_their_source_one_by_one() -> None:
    async def left() -> int:
        source = Planned(100)
        line = Line(source, most_waiting=10)
        for _ in range(3):
            await line.next()
        return sum(1 for _ in source.left)

    assert asyncio.run(left()) == 97


def test_a_calls_time_starts_with_its_first_attempt() -> None:
    asked = Asked(*next(_calls(1)))
    # At 100 of the clock it has 30 seconds; at 112 there are 18 left.
    assert asked.seconds_left(100.0, of=30.0) == 30.0
    assert asked.seconds_left(112.0, of=30.0) == 18.0
