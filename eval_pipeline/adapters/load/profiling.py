"""The course of a load profile: the ramp, then the rates, each step told as it ends."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from eval_pipeline.adapters.load.generator import LoadGenerator, OpenStep, StepSize
from eval_pipeline.adapters.load.sending import Sender
from eval_pipeline.adapters.model_calls.pools import open_shards, require_http2
from eval_pipeline.adapters.model_calls.transports import first_failure, run_to_end
from eval_pipeline.monitoring.load.bucket import fit_bucket
from eval_pipeline.monitoring.load.profile import Searched
from eval_pipeline.monitoring.load.rate_search import Probe, RateSearch
from eval_pipeline.monitoring.load.steps import Step, arrivals_of
from eval_pipeline.settings import LoadSettings

REST_SECONDS: Final = 1.0
"""Between ramp and rates, so that a small limiter has recovered."""

TIMES_BEST: Final = 4.0
RAMP_IS_OVER: Final = 0.5
"""A ramp ends with a step of which more than this share was refused."""


@dataclass(frozen=True)
class Profiled:
    """Every step of a profile, and how its search ended."""

    steps: tuple[Step, ...]
    searched: Searched


def run_profile(
    sender: Sender,
    load: LoadSettings,
    *,
    confidence: float,
    told: Callable[[str, int], None],
) -> Profiled:
    """Asks as `load` says; `told` hears before each step what it is and what was sent so far."""
    found: list[Profiled] = []

    async def work() -> None:
        try:
            found.append(await _profile(sender, load, confidence=confidence, told=told))
        except BaseExceptionGroup as failures:
            raise first_failure(failures) from None

    run_to_end(work)
    return found[0]


async def _profile(
    sender: Sender, load: LoadSettings, *, confidence: float, told: Callable[[str, int], None]
) -> Profiled:
    settings = sender.provider.settings
    if settings.http2:
        require_http2(sender.provider.name)
    most = max(load.maximum_in_flight, *load.ramp, 1)
    async with open_shards(
        sender.provider.url,
        concurrency=most,
        context=httpx.create_ssl_context(),
        http2=settings.http2,
        network=sender.provider.network,
    ) as pools:
        size = StepSize(
            requests=load.requests_per_step,
            seconds=load.seconds_per_step,
            least_seconds=load.least_seconds_per_rate,
            in_flight=load.maximum_in_flight,
        )
        generator = LoadGenerator(sender, list(pools), size)
        ramp = await _ramp(generator, load.ramp, told=told)
        rates = _Rates(generator, load, ramp, confidence, told)
        searched = await rates.run()
        await generator.finish()
        return Profiled((*ramp, *(step.so_far() for step in rates.made)), searched)


async def _ramp(
    generator: LoadGenerator, ramp: Sequence[int], *, told: Callable[[str, int], None]
) -> list[Step]:
    steps: list[Step] = []
    for concurrency in ramp:
        if generator.sender.budget.stopped or (steps and steps[-1].refused_share > RAMP_IS_OVER):
            break
        told(f"{concurrency} at once", generator.sender.sent)
        steps.append(await generator.closed(len(steps) + 1, concurrency=concurrency))
    return steps


@dataclass
class _Rates:
    """The open-loop part: given rates one after the other, or the search."""

    generator: LoadGenerator
    load: LoadSettings
    ramp: Sequence[Step]
    confidence: float
    told: Callable[[str, int], None]
    made: list[OpenStep] = field(default_factory=list)

    async def run(self) -> Searched:
        """Every probe, and how the search ended."""
        if not self.generator.sender.budget.stopped:
            await asyncio.sleep(REST_SECONDS)
        return await (self._given() if self.load.rates else self._search())

    async def _given(self) -> Searched:
        for rate in self.load.rates:
            if self.generator.sender.budget.stopped:
                break
            await self._make(Probe(rate, even=False, drain_per_second=None))
        steps = [step.so_far() for step in self.made]
        clean = [step.offered_per_second for step in steps if not step.limited and step.kept_up]
        met = [step.offered_per_second for step in steps if step.limited]
        return Searched(
            sustained=max((rate for rate in clean if rate is not None), default=None),
            refused=min((rate for rate in met if rate is not None), default=None),
            highest=max((step.probe.rate for step in self.made), default=None),
            kept_up=all(step.kept_up for step in steps),
            complete=not self.generator.sender.budget.stopped,
        )

    async def _search(self) -> Searched:
        best = max((step.served_per_second for step in self.ramp), default=0.0) or 1.0
        highest = self.load.highest_rate or TIMES_BEST * best
        search = RateSearch(min(best, highest), highest, self.load.rate_steps)
        guess = None
        while (probe := search.next(guess)) is not None:
            if self.generator.sender.budget.stopped:
                break
            step = await self._make(probe)
            search.tell(probe, step)
            guess = await asyncio.to_thread(self._guess)
        return Searched(
            sustained=search.sustained,
            refused=search.refused,
            highest=max((step.probe.rate for step in self.made), default=None),
            kept_up=search.kept_up,
            complete=not self.generator.sender.budget.stopped,
        )

    def _guess(self) -> float | None:
        steps = [*self.ramp, *(step.so_far() for step in self.made)]
        fit = fit_bucket(arrivals_of(steps), confidence=self.confidence)
        return None if fit is None else fit.rate

    async def _make(self, probe: Probe) -> Step:
        self.told(f"{probe.rate:.3g} a second", self.generator.sender.sent)
        made = await self.generator.open(len(self.ramp) + len(self.made) + 1, probe)
        self.made.append(made)
        return made.so_far()
