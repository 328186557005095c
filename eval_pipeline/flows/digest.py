"""The digest: the week's facts from lake and store, as one message to every channel once."""

import datetime as dt
from collections.abc import Iterator
from typing import Final

import polars as pl

from eval_pipeline.adapters.model_calls.week_costs import costs_of_week
from eval_pipeline.flows.alert_sources import (
    newest_decisions,
    review_weeks,
)
from eval_pipeline.flows.alerting import Told, link_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.alerting.conditions import monitor_events, outcome_events
from eval_pipeline.monitoring.alerting.digest import (
    GoldenState,
    WeekCost,
    WeekFacts,
    digest_message,
)
from eval_pipeline.monitoring.alerting.events import AlertEvent
from eval_pipeline.monitoring.alerting.messages import AlertMessage
from eval_pipeline.tables import (
    ALL_TABLES,
    DRIFT_SIGNALS,
    DRIFT_TRIALS,
    GATE_DECISION,
    MONITOR_ALERTS,
    OUTCOME_TRACKING,
    PRODUCTION_MONITOR,
    REFUTATIONS,
    SAMPLING_FRAME,
    VERDICTS,
    Table,
)

WEEKLY_JOBS: Final = ("refresh", "publish", "drift")
CALLED: Final = (VERDICTS, REFUTATIONS, DRIFT_TRIALS)
IN_VERSIONS: Final = "golden_set"
"""Lies with the golden versions, so it has no file of its own."""


def newest_week(pipeline: Pipeline) -> str | None:
    """The newest week that was refreshed."""
    return max(pipeline.lake.partitions(SAMPLING_FRAME), default=None)


def digest_of(pipeline: Pipeline, *, week: str) -> AlertMessage:
    """The message of this week, as its tables and the desk stand now."""
    golden = _golden(pipeline, week=week)
    facts = WeekFacts(
        week=week,
        decisions=_decisions(pipeline, golden),
        signals=pipeline.lake.read_if_made(DRIFT_SIGNALS, partition=week),
        production=pipeline.lake.read_if_made(PRODUCTION_MONITOR, partition=week),
        golden=golden,
        lasting=tuple(_lasting(pipeline, week=week)),
        review=review_weeks(pipeline),
        costs={
            spender: WeekCost(spent.usd, spent.calls)
            for spender, spent in costs_of_week(pipeline.store.engine, week).items()
        },
        unanswered=_unanswered(pipeline, week=week),
        not_made=_not_made(pipeline, week=week),
        pages=_pages(pipeline),
    )
    message_id = f"digest.{week}"
    return digest_message(facts, message_id=message_id, link=pipeline.settings.alerts.dagster_url)


def send_digest(pipeline: Pipeline, *, week: str, again: bool = False) -> list[Told]:
    """Sends the week's digest to the channels that take it and have not had it; never raises.

    `again` sends it to those too that have had it.
    """
    at = pipeline.clock()
    channels = pipeline.settings.alerts.all_channels
    claims = [
        claim
        for name, channel in channels.items()
        if channel.digest
        and (claim := pipeline.deliveries.claim_notice("digest", week, name, at=at, again=again))
    ]
    if not claims:
        return []
    message = digest_of(pipeline, week=week)
    told = []
    for claim in claims:
        delivered = pipeline.sender.send(claim.channel, channels[claim.channel], message)
        pipeline.deliveries.settle(claim, delivered, at=pipeline.clock())
        told.append(Told(claim.channel, message.title, delivered))
    return told


def resend_digests(pipeline: Pipeline) -> list[Told]:
    """Digests that a channel did not take, sent once more to those channels alone."""
    waiting = pipeline.deliveries.failed_notices("digest", at=pipeline.clock())
    return [one for week in waiting for one in send_digest(pipeline, week=week)]


def _golden(pipeline: Pipeline, *, week: str) -> GoldenState | None:
    for number in reversed(pipeline.golden.numbers()):
        manifest = pipeline.golden.manifest(number)
        if manifest.week <= week:
            age = dt.date.fromisoformat(week) - dt.date.fromisoformat(manifest.week)
            return GoldenState(
                version=number,
                week=manifest.week,
                items=manifest.counts.items,
                admitted=len(manifest.admitted),
                retired=len(manifest.retired),
                deficits=len(manifest.deficits),
                age_days=age.days,
            )
    return None


def _decisions(pipeline: Pipeline, golden: GoldenState | None) -> pl.DataFrame:
    newest = newest_decisions(pipeline)
    version = -1 if golden is None else golden.version
    return newest.filter(pl.col("golden_version") == version)


def _lasting(pipeline: Pipeline, *, week: str) -> Iterator[AlertEvent]:
    for table, events in ((MONITOR_ALERTS, monitor_events), (OUTCOME_TRACKING, outcome_events)):
        found = None if table is None else pipeline.lake.read_if_made(table, partition=week)
        if table is not None and found is not None:
            yield from events(found, week=week, table=table.name)


def _unanswered(pipeline: Pipeline, *, week: str) -> dict[str, tuple[int, int]]:
    counts = {}
    for table in CALLED:
        if pipeline.lake.has(table, partition=week):
            status = pipeline.lake.read(table, partition=week, columns=["status"])["status"]
            counts[table.name] = (int((status != "answered").sum()), status.len())
    return counts


def _not_made(pipeline: Pipeline, *, week: str) -> tuple[str, ...]:
    return tuple(
        table.name
        for table in ALL_TABLES
        if table.partitioned_by == "week"
        and table.job in WEEKLY_JOBS
        and not _is_made(pipeline, table, week=week)
    )


def _is_made(pipeline: Pipeline, table: Table, *, week: str) -> bool:
    if table.name == IN_VERSIONS:
        return pipeline.golden.for_week(week) is not None
    return pipeline.lake.has(table, partition=week)


def _pages(pipeline: Pipeline) -> dict[str, str]:
    pages = {}
    for candidate in pipeline.lake.partitions(GATE_DECISION):
        event = AlertEvent(
            "gate_pass", "info", candidate, "", table=GATE_DECISION.name, partition=candidate
        )
        link = link_of(pipeline, event)
        if link is not None:
            pages[candidate] = link
    return pages
