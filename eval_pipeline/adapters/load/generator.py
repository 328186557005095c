"""The two loops that make load: closed, so many workers; open, so many arrivals a second."""

import asyncio
import random
from dataclasses import dataclass, field, replace
from typing import Final

import httpcore

from eval_pipeline.adapters.load.sending import PENDING, Sender, pending_request
from eval_pipeline.errors import ProviderUnreachableError
from eval_pipeline.fingerprint import seed_for
from eval_pipeline.monitoring.load.rate_search import Probe
from eval_pipeline.monitoring.load.steps import SentRequest, Step

LIMITED_ENOUGH: Final = 20
"""A closed step ends once so many in a row were refused: its throughput is the limiter's then."""

DRAINED: Final = 2
GRACE_SECONDS: Final = 0.25
"""A refusal comes back at once: what is unanswered after so long has passed the limiter."""

LATE_SHARE: Final = 0.9


@dataclass(frozen=True)
class StepSize:
    """When a step ends: after so many requests or so many seconds, whatever comes first."""

    requests: int
    seconds: float
    least_seconds: float
    in_flight: int


@dataclass
class _Sent:
    """The requests of a step as they come back; one that is under way is pending."""

    requests: list[SentRequest] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class LoadGenerator:
    """Makes steps over a provider's connections; `pools` are one for each request at once."""

    sender: Sender
    pools: list[httpcore.AsyncConnectionPool]
    size: StepSize
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _under_way: int = 0
    _failure: BaseException | None = None

    async def closed(self, number: int, *, concurrency: int) -> Step:
        """`concurrency` workers, each sending as soon as its last request came back."""
        sent, began = _Sent(), self.sender.now()
        until = began + self.size.seconds
        async with asyncio.TaskGroup() as workers:
            for pool in self.pools[:concurrency]:
                workers.create_task(self._work(sent, pool, until=until))
        step = Step(
            phase="concurrency",
            number=number,
            requests=tuple(sent.requests),
            seconds=self.sender.now() - began,
            concurrency=concurrency,
        )
        self._refuse_silence()
        return step

    async def _work(self, sent: _Sent, pool: httpcore.AsyncConnectionPool, *, until: float) -> None:
        # Counted when sent: workers together must not pass the step's number.
        while len(sent.requests) < self.size.requests and self.sender.now() < until:
            last = sent.requests[-LIMITED_ENOUGH:]
            if len(last) == LIMITED_ENOUGH and all(request.refused for request in last):
                return
            prepared = self.sender.next()
            if prepared is None:
                return
            now, place = self.sender.now(), len(sent.requests)
            sent.requests.append(pending_request(due_at=now, sent_at=now))
            sent.requests[place] = await self.sender.send(prepared, pool, due_at=now)

    async def open(self, number: int, probe: Probe) -> "OpenStep":
        """Arrivals at the probe's rate, whatever comes back.

        Returns soon after the last was sent; what is under way then goes on, so that the limiter
        does not recover between two steps.
        """
        step = OpenStep(number, probe)
        await self._drain(step)
        began = self.sender.now()
        count = max(self.size.requests, round(self.size.least_seconds * probe.rate))
        due = began
        gaps = random.Random(seed_for("load-arrivals", str(number)))  # noqa: S311 - no secret
        while len(step.sent.requests) - step.opening < count:
            due += 1 / probe.rate if probe.even else gaps.expovariate(probe.rate)
            if due - began > self.size.seconds or not await self._start(step, due):
                break
        step.sent.seconds = self.sender.now() - began
        asked = len(step.sent.requests) - step.opening
        meant = max(due - began, 1 / probe.rate)
        if step.sent.seconds * LATE_SHARE > meant and asked:
            step.kept_up = False
        await asyncio.sleep(GRACE_SECONDS)
        self._refuse_silence()
        return step

    async def finish(self) -> None:
        """Waits for what is under way; each request has a timeout of its own."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        self._refuse_silence()

    async def _drain(self, step: "OpenStep") -> None:
        """Asks fast until the limiter refuses: what it saved up must not carry the step."""
        rate = step.probe.drain_per_second
        due = self.sender.now()
        gaps = random.Random(seed_for("load-drain", str(step.number)))  # noqa: S311 - no secret
        while rate is not None and len(step.sent.requests) < self.size.requests:
            refused = sum(request.refused for request in step.sent.requests)
            due += gaps.expovariate(rate)
            if refused >= DRAINED or not await self._start(step, due):
                break
        step.opening = len(step.sent.requests)

    async def _start(self, step: "OpenStep", due: float) -> bool:
        """Sends one request when it is due, without waiting for it; False ends the step."""
        wait = due - self.sender.now()
        if wait > 0:
            await asyncio.sleep(wait)
        if self._failure is not None:
            raise self._failure
        if self._under_way >= self.size.in_flight or not self.pools:
            step.kept_up = False
            return False
        prepared = self.sender.next()
        if prepared is None:
            return False
        place = len(step.sent.requests)
        step.sent.requests.append(pending_request(due_at=due, sent_at=self.sender.now()))

        # Taken before the task runs: a loop that was held up starts many at once.
        pool = self.pools.pop()
        self._under_way += 1

        async def ask() -> None:
            try:
                step.sent.requests[place] = await self.sender.send(prepared, pool, due_at=due)
            except Exception as error:  # noqa: BLE001 - raised by whoever waits next
                self._failure = self._failure or error
            finally:
                self._under_way -= 1
                self.pools.append(pool)

        task = asyncio.create_task(ask())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    def _refuse_silence(self) -> None:
        if self._failure is not None:
            raise self._failure
        sender = self.sender
        if sender.sent and not sender.heard and not self._under_way:
            raise ProviderUnreachableError(
                sender.provider.name, sender.provider.address, sender.last_problem or "no answer"
            )


@dataclass
class OpenStep:
    """A step of an open loop, of which answers may still be on their way."""

    number: int
    probe: Probe
    sent: _Sent = field(default_factory=_Sent)
    opening: int = 0
    kept_up: bool = True

    def so_far(self) -> Step:
        """The step as it stands; what is pending counts as not refused."""
        requests = (
            replace(request, opening=place < self.opening)
            for place, request in enumerate(self.sent.requests)
        )
        return Step(
            phase="rate",
            number=self.number,
            requests=tuple(requests),
            seconds=self.sent.seconds,
            offered_per_second=self.probe.rate,
            even=self.probe.even,
            kept_up=self.kept_up,
        )

    @property
    def pending(self) -> int:
        """Requests without an answer yet."""
        return sum(request.status == PENDING for request in self.sent.requests)
