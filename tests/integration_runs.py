"""Runs of model calls in this process against a counting server."""

import datetime as dt
from typing import Any

from eval_pipeline.adapters.model_calls.journal import CallJournal
from eval_pipeline.adapters.model_calls.runner import HttpModelRunner
from eval_pipeline.adapters.store import Store
from eval_pipeline.ports import CallOutcome, Message, ModelCall, ModelSpec
from eval_pipeline.settings import ProviderSettings
from tests.counting_server import CountingServer

SCOPE = "refresh:2026-11-16"
SPEC = ModelSpec("acme", "chat", (), 1.0, 2.0)


def calls(count: int) -> list[ModelCall]:
    prompts = [f"question {number:04d}" for number in range(count)]
    return [ModelCall(SCOPE, "assistant", one, SPEC, (Message("user", one),)) for one in prompts]


def run_here(store: Store, server: CountingServer, count: int, **options: Any) -> list[CallOutcome]:
    settings = {"concurrency": 8, "maximum_wait_seconds": 0.05, **options.pop("settings", {})}
    runner = HttpModelRunner(
        {"acme": ProviderSettings(base_url=f"http://127.0.0.1:{server.port}/v1", **settings)},
        journal=CallJournal(store.engine),
        redact=lambda texts: [text for text, _ in texts],
        secret=str,
        clock=lambda: dt.datetime.now(dt.UTC),
        **options,
    )
    return runner.run(calls(count), purpose="a test")
