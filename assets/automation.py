"""Schedules and sensors: when the daemon acts on its own. What it does is a job anyone can run.

All of them start switched off: a fresh installation does nothing until its team says so in the UI.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Final

import dagster as dg

from assets import jobs
from assets.alerts import alerts_sensor, digest, run_failure_alert
from assets.conventions import candidates, weekly
from assets.telemetry import telemetry_sensor
from eval_pipeline.errors import MissingPartitionError
from eval_pipeline.flows.candidates import candidate_names
from eval_pipeline.flows.truth import publish_key, readiness
from eval_pipeline.flows.watch import watch_providers
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings import AutomationSettings
from eval_pipeline.tables import DISPUTES


def last_full_week(now: dt.datetime) -> str:
    """The Monday of the last week that has ended."""
    this_monday = now.date() - dt.timedelta(days=now.weekday())
    return (this_monday - dt.timedelta(days=7)).isoformat()


def weekly_schedules(settings: AutomationSettings) -> list[dg.ScheduleDefinition]:
    """Refresh, re-run of old versions, A/A run and digest, each week at its configured time."""

    def request(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        week = last_full_week(context.scheduled_execution_time)
        if week not in weekly.get_partition_keys(current_time=context.scheduled_execution_time):
            return dg.SkipReason(f"{week} lies before the first week of the configuration.")
        return dg.RunRequest(run_key=week, partition_key=week)

    return [
        dg.ScheduleDefinition(
            name=name,
            job=job,
            cron_schedule=cron,
            execution_timezone="UTC",
            execution_fn=request,
            default_status=dg.DefaultScheduleStatus.STOPPED,
            description=description,
        )
        for name, job, cron, description in (
            (
                "weekly_refresh",
                jobs.refresh,
                settings.weekly_refresh,
                "Draws, masks and judges the week that has just ended.",
            ),
            (
                "weekly_drift",
                jobs.rerun,
                settings.weekly_drift,
                "Re-runs old golden versions on the pinned systems.",
            ),
            (
                "weekly_aa",
                jobs.run_aa,
                settings.weekly_aa,
                "Holds the baseline against itself: how noisy the gate is, how often it errs.",
            ),
            (
                "weekly_digest",
                digest,
                settings.weekly_digest,
                "Sends the week that has just ended to the channels, in one message.",
            ),
        )
    ]


@dg.sensor(
    job=jobs.publish,
    minimum_interval_seconds=300,
    description="Publishes a week's golden version when its labels are complete, or at the "
    "deadline with the minimum met; and again when labels were settled since.",
)
def adjudications_complete_sensor(
    pipeline: dg.ResourceParam[Pipeline],
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """One publish run per week that is ready and has something to publish."""
    waiting = []
    for week in pipeline.lake.partitions(DISPUTES):
        run_key = publish_key(pipeline, week=week)
        if run_key is None:
            continue
        ready = readiness(pipeline, week=week)
        if ready.ready:
            yield dg.RunRequest(run_key=run_key, partition_key=week)
        else:
            waiting.append(f"{week}: {ready.reason}")
    if waiting:
        yield dg.SkipReason("; ".join(waiting))


@dg.sensor(
    job=jobs.audit_gate,
    minimum_interval_seconds=300,
    description="Holds the gate against planted faults once the newest golden version is "
    "published, and again when a newer one is.",
)
def gate_audit_sensor(
    pipeline: dg.ResourceParam[Pipeline],
) -> dg.RunRequest | dg.SkipReason:
    """One audit per golden version, in the version's week."""
    version = pipeline.golden.latest()
    if version is None:
        return dg.SkipReason("There is no golden version yet to audit the gate on.")
    if not pipeline.settings.gate.audit.enabled:
        return dg.SkipReason("`gate.audit.enabled` is false.")
    week = pipeline.golden.manifest(version).week
    return dg.RunRequest(run_key=f"gate_audit:{version}", partition_key=week)


@dg.sensor(
    job=jobs.decide,
    minimum_interval_seconds=60,
    description="Opens a candidate for every file in the candidates folder, and evaluates it.",
)
def candidate_file_sensor(
    context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.SensorResult | dg.SkipReason:
    """One partition and one gate run per candidate that has none yet."""
    known = set(context.instance.get_dynamic_partitions(candidates.name or ""))
    new = [name for name in candidate_names(pipeline.project) if name not in known]
    if not new:
        return dg.SkipReason("No new candidate.")
    if pipeline.golden.latest() is None:
        return dg.SkipReason("There is no golden version yet to evaluate candidates on.")
    return _open(new)


def watch_for_provider_changes(
    pipeline: dg.ResourceParam[Pipeline],
) -> dg.SensorResult | dg.SkipReason:
    """One candidate per change seen; the change itself is kept in the store."""
    try:
        watched = watch_providers(pipeline)
    except MissingPartitionError as error:
        return dg.SkipReason(str(error))
    opened = [look.candidate_id for look in watched if look.candidate_id is not None]
    told = "; ".join(f"{look.system_id}: {look.finding} ({look.reason})" for look in watched)
    if not opened:
        return dg.SkipReason(told or "There is no golden version yet to take canaries from.")
    return _open(opened)


def _open(names: list[str]) -> dg.SensorResult:
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(run_key=f"candidate:{name}", partition_key=name) for name in names
        ],
        dynamic_partitions_requests=[candidates.build_add_request(names)],
    )


LOOK_DOWNSTREAM_SECONDS: Final = 300
"""Each look that finds anything new leaves some megabytes in Dagster's database for 30 days."""

downstream: Final = dg.AutomationConditionSensorDefinition(
    name="downstream_of_the_schedules",
    target=dg.AssetSelection.all(),
    minimum_interval_seconds=LOOK_DOWNSTREAM_SECONDS,
    default_status=dg.DefaultSensorStatus.STOPPED,
    description="Makes what lies downstream once its inputs are there and sound; looks every five "
    "minutes.",
)


def all_sensors(settings: AutomationSettings) -> list[dg.SensorDefinition]:
    """Every sensor; how often providers are asked is the team's choice, because asking costs."""
    provider_change_sensor = dg.sensor(
        name="provider_change_sensor",
        job=jobs.decide,
        minimum_interval_seconds=settings.provider_poll_seconds,
        description="Asks the pinned systems canary prompts; a model that changed under its name "
        "becomes a candidate.",
    )(watch_for_provider_changes)
    return [
        adjudications_complete_sensor,
        gate_audit_sensor,
        candidate_file_sensor,
        provider_change_sensor,
        run_failure_alert,
        alerts_sensor,
        telemetry_sensor,
        downstream,
    ]
