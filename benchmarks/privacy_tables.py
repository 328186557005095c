"""The privacy benchmark's tables, in Markdown that a terminal shows as well."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from eval_pipeline.monitoring.intervals import wilson

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Table:
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def __str__(self) -> str:
        lines = [f"### {self.title}", ""]
        if self.rows:
            widths = [max(map(len, column)) for column in zip(self.header, *self.rows, strict=True)]
            lines += [
                _line(self.header, widths),
                _line(["-" * width for width in widths], widths),
                *(_line(row, widths) for row in self.rows),
                "",
            ]
        return "\n".join([*lines, *(f"{note}\n" for note in self.notes)])


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    return f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))} |"


def share(successes: int, count: int) -> str:
    """A share with Wilson's interval."""
    if not count:
        return "none"
    return interval(successes / count, *wilson(successes / count, count, confidence=CONFIDENCE))


def interval(value: float | None, lower: float, upper: float, *, decimals: int = 3) -> str:
    if value is None:
        return "none"
    return f"{value:.{decimals}f} [{lower:.{decimals}f}, {upper:.{decimals}f}]"
