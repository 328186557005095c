"""Whether a soak kept its bars: pure rules over what each week measured."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

TIME_BAR: Final = 1.2
MEMORY_BAR: Final = 1.1
EARLY: Final = 2
"""The week that the last one is held against."""

NEIGHBOURS: Final = 3
"""The medians of so many weeks are told beside the single ones."""

Week = Mapping[str, Any]
"""One finished week as the soak writes it down."""


@dataclass(frozen=True)
class Bar:
    """One series' last week against its second; `early` and `late` are in `unit`.

    `limit` is null where the series is told and stops nothing; `medians` is the ratio of the
    medians of the last weeks and of those that begin with the second.
    """

    name: str
    unit: str
    early: float
    late: float
    limit: float | None
    medians: float

    @property
    def ratio(self) -> float:
        """Of the last week to the second; infinite where the second had nothing."""
        return _ratio(self.late, self.early)

    @property
    def missed(self) -> bool:
        return self.limit is not None and self.ratio > self.limit

    def sentence(self) -> str:
        """As it is printed."""
        state = "told" if self.limit is None else "MISSED" if self.missed else "kept"
        bar = "" if self.limit is None else f", bar {self.limit:g}"
        return (
            f"{self.name}: {self.early:.4g} -> {self.late:.4g} {self.unit}, "
            f"ratio {self.ratio:.3f} (medians {self.medians:.3f}){bar} {state}"
        )


def seconds_of(week: Week, kind: str) -> float:
    """Everything the week's process did, imports left out; `kind` is wall or processor."""
    return float(sum(week[kind].values()))


def judge(weeks: Sequence[Week]) -> list[Bar]:
    """The bars over finished weeks in order; raises `ValueError` where they cannot be judged.

    Processor seconds and memory are barred; wall seconds are told, because what else the machine
    does is in them. A week that was interrupted, and did part of its work before, is no measure.
    """
    if len(weeks) <= EARLY:
        raise ValueError(f"{len(weeks)} weeks cannot be judged; a soak has at least {EARLY + 1}.")
    for number in (EARLY, len(weeks)):
        if weeks[number - 1].get("interrupted"):
            raise ValueError(
                f"Week {number} was interrupted and made in two parts, so it is no measure. "
                "Run the soak into a new folder."
            )
    bars = [
        _bar("a week, processor", "s", [seconds_of(w, "processor") for w in weeks], TIME_BAR),
        _bar("a week, wall", "s", [seconds_of(w, "wall") for w in weeks], None),
        _bar("peak memory of a run", "MB", [w["peak_memory"] / 1e6 for w in weeks], MEMORY_BAR),
    ]
    residents = since_start(weeks)
    bars += [
        _bar(
            f"resident memory, {name}",
            "MB",
            [w["memory"][name] / 1e6 for w in residents],
            MEMORY_BAR,
        )
        for name in (weeks[-1]["memory"] if len(residents) > EARLY else ())
    ]
    for kind, title in (("queries", "UI"), ("ticks", "tick"), ("desk", "desk")):
        bars += [
            _bar(f"{title}: {name}", "ms", [1e3 * w[kind][name] for w in weeks], None)
            for name in weeks[-1][kind]
        ]
    return bars


def since_start(weeks: Sequence[Week]) -> list[Week]:
    """The weeks that the present residents have lived through."""
    started = weeks[-1]["residents_since"]
    return [week for week in weeks if week["residents_since"] == started]


def _bar(name: str, unit: str, series: Sequence[float], limit: float | None) -> Bar:
    early, late = series[EARLY - 1 : EARLY - 1 + NEIGHBOURS], series[-NEIGHBOURS:]
    return Bar(
        name=name,
        unit=unit,
        early=series[EARLY - 1],
        late=series[-1],
        limit=limit,
        medians=_ratio(statistics.median(late), statistics.median(early)),
    )


def _ratio(late: float, early: float) -> float:
    if early == 0:
        return float("inf") if late else 1.0
    return late / early
