"""How far masking has come: a bar where a person watches, a line now and then in a log."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from eval_pipeline.flows.anonymise_files import Progress as MaskingProgress

_SECONDS_BETWEEN_LINES: Final = 5.0


@contextmanager
def shown_progress(
    console: Console, *, quiet: bool, clock: Callable[[], float] = time.monotonic
) -> Iterator[MaskingProgress]:
    """What to call with the progress; `quiet` shows nothing."""
    if quiet:
        yield lambda _done, _total, _records: None
    elif console.is_terminal:
        with _bar(console) as bar:
            yield bar
    else:
        yield _lines(console, clock=clock)


@contextmanager
def _bar(console: Console) -> Iterator[MaskingProgress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        TaskProgressColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Masking", total=None)

        def report(done: int, total: int | None, records: int) -> None:
            progress.update(
                task, completed=done, total=total, description=f"Masked {records:,} records"
            )

        yield report


def _lines(console: Console, *, clock: Callable[[], float]) -> MaskingProgress:
    last = clock()

    def report(done: int, total: int | None, records: int) -> None:
        nonlocal last
        now = clock()
        if now - last < _SECONDS_BETWEEN_LINES:
            return
        last = now
        share = f", {done / total:.0%} of the file read" if total else ""
        console.print(f"Masked {records:,} records{share}.")

    return report
