"""What an unclear end is, in one place: the fault suite asks it after every fault.

A fault that can be foreseen ends a command with one sentence of `eval_pipeline.errors`. A
traceback in what the command said is unclear, and so is a failed run in Dagster whose step raised
anything else.
"""

import contextlib
import inspect
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import dagster as dg

from eval_pipeline import errors
from eval_pipeline.errors import EvalPipelineError
from tests.scenario import World

TRACEBACK: Final = "Traceback (most recent call last)"
OURS: Final = {
    name
    for name, found in inspect.getmembers(errors, inspect.isclass)
    if issubclass(found, EvalPipelineError)
}


def unclear(world: World, *said: Path) -> list[str]:
    """Every traceback in these files, and every failed run whose error is not one of ours."""
    texts = {file: file.read_text(encoding="utf-8", errors="replace") for file in said}
    return [
        *(f"{file.name}: {text[-1500:]}" for file, text in texts.items() if TRACEBACK in text),
        *(f"a run failed by {name}" for name in _failures(world) if name not in OURS),
    ]


def _failures(world: World) -> Iterator[str]:
    """The class of the innermost error of each failed run."""
    with world.entered():
        if not _failed_runs(world):
            return
        with dg.DagsterInstance.get() as instance:
            for run_id in _failed_runs(world):
                entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
                events = [one.dagster_event for one in entries if one.dagster_event is not None]
                yield from (_innermost(event) for event in events)
                if not events:
                    yield "no step"


def _failed_runs(world: World) -> list[str]:
    file = world.home / "history" / "runs.db"
    if not file.exists():
        return []
    with contextlib.closing(sqlite3.connect(file, timeout=30)) as connection:
        query = "SELECT run_id FROM runs WHERE status = 'FAILURE'"
        return [row[0] for row in connection.execute(query)]


def _innermost(event: dg.DagsterEvent) -> str:
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return (error.cls_name if error is not None else None) or "nothing"
