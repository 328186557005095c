"""Beside the customer's path: the candidate asked, both answers masked, pairs written."""

import asyncio
import contextlib
import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from eval_pipeline.adapters.mirroring.forwarding import Asker
from eval_pipeline.adapters.mirroring.segments import Segments
from eval_pipeline.mirror.asking import CandidateRequest, Observed, Observing
from eval_pipeline.mirror.budget import Budget
from eval_pipeline.mirror.masking import MaskedTexts, MaskingProcess, RawTexts
from eval_pipeline.mirror.passing import Passed, Passing
from eval_pipeline.settings import ShadowSettings

STOPPING_SECONDS: Final = 5.0
MOST_UNWRITTEN: Final = 4_096
"""Rows kept while the lake cannot be written; what comes beyond is dropped and counted."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Pair:
    passed: Passed
    asked: CandidateRequest
    arms: tuple[Observed, Observed] = field(repr=False)


class Mirror:
    """Bounded queues with workers behind them. `offer` returns at once and never raises."""

    def __init__(
        self,
        observing: Observing,
        *,
        settings: ShadowSettings,
        asker: Asker,
        masking: MaskingProcess,
        segments: Segments,
        budget: Budget,
        clock: Callable[[], dt.datetime],
        erased: Callable[[], frozenset[str]],
    ) -> None:
        self.fates: Counter[str] = Counter()
        self._observing = observing
        self._settings = settings
        self._asker = asker
        self._masking = masking
        self._segments = segments
        self._budget = budget
        self._clock = clock
        self._read_erased = erased
        self._erased: frozenset[str] = frozenset()
        self._to_ask: asyncio.Queue[Passed] = asyncio.Queue(settings.maximum_waiting)
        self._to_mask: asyncio.Queue[_Pair] = asyncio.Queue(settings.maximum_waiting)
        self._unwritten: list[tuple[str | None, list[dict[str, Any]]]] = []
        self._number = 0
        self._under_way = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Requests that have been offered and have no fate yet."""
        return self._under_way

    async def start(self) -> None:
        """Starts the workers in the running loop; returns once masking has its models.

        Before the first customer: loading them takes seconds of a processor.
        """
        await self._masking.start()
        work: list[Coroutine[Any, Any, None]] = [
            self._ask_all() for _ in range(self._settings.maximum_in_flight)
        ]
        work.append(self._mask_all())
        self._tasks = [asyncio.create_task(each) for each in work]
        self._flushing = asyncio.create_task(self._flush_all())

    async def stop(self) -> None:
        """Gives what is under way a few seconds, writes what there is, counts the rest."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOPPING_SECONDS):
                while self._under_way > len(self._unwritten):  # noqa: ASYNC110 - seconds at most
                    await asyncio.sleep(0.02)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        # A write that is under way is waited for: cancelled, it would go on and be done twice.
        self._stopping.set()
        if self._flushing is not None:
            await self._flushing
        self._count("stopped", max(0, self._under_way - len(self._unwritten)))
        await self.flush()
        self._masking.close()
        await self._asker.close()

    def counted(self, fate: str) -> None:
        """Counts a request that was not offered."""
        self.fates[fate] += 1

    def refuses(self, passing: Passing) -> bool:
        """Whether the request is of somebody who was erased."""
        return passing.suppressed_as is not None and passing.suppressed_as in self._erased

    def offer(self, passed: Passed) -> None:
        """Takes a request to be mirrored, or drops and counts it where there is no room."""
        try:
            self._to_ask.put_nowait(passed)
        except asyncio.QueueFull:
            self.fates["queue_full"] += 1
            return
        self._under_way += 1

    def _count(self, fate: str, requests: int = 1) -> None:
        if requests:
            self.fates[fate] += requests
        self._under_way -= requests

    async def _ask_all(self) -> None:
        while True:
            passed = await self._to_ask.get()
            try:
                fate = await self._ask(passed)
            except Exception as error:  # noqa: BLE001 - its words may quote the text
                _log.warning("A request could not be mirrored (%s).", type(error).__name__)
                fate = "not_mirrorable"
            if fate is not None:
                self._count(fate)

    async def _ask(self, passed: Passed) -> str | None:
        """Asks the candidate; the fate of a request that goes no further, else None."""
        asked = self._observing.candidate_request(passed.request)
        if asked is None:
            return "not_mirrorable"
        baseline = self._observing.baseline_reply(passed, now=self._clock())
        if baseline is None:
            return "unreadable"
        expected = self._budget.expected(passed.request, characters=len(asked.body))
        if not self._budget.admits(expected):
            return "budget_spent"
        cost: float | None = None
        try:
            received = await self._asker.ask(asked.url, asked.body)
            candidate = self._observing.candidate_reply(received, now=self._clock())
            cost = candidate.cost_usd
        finally:
            self._budget.pay(expected, cost)
        try:
            self._to_mask.put_nowait(_Pair(passed, asked, (baseline, candidate)))
        except asyncio.QueueFull:
            return "queue_full"
        return None

    async def _mask_all(self) -> None:
        while True:
            pair = await self._to_mask.get()
            passing = pair.passed.passing
            said = [message.content for message in pair.asked.stored]
            answers = [arm.text for arm in pair.arms if arm.text is not None]
            raw = RawTexts((*said, *answers), passing.route, passing.identity)
            masked = await self._masking.mask(raw)
            if masked is None:
                self._count("masking_failed")
            elif masked.residual:
                self._count("residual_text")
            elif len(self._unwritten) >= MOST_UNWRITTEN:
                self._count("queue_full")
            else:
                self._unwritten.append((passing.suppressed_as, self._rows(pair, masked)))

    def _rows(self, pair: _Pair, masked: MaskedTexts) -> list[dict[str, Any]]:
        self._number += 1
        texts = iter(masked.texts)
        messages = [{"role": message.role, "content": next(texts)} for message in pair.asked.stored]
        passed = pair.passed
        shared = {
            "pair_id": f"{self._segments.name}-{self._number:08d}",
            "candidate_id": self._observing.candidate_id,
            "occurred_at": passed.occurred_at,
            "conversation_key": passed.passing.conversation_key,
            "user_key": passed.passing.user_key,
            "route": passed.passing.route,
            "prompt_use": pair.asked.prompt_use,
            "streamed": bool(passed.request.get("stream")),
            "inclusion_probability": self._settings.share,
            "anonymiser_fingerprint": masked.fingerprint,
        }
        return [
            {
                **shared,
                **arm.columns,
                "arm": name,
                "system_id": system_id,
                "messages": messages if name == "baseline" else None,
                "response": None if arm.text is None else next(texts),
            }
            for (name, system_id), arm in zip(self._observing.arms, pair.arms, strict=True)
        ]

    async def _flush_all(self) -> None:
        while not self._stopping.is_set():
            await self.flush()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._settings.flush_seconds)

    async def flush(self) -> None:
        """Writes what is masked as one segment, without whoever was erased meanwhile; counts."""
        try:
            self._erased = await asyncio.to_thread(self._read_erased)
            taken, self._unwritten = self._unwritten, []
            kept = [pair for person, pair in taken if person not in self._erased]
            rows = [row for pair in kept for row in pair]
            try:
                await asyncio.to_thread(self._segments.append, rows)
            except Exception:
                self._unwritten = [*taken, *self._unwritten]
                raise
            self._count("suppressed", len(taken) - len(kept))
            self._count("recorded", len(kept))
            await asyncio.to_thread(self._segments.count, dict(self.fates), until=self._clock())
        except Exception as error:  # noqa: BLE001 - customers are served all the same
            _log.warning("Pairs could not be written (%s); tried again.", type(error).__name__)
