"""How far masking has come, where nobody watches a bar."""

import io

from rich.console import Console

from eval_pipeline.cli.masking_progress import shown_progress


def told(*moments: float, quiet: bool = False) -> list[str]:
    written = io.StringIO()
    clock = iter(moments)
    console = Console(file=written, force_terminal=False)
    with shown_progress(console, quiet=quiet, clock=lambda: next(clock)) as progress:
        for records in range(1, len(moments)):
            progress(records * 10, 40 if records < 3 else None, records * 1000)
    return written.getvalue().splitlines()


def test_a_line_is_written_at_most_every_five_seconds():
    assert told(0.0, 4.9, 5.0, 9.9, 10.0) == [
        "Masked 2,000 records, 50% of the file read.",
        "Masked 4,000 records.",
    ]


def test_quiet_says_nothing():
    assert told(0.0, 99.0, quiet=True) == []
