"""What keeps the orchestrator from recording a run, in a sentence that says what to do."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator

import sqlalchemy as sa

from eval_pipeline.adapters.store_faults import told
from eval_pipeline.errors import EvalPipelineError, JobFailedError


@contextlib.contextmanager
def recorded_runs() -> Iterator[None]:
    """Raises `JobFailedError` where Dagster's own storage fails, or what a step said before it.

    Steps explain their own databases, so a database's raw error is Dagster's.
    """
    try:
        yield
    except (sqlite3.Error, sa.exc.SQLAlchemyError) as error:
        said = _said_before(error)
        if said is not None:
            raise said from None
        cause, remedy = told(error)
        raise JobFailedError(
            f"Dagster's storage in {os.environ.get('DAGSTER_HOME', 'DAGSTER_HOME')} cannot be used "
            f"{cause}. What steps had written and calls had answered until then is kept. {remedy}, "
            "or let DAGSTER_HOME name another folder, then run the same command again."
        ) from None


def _said_before(error: BaseException | None) -> EvalPipelineError | None:
    """The failure that was being recorded when recording it failed."""
    while error is not None:
        if isinstance(error, EvalPipelineError):
            return error
        error = error.__cause__ or error.__context__
    return None
