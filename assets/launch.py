"""Runs jobs and sensors in this process, recorded in the same instance that the UI shows."""

import datetime as dt
import logging
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import dagster as dg

from assets.conventions import candidates, systems, weekly
from assets.definitions import build_definitions
from assets.run_records import last_successes
from assets.run_storage import recorded_runs
from eval_pipeline.errors import EvalPipelineError, JobFailedError
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings_file import Project

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class DagsterLauncher:
    """Implements `ports.JobLauncher` on the instance that DAGSTER_HOME names."""

    def __init__(self, project: Project, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._definitions = build_definitions(project, pipeline=pipeline)
        with recorded_runs():
            self._instance = dg.DagsterInstance.get()
        logging.getLogger("dagster").setLevel(logging.CRITICAL)

    def launch(
        self,
        job: str,
        *,
        partition: str | None = None,
        tags: Iterable[tuple[str, str]] = (),
        config: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> str:
        """Runs the job to its end; raises its step's own error, or `JobFailedError`."""
        with recorded_runs():
            return self._launch(job, partition=partition, tags=tags, config=config)

    def _launch(
        self,
        job: str,
        *,
        partition: str | None,
        tags: Iterable[tuple[str, str]],
        config: Mapping[str, Mapping[str, Any]],
    ) -> str:
        definition = self._definitions.resolve_job_def(job)
        for opened in (candidates, systems):
            if partition is not None and definition.partitions_def == opened:
                self._instance.add_dynamic_partitions(opened.name or "", [partition])
        try:
            result = definition.execute_in_process(
                instance=self._instance,
                partition_key=partition,
                run_config={
                    **QUIET,
                    "ops": {name: {"config": dict(given)} for name, given in config.items()},
                },
                tags=dict(tags),
            )
        except EvalPipelineError:
            raise
        except dg.DagsterUnknownPartitionError:
            raise JobFailedError(
                f"'{partition}' is not a week of this project. Weeks are Mondays that have "
                f"ended, from {weekly.start:%Y-%m-%d} (`automation.first_week`) on, written as "
                "2026-11-16."
            ) from None
        if not result.success:
            raise JobFailedError(f"The run {result.run_id} of job '{job}' failed; see its log.")
        return result.run_id

    def tick(self, sensor: str) -> str:
        """Evaluates the sensor once and runs what it asks for, like the daemon."""
        with recorded_runs():
            return self._tick(sensor)

    def _tick(self, sensor: str) -> str:
        definition = self._definitions.resolve_sensor_def(sensor)
        with dg.build_sensor_context(
            instance=self._instance,
            # Without the reference, new partitions that the sensor asks for are not known.
            instance_ref=self._instance.get_ref(),
            resources={"pipeline": self._pipeline},
            definitions=self._definitions,
        ) as context:
            data = definition.evaluate_tick(context)
        for opened in data.dynamic_partitions_requests or []:
            self._instance.add_dynamic_partitions(
                opened.partitions_def_name, list(opened.partition_keys)
            )
        for request in data.run_requests or []:
            job = request.job_name or definition.job_name or ""
            self.launch(job, partition=request.partition_key, tags=request.tags.items())
        asked = ", ".join(str(request.partition_key) for request in data.run_requests or [])
        return asked or data.skip_message or ""

    def last_successes(self) -> Mapping[str, dt.datetime]:
        """By job when a run of it last succeeded, as this instance knows it."""
        with recorded_runs():
            return last_successes(self._instance)
