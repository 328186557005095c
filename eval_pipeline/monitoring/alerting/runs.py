"""Events of runs: failed, stopped by a blocking check, or by a limit of spending."""

from collections.abc import Iterator
from dataclasses import dataclass

from eval_pipeline.monitoring.alerting.events import AlertEvent
from eval_pipeline.settings import AlertKind

SPENDING_LIMIT = "SpendingLimitError"


@dataclass(frozen=True)
class FailedRun:
    """A run that failed: names alone. `errors` are the classes of what its steps raised.

    `checks` are the blocking checks that did not hold, as `asset.check`.
    """

    job: str
    run_id: str
    partition: str | None = None
    steps: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What failed: the job, and the partition where it has one."""
        return f"{self.job}/{self.partition or '-'}"


def run_event(run: FailedRun) -> AlertEvent:
    """One event per failed run: of its check or its limit if that is what stopped it."""
    where = "" if run.partition is None else f" for {run.partition}"
    kind: AlertKind
    if run.checks:
        kind, title = "check_failed", f"A blocking check of job '{run.job}' does not hold{where}"
    elif SPENDING_LIMIT in run.errors:
        kind, title = "spending_limit", f"Job '{run.job}' stopped at a limit of spending{where}"
    else:
        kind, title = "run_failed", f"Job '{run.job}' failed{where}"
    return AlertEvent(
        kind,
        "page",
        run.subject,
        title,
        lines=tuple(_lines(run)),
        next_step={
            "check_failed": "What stood before still stands. Read the check's page, mend the data.",
            "spending_limit": "Raise the limit under `spending`, and run it again.",
        }.get(kind, "Read the step's error in the run's log, and run it again."),
        run_id=run.run_id,
    )


def _lines(run: FailedRun) -> Iterator[str]:
    yield from (f"check {name}" for name in run.checks)
    yield from (f"step {step}" for step in run.steps)
    yield from (f"error {name}" for name in run.errors)


def split_subject(subject: str) -> tuple[str, str | None]:
    """The job and partition that a run's subject names."""
    job, _, partition = subject.partition("/")
    return job, None if partition == "-" else partition
