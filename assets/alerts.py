"""What tells people: a sensor for what the tables say, one for failed runs, and the digest's job.

What is worth telling, and to whom, belongs to `eval_pipeline.flows.alerting`.
"""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from typing import Final

import dagster as dg

from assets.conventions import weekly
from eval_pipeline.errors import EvalPipelineError
from eval_pipeline.flows.alerting import (
    Told,
    open_run_subjects,
    send_alerts,
    tell_of_run,
    waits,
)
from eval_pipeline.flows.digest import resend_digests, send_digest
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.monitoring.alerting.runs import FailedRun, split_subject

LOOK_AT_LEAST: Final = dt.timedelta(minutes=10)
"""Deadlines pass and pauses end without any run, so it is looked from time to time anyway."""

FAILED_LATELY: Final = dt.timedelta(days=1)
MOST_FAILED: Final = 50
"""Failed runs of the last day, looked at for teams that run no daemon and for a lost tick."""

PARTITION_TAG: Final = "dagster/partition"


@dg.run_failure_sensor(
    name="run_failure_alert",
    description="Tells the channels of a failed run, once while it goes on failing; never quotes "
    "data.",
)
def run_failure_alert(
    context: dg.RunFailureSensorContext, pipeline: dg.ResourceParam[Pipeline]
) -> None:
    """One message per failed job and partition: the steps, the classes of errors, the checks."""
    tell_of_run(pipeline, failed_run(context.instance, context.dagster_run))


@dg.sensor(
    name="alerts",
    minimum_interval_seconds=60,
    description="Tells the channels what decisions, drift, monitors and the review desk say, each "
    "thing once; and that it is over.",
)
def alerts_sensor(
    context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.SkipReason:
    """Looks when something ran since the last look, or ten minutes after it; never fails."""
    if not pipeline.settings.alerts.all_channels:
        return dg.SkipReason("No channel is configured under `alerts`.")
    newest, now = context.instance.event_log_storage.get_maximum_record_id(), pipeline.clock()
    if _looked(context.cursor, newest=newest, now=now):
        return dg.SkipReason("Nothing ran since the last look.")
    try:
        told = _tell(context.instance, pipeline, now=now)
        settled = not told and not waits(pipeline)
    except EvalPipelineError as error:
        return dg.SkipReason(f"Nothing could be told ({type(error).__name__}).")
    if settled:
        context.update_cursor(json.dumps({"record": newest, "at": now.isoformat()}))
    return dg.SkipReason("; ".join(told_sentences(told)) or "Nothing new to tell.")


def _tell(instance: dg.DagsterInstance, pipeline: Pipeline, *, now: dt.datetime) -> list[Told]:
    failed = list(_failed_lately(instance, since=now - FAILED_LATELY))
    succeeded = [one for one in open_run_subjects(pipeline) if _succeeded_since(instance, one)]
    told = send_alerts(pipeline, failed=failed, succeeded=succeeded)
    return [*told, *resend_digests(pipeline)]


class DigestConfig(dg.Config):
    """What a person asks of a digest: to send it again."""

    again: bool = False


@dg.op(name="send_digest", description="Sends the week's digest to the channels that take it.")
def send_digest_op(
    context: dg.OpExecutionContext, config: DigestConfig, pipeline: dg.ResourceParam[Pipeline]
) -> None:
    """One message per channel and week; what a channel did not take is on record."""
    told = send_digest(pipeline, week=context.partition_key, again=config.again)
    sentences = told_sentences(told) or ["Every channel has had it, or none takes it."]
    for sentence in sentences:
        context.log.info(sentence)
    context.add_output_metadata(
        {"told": dg.MetadataValue.md("\n".join(f"- {s}" for s in sentences))}
    )


@dg.job(
    name="digest",
    partitions_def=weekly,
    description="The week in one message to the channels: decisions, drift, people, money.",
)
def digest() -> None:
    """The digest of one week."""
    send_digest_op()


def told_sentences(told: Sequence[Told]) -> list[str]:
    """Channel, title and what became of it."""
    return [
        f"{one.channel}: {one.title}"
        + ("" if one.delivered.ok else f" (not taken: {one.delivered.error_code})")
        for one in told
    ]


def failed_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> FailedRun:
    """The run's names: job, partition, steps, classes of errors and blocking checks."""
    failures = [
        entry.dagster_event
        for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
        if entry.dagster_event is not None
    ]
    return FailedRun(
        job=run.job_name,
        run_id=run.run_id,
        partition=run.tags.get(PARTITION_TAG),
        steps=tuple(event.step_key for event in failures if event.step_key),
        errors=tuple(dict.fromkeys(name for event in failures for name in _errors(event))),
        checks=tuple(_failed_checks(instance, run.run_id)),
    )


def _failed_lately(instance: dg.DagsterInstance, *, since: dt.datetime) -> Iterator[FailedRun]:
    """Runs that failed since then, where the newest run of the job and partition is one."""
    wanted = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since)
    for run in instance.get_runs(wanted, limit=MOST_FAILED):
        newest = _newest_run(instance, run.job_name, run.tags.get(PARTITION_TAG))
        if newest is not None and newest.run_id == run.run_id:
            yield failed_run(instance, run)


def _errors(event: dg.DagsterEvent) -> Iterator[str]:
    """The class of what the step itself raised: the innermost of the chain."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    if error is not None and error.cls_name:
        yield error.cls_name


def _failed_checks(instance: dg.DagsterInstance, run_id: str) -> Iterator[str]:
    entries = instance.all_logs(run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    for entry in entries:
        if entry.dagster_event is None:
            continue
        found = entry.dagster_event.asset_check_evaluation_data
        if not found.passed and found.blocking:
            yield f"{found.asset_key.to_user_string()}.{found.check_name}"


def _looked(cursor: str | None, *, newest: int | None, now: dt.datetime) -> bool:
    """Whether the last look was lately and nothing ran since."""
    if not cursor:
        return False
    last = json.loads(cursor)
    recent = now - dt.datetime.fromisoformat(last["at"]) < LOOK_AT_LEAST
    return bool(recent and last["record"] == newest)


def _succeeded_since(instance: dg.DagsterInstance, subject: str) -> bool:
    """Whether the newest run of the job on the partition succeeded."""
    newest = _newest_run(instance, *split_subject(subject))
    return newest is not None and newest.status == dg.DagsterRunStatus.SUCCESS


def _newest_run(
    instance: dg.DagsterInstance, job: str, partition: str | None
) -> dg.DagsterRun | None:
    tags = {} if partition is None else {PARTITION_TAG: partition}
    runs = instance.get_runs(dg.RunsFilter(job_name=job, tags=tags), limit=1)
    return next(iter(runs), None)
