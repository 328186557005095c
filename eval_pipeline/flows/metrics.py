"""Reads lake and store once and makes the metrics of them; what cannot be read is said to be so."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Final

import polars as pl

from eval_pipeline import __version__
from eval_pipeline.adapters.model_calls.week_costs import attempts_so_far, costs_of_week
from eval_pipeline.errors import EvalPipelineError
from eval_pipeline.flows.alert_sources import (
    newest_decisions,
    newest_of,
    review_weeks,
)
from eval_pipeline.flows.digest import newest_week
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.dashboards.gate_metrics import findings_of, gate_metrics
from eval_pipeline.monitoring.dashboards.metrics import Metric, bounded, gauge
from eval_pipeline.monitoring.dashboards.week_metrics import (
    agreement_metrics,
    alert_metrics,
    cost_metrics,
    drift_metrics,
    golden_metrics,
    job_metrics,
    monitor_alert_metrics,
    outcome_metrics,
    production_metrics,
    review_metrics,
)
from eval_pipeline.tables import (
    ANNOTATOR_AGREEMENT,
    DIMENSION_REPORT,
    DRIFT_SIGNALS,
    MONITOR_ALERTS,
    OUTCOME_TRACKING,
    PRODUCTION_MONITOR,
)

Successes = Callable[[], Mapping[str, dt.datetime]]
"""By job when it last succeeded, as the orchestrator knows it."""


def metrics_of(pipeline: Pipeline, *, successes: Successes | None = None) -> list[Metric]:
    """All metrics now, in a number of series that the settings bound."""
    found: list[Metric] = []
    up: dict[str, bool] = {}
    sources: list[tuple[str, Callable[[], Iterable[Metric]]]] = [
        (name, partial(read, pipeline)) for name, read in _SOURCES
    ]
    if successes is not None:
        sources.append(("jobs", lambda: job_metrics(successes())))
    for name, read in sources:
        try:
            found += list(read())
            up[name] = True
        except EvalPipelineError:
            up[name] = False
    kept, left_out = bounded(found, series=pipeline.settings.telemetry.prometheus.series)
    about = (
        gauge("build_info", "The program's version.", [({"version": __version__}, 1)]),
        gauge(
            "source_up",
            "Whether what the metrics are made of could be read.",
            (({"source": name}, value) for name, value in up.items()),
        ),
        gauge("series_left_out", "Series beyond the configured limit.", [({}, left_out)]),
    )
    return [*about, *kept]


def decided_last(pipeline: Pipeline) -> pl.DataFrame:
    """Newest rows of GATE_DECISION, of the candidates decided on the newest versions."""
    newest = newest_decisions(pipeline).sort(
        "golden_version", "candidate_id", descending=[True, False], nulls_last=True
    )
    return newest.head(pipeline.settings.telemetry.prometheus.candidates)


def dimensions_of(pipeline: Pipeline, decisions: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """By candidate its DIMENSION_REPORT, where it was made."""
    reports = {}
    for candidate in decisions["candidate_id"].to_list():
        report = pipeline.lake.read_if_made(DIMENSION_REPORT, partition=candidate)
        if report is not None:
            reports[candidate] = report
    return reports


def _gate(pipeline: Pipeline) -> Iterator[Metric]:
    decisions = decided_last(pipeline)
    yield from gate_metrics(decisions, findings_of(decisions, dimensions_of(pipeline, decisions)))


def _golden(pipeline: Pipeline) -> Iterator[Metric]:
    version = pipeline.golden.latest()
    if version is not None:
        manifest = pipeline.golden.manifest(version)
        yield from golden_metrics(
            version=version,
            week=manifest.week,
            items=manifest.counts.items,
            now=pipeline.clock(),
        )


def _drift(pipeline: Pipeline) -> Iterator[Metric]:
    found = newest_of(pipeline, DRIFT_SIGNALS)
    if found is not None:
        yield from drift_metrics(found[1], week=found[0])


def _production(pipeline: Pipeline) -> Iterator[Metric]:
    found = newest_of(pipeline, PRODUCTION_MONITOR)
    if found is not None:
        yield from production_metrics(found[1], week=found[0])


def _monitors(pipeline: Pipeline) -> Iterator[Metric]:
    alerts, tracking = newest_of(pipeline, MONITOR_ALERTS), newest_of(pipeline, OUTCOME_TRACKING)
    if alerts is not None:
        yield from monitor_alert_metrics(alerts[1])
    if tracking is not None:
        yield from outcome_metrics(tracking[1])


def _agreement(pipeline: Pipeline) -> Iterator[Metric]:
    found = newest_of(pipeline, ANNOTATOR_AGREEMENT)
    if found is not None:
        yield from agreement_metrics(found[1])


def _review(pipeline: Pipeline) -> Iterator[Metric]:
    yield from review_metrics(review_weeks(pipeline), as_of=pipeline.clock().date())


def _costs(pipeline: Pipeline) -> Iterator[Metric]:
    week, engine = newest_week(pipeline), pipeline.store.engine
    spent = {} if week is None else costs_of_week(engine, week)
    attempts = [
        (one.spender, one.status, one.spent.calls, one.spent.usd, one.spent.tokens)
        for one in attempts_so_far(engine)
    ]
    yield from cost_metrics(week, {name: one.usd for name, one in spent.items()}, attempts)


def _alerts(pipeline: Pipeline) -> Iterator[Metric]:
    known = pipeline.deliveries.all()
    yield from alert_metrics((one.channel, one.status) for one in known)


_SOURCES: Final = (
    ("golden", _golden),
    ("review", _review),
    ("costs", _costs),
    ("alerts", _alerts),
    ("drift", _drift),
    ("monitors", _monitors),
    ("agreement", _agreement),
    ("production", _production),
    ("gate", _gate),
)
"""What is most worth having first: a limit of series cuts the last ones."""
