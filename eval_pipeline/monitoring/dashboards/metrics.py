"""A metric and its samples, whichever way they go out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

MetricType = Literal["gauge", "counter"]
PREFIX: Final = "eval_pipeline_"
LONGEST_LABEL: Final = 120


@dataclass(frozen=True)
class Sample:
    """One series' value now; `labels` in the order in which they are written."""

    labels: tuple[tuple[str, str], ...]
    value: float


@dataclass(frozen=True)
class Metric:
    """Series of one name. A counter never falls, and its name ends in `_total`."""

    name: str
    documentation: str
    samples: tuple[Sample, ...]
    type: MetricType = "gauge"


def gauge(
    name: str, documentation: str, rows: Iterable[tuple[Mapping[str, object], object]]
) -> Metric:
    """A gauge over rows of labels and value; rows whose value is null are left out."""
    return Metric(PREFIX + name, documentation, _samples(rows))


def counter(
    name: str, documentation: str, rows: Iterable[tuple[Mapping[str, object], object]]
) -> Metric:
    """A counter over rows of labels and value; the name ends in `_total`."""
    return Metric(PREFIX + name, documentation, _samples(rows), type="counter")


def bounded(metrics: Sequence[Metric], *, series: int) -> tuple[list[Metric], int]:
    """The metrics with so many series at most, in their order; and how many were left out."""
    kept, left, out = [], series, 0
    for metric in metrics:
        stays = metric.samples[:left]
        out += len(metric.samples) - len(stays)
        left -= len(stays)
        kept.append(replace(metric, samples=stays))
    return kept, out


def _samples(rows: Iterable[tuple[Mapping[str, object], object]]) -> tuple[Sample, ...]:
    return tuple(
        Sample(
            tuple((name, str(value)[:LONGEST_LABEL]) for name, value in labels.items()),
            float(value),  # type: ignore[arg-type]
        )
        for labels, value in rows
        if value is not None
    )
