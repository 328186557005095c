"""What the instance remembers of runs."""

import datetime as dt
from collections.abc import Mapping

import dagster as dg

from assets.jobs import ALL_JOBS


def last_successes(instance: dg.DagsterInstance) -> Mapping[str, dt.datetime]:
    """By job when a run of it last succeeded; a job that never did is not in it."""
    found = {}
    for job in ALL_JOBS:
        wanted = dg.RunsFilter(job_name=job.name, statuses=[dg.DagsterRunStatus.SUCCESS])
        records = instance.get_run_records(wanted, limit=1)
        if records and records[0].end_time is not None:
            found[job.name] = dt.datetime.fromtimestamp(records[0].end_time, tz=dt.UTC)
    return found
