"""The command line of the demo's provider, and which models it loads."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eval_pipeline.demo.judge_models import JUDGE_MODELS
from eval_pipeline.demo.load_limits import LoadLimits, TokenBucket
from eval_pipeline.demo.models import ChatModel
from eval_pipeline.demo.pharmacy_models import FIRST_WEEK, PHARMACY_MODELS
from eval_pipeline.demo.replay import load_replay
from eval_pipeline.demo.trouble import Trouble


@dataclass(frozen=True)
class ServerOptions:
    """What the provider is started with; `parent` is the process whose end ends it too."""

    port: int
    models: str
    replay: Path | None
    announce: Path | None
    epoch: str
    key: str | None
    parent: int | None
    trouble: Trouble
    limits: LoadLimits


def read_options(arguments: Sequence[str] | None = None) -> ServerOptions:
    """Options from the command line; exits with its usage if it cannot be read."""
    parser = argparse.ArgumentParser(prog="eval_pipeline.demo.server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--models", choices=("pharmacy", "none"), default="pharmacy")
    parser.add_argument("--replay", type=Path, help="a replay.yaml of recorded models")
    parser.add_argument("--announce", type=Path, help="written once the server listens")
    parser.add_argument("--epoch", default=FIRST_WEEK.isoformat(), help="the provider's now")
    parser.add_argument("--key", help="demand this bearer token")
    parser.add_argument("--parent", type=int, help="stop when this parent process is gone")
    weather = Trouble()
    parser.add_argument(
        "--latency-median-seconds", type=float, default=weather.latency_median_seconds
    )
    parser.add_argument("--rate-limited-share", type=float, default=weather.rate_limited_share)
    parser.add_argument("--failed-share", type=float, default=weather.failed_share)
    parser.add_argument(
        "--requests-per-second", type=_positive, help="refuse with 429 what comes faster"
    )
    parser.add_argument(
        "--burst", type=_positive, default=1.0, help="requests that may come at once before that"
    )
    parser.add_argument(
        "--capacity", type=int, help="answers worked on at once; the others wait their turn"
    )
    read = parser.parse_args(arguments)
    if read.burst < 1 or (read.capacity is not None and read.capacity < 1):
        parser.error("--burst and --capacity are 1 at least")
    limited = read.requests_per_second is not None
    return ServerOptions(
        port=read.port,
        models=read.models,
        replay=read.replay,
        announce=read.announce,
        epoch=read.epoch,
        key=read.key,
        parent=read.parent,
        trouble=Trouble(read.latency_median_seconds, read.rate_limited_share, read.failed_share),
        limits=LoadLimits(
            TokenBucket(read.requests_per_second, read.burst) if limited else None, read.capacity
        ),
    )


def _positive(value: str) -> float:
    number = float(value)
    if not number > 0:
        raise argparse.ArgumentTypeError(f"{value} is not above zero")
    return number


def load_models(options: ServerOptions) -> dict[str, ChatModel]:
    """The models to serve; a recorded model replaces a scripted one of the same name."""
    models: dict[str, ChatModel] = {}
    if options.models == "pharmacy":
        models |= {**PHARMACY_MODELS, **JUDGE_MODELS}
    if options.replay is not None:
        models |= load_replay(options.replay)
    return models
