"""The soak as one picture: time, memory, disk and answers by week, with the bounds in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from benchmarks.soak_bars import EARLY, MEMORY_BAR, TIME_BAR, Week, seconds_of, since_start
from eval_pipeline.reports.canvas import SYSTEM_COLOURS, drawing, sheet, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH: Final = 9.0
HEADROOM: Final = 1.3
"""Above the highest line, for the legend."""
HEIGHT: Final = 8.2


def growth(weeks: Sequence[Week]) -> str:
    """An SVG of four charts; a dashed line is 1.2 times, or 1.1 times, what week 2 had."""
    with drawing():
        figure = sheet(WIDTH, HEIGHT)
        (time, memory), (disk, answers) = figure.subplots(2, 2)
        _time(time, weeks)
        _memory(memory, weeks)
        _disk(disk, weeks)
        _answers(answers, weeks)
        for axes in (time, memory, disk, answers):
            axes.set_xlabel("week")
            axes.set_ylim(0, HEADROOM * axes.get_ylim()[1])
            if axes.get_legend_handles_labels()[0]:  # without a UI nobody has answered
                axes.legend(frameon=False, fontsize=7)
        figure.tight_layout()
        return svg(figure, f"Time, memory, disk and answers over {len(weeks)} weeks", name="soak")


def _time(axes: Axes, weeks: Sequence[Week]) -> None:
    numbers = [week["number"] for week in weeks]
    for kind, colour in (("processor", SYSTEM_COLOURS[0]), ("wall", SYSTEM_COLOURS[1])):
        series = [seconds_of(week, kind) for week in weeks]
        axes.plot(numbers, series, color=colour, label=f"{kind} seconds", linewidth=1.4)
    limit = TIME_BAR * seconds_of(weeks[EARLY - 1], "processor")
    axes.axhline(
        limit, linestyle="--", color=SYSTEM_COLOURS[0], linewidth=0.9, label="bar (processor)"
    )
    axes.set_title("a week's work (peaks: a candidate)", fontsize=10)
    axes.set_ylabel("s")


def _memory(axes: Axes, weeks: Sequence[Week]) -> None:
    numbers = [week["number"] for week in weeks]
    peaks = [week["peak_memory"] / 1e6 for week in weeks]
    first, *others = SYSTEM_COLOURS
    axes.plot(numbers, peaks, color=first, label="a run's peak", linewidth=1.4)
    axes.axhline(MEMORY_BAR * peaks[EARLY - 1], linestyle="--", color=first, linewidth=0.9)
    alive = since_start(weeks)
    for name, colour in zip(weeks[-1]["memory"], others, strict=False):
        series = [week["memory"][name] / 1e6 for week in alive]
        axes.plot([w["number"] for w in alive], series, color=colour, label=name, linewidth=1.4)
        if len(series) >= EARLY:
            bar = MEMORY_BAR * series[EARLY - 1]
            axes.axhline(bar, linestyle="--", color=colour, linewidth=0.9)
    axes.set_title("resident memory (dashed: bars)", fontsize=10)
    axes.set_ylabel("MB")


def _disk(axes: Axes, weeks: Sequence[Week]) -> None:
    numbers = [week["number"] for week in weeks]
    areas = [area for area in weeks[-1]["bytes"] if weeks[-1]["bytes"][area]]
    for area, colour in zip(areas, SYSTEM_COLOURS * 2, strict=False):
        series = [week["bytes"][area] / 1e6 for week in weeks]
        axes.plot(numbers, series, color=colour, label=area, linewidth=1.4)
    axes.set_title("on disk", fontsize=10)
    axes.set_ylabel("MB")


def _answers(axes: Axes, weeks: Sequence[Week]) -> None:
    numbers = [week["number"] for week in weeks]
    for name, colour in zip(weeks[-1]["queries"], SYSTEM_COLOURS, strict=False):
        series = [1e3 * week["queries"][name] for week in weeks]
        axes.plot(numbers, series, color=colour, label=f"UI: {name}", linewidth=1.2)
    axes.set_title("the UI's answers", fontsize=10)
    axes.set_ylabel("ms")
