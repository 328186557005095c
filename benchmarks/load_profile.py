"""Whether a load profile finds what was planted: rate limits of a provider, and its capacity.

    python benchmarks/load_profile.py [--rates 20 50 120] [--bursts 1 20] [--capacities 4 8]
        [--rounds 3] [--only limits knees]

The demo's provider, in a process of its own on loopback, refuses what comes faster than a bucket of
tokens allows, or answers so many requests at once and lets the others wait. Each is profiled as
`eval-pipeline load` does it, journal on. A limit is found if the figure lies within 10 % of the
planted one; a knee, of which the ramp's steps are a factor of two apart, within 25 %. Exits with 1
where one is missed.
"""

import argparse
import datetime as dt
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eval_pipeline.adapters.load.budget import LoadBudget
from eval_pipeline.adapters.load.profiling import Profiled, run_profile
from eval_pipeline.adapters.load.sending import Sender
from eval_pipeline.adapters.model_calls.attempt_writer import AttemptWriter
from eval_pipeline.adapters.model_calls.call_figures import usual_tokens
from eval_pipeline.adapters.model_calls.call_plans import Expectations
from eval_pipeline.adapters.model_calls.journal import CallJournal
from eval_pipeline.adapters.model_calls.spending import Purse
from eval_pipeline.adapters.providers import ChatProvider
from eval_pipeline.adapters.store import Store
from eval_pipeline.demo.draws import stream
from eval_pipeline.demo.provider_process import ProviderProcess
from eval_pipeline.demo.questions import compose
from eval_pipeline.monitoring.load.degradation import degradation
from eval_pipeline.monitoring.load.limit import rate_limit
from eval_pipeline.ports import Message, ModelCall, ModelSpec
from eval_pipeline.settings import LoadSettings, ProviderSettings, SpendingLimit

LIMIT_BAR: Final = 0.10
KNEE_BAR: Final = 0.25
CONFIDENCE: Final = 0.95
SCOPE: Final = "load:benchmark"
CALM: Final = ("--rate-limited-share", "0", "--failed-share", "0")


@dataclass(frozen=True)
class Found:
    """One profile beside what was planted."""

    planted: str
    truth: float
    value: float | None
    lower: float | None
    upper: float | None
    note: str
    requests: int
    seconds: float
    bar: float

    @property
    def error(self) -> float | None:
        """Of the planted figure."""
        return None if self.value is None else self.value / self.truth - 1

    @property
    def held(self) -> bool:
        """Whether the figure keeps its bar."""
        return self.error is not None and abs(self.error) <= self.bar


def main() -> int:
    """Runs the benchmark; 0 if every planted figure is found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rates", type=float, nargs="+", default=[20, 50, 120])
    parser.add_argument("--bursts", type=int, nargs="+", default=[1, 20])
    parser.add_argument("--capacities", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--only", choices=("limits", "knees"), nargs="+", default=["limits", "knees"]
    )
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| planted | found | interval | error | note | requests | seconds |")
    print("|---|---|---|---|---|---|---|")
    missed = 0
    for found in _all(options):
        missed += not found.held
        error = "-" if found.error is None else f"{100 * found.error:+.1f} %"
        print(
            f"| {found.planted} | {_shown(found.value)} | {_shown(found.lower)} to "
            f"{_shown(found.upper)} | {error} | {found.note} | {found.requests:,} | "
            f"{found.seconds:.0f} |",
            flush=True,
        )
    print(f"\n{missed} beyond the bar.")
    return int(missed > 0)


def _all(options: argparse.Namespace) -> Iterator[Found]:
    for _ in range(options.rounds):
        if "limits" in options.only:
            for rate in options.rates:
                for burst in options.bursts:
                    yield planted_limit(rate, burst)
        if "knees" in options.only:
            for capacity in options.capacities:
                yield planted_capacity(capacity)


def planted_limit(rate: float, burst: int, *, load: LoadSettings | None = None) -> Found:
    """The limit that is found where one is planted; answers take 50 ms in the middle."""
    began = time.monotonic()
    arguments = ("--requests-per-second", str(rate), "--burst", str(burst))
    profiled = profile(arguments, load or LoadSettings(ramp=(1, 4, 16)), median_seconds=0.05)
    limit = rate_limit(profiled.steps, confidence=CONFIDENCE)
    burst_found = "-" if limit.burst.value is None else f"{limit.burst.value:.0f}"
    return Found(
        planted=f"{rate:g} a second, burst {burst}",
        truth=rate,
        value=limit.per_second,
        lower=limit.lower,
        upper=limit.upper,
        note=f"{limit.kind}, burst {burst_found}",
        requests=_requests(profiled),
        seconds=time.monotonic() - began,
        bar=LIMIT_BAR,
    )


def planted_capacity(capacity: int) -> Found:
    """The knee that is found where so many answers are worked on at once."""
    began = time.monotonic()
    load = LoadSettings(ramp=(1, 2, 4, 8, 16, 32), rate_steps=3)
    profiled = profile(("--capacity", str(capacity)), load, median_seconds=0.1)
    found = degradation(profiled.steps, ratio=2.0, confidence=CONFIDENCE)
    beyond = "-" if found.at is None else f"{found.at:.1f}"
    return Found(
        planted=f"{capacity} at once",
        truth=capacity,
        value=found.knee,
        lower=None,
        upper=None,
        note=f"p95 doubles at {beyond}",
        requests=_requests(profiled),
        seconds=time.monotonic() - began,
        bar=KNEE_BAR,
    )


def profile(
    arguments: Sequence[str],
    load: LoadSettings,
    *,
    median_seconds: float,
    limit: SpendingLimit | None = None,
    store: Store | None = None,
) -> Profiled:
    """A profile of a provider that was started for it, with a journal of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="load-profile-") as folder,
        ProviderProcess(
            latency_median_seconds=median_seconds, arguments=(*CALM, *arguments)
        ) as process,
    ):
        own = store or Store.open(f"sqlite:///{Path(folder) / 'store.sqlite'}")
        try:
            return profile_at(own, process.base_url, load, limit=limit or SpendingLimit(calls=5000))
        finally:
            if store is None:
                own.close()


def profile_at(
    store: Store, base_url: str, load: LoadSettings, *, limit: SpendingLimit
) -> Profiled:
    journal = CallJournal(store.engine)
    expectations = Expectations(lambda name: usual_tokens(store.engine, name))
    budget = LoadBudget(Purse(SCOPE, limit), expectations)
    with AttemptWriter(
        journal, redact=lambda texts: [text for text, _ in texts], told=budget.pay
    ) as writer:
        sender = Sender(
            provider=ChatProvider(
                "demo", ProviderSettings(base_url=base_url), secret=lambda name: name
            ),
            calls=_calls(),
            writer=writer,
            budget=budget,
            clock=lambda: dt.datetime.now(tz=dt.UTC),
        )
        return run_profile(sender, load, confidence=CONFIDENCE, told=lambda _step, _sent: None)


def _calls() -> list[ModelCall]:
    spec = ModelSpec(
        "demo", "pharma-large", usd_per_million_input_tokens=2.5, usd_per_million_output_tokens=10.0
    )
    draws = stream("benchmark-load")
    return [
        ModelCall(
            SCOPE, "assistant", f"i{number:03d}", spec,
            (Message("user", compose("refunds", draws=draws)),),
        )
        for number in range(200)
    ]  # fmt: skip


def _requests(profiled: Profiled) -> int:
    return sum(len(step.requests) for step in profiled.steps)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


if __name__ == "__main__":
    sys.exit(main())
