"""What model calls cost by kind of work: of one week, and in all."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from eval_pipeline.adapters.model_calls.call_figures import NOTHING, Spent
from eval_pipeline.adapters.model_calls.journal import journal_failure
from eval_pipeline.adapters.model_calls.spending import spender_of
from eval_pipeline.adapters.schema import call_attempts
from eval_pipeline.adapters.store import utc

OTHER: Final = "other"
"""The kind of work of a scope that no kind of work has."""


@dataclass(frozen=True)
class AttemptCount:
    """Attempts of one kind of work that ended alike: answered, refused or failed."""

    spender: str
    status: str
    spent: Spent


def costs_of_week(engine: sa.Engine, week: str) -> dict[str, Spent]:
    """By kind of work what one week took.

    A scope that names a week counts for that week, whenever it was asked; any other counts for the
    week, by UTC, in which its attempts were recorded.
    """
    monday = dt.datetime.combine(dt.date.fromisoformat(week), dt.time(), tzinfo=dt.UTC)
    columns = call_attempts.c
    within = sa.and_(
        columns.recorded_at >= utc(monday), columns.recorded_at < utc(monday + dt.timedelta(7))
    )
    costs: dict[str, Spent] = defaultdict(lambda: NOTHING)
    for scope, _, spent in _sums(engine, sa.or_(within, columns.scope.contains(f":{week}"))):
        if _week_in(scope) in {None, week}:
            costs[spender_of(scope) or OTHER] += spent
    return dict(sorted(costs.items()))


def attempts_so_far(engine: sa.Engine) -> list[AttemptCount]:
    """By kind of work and status what all attempts took; nothing of it ever falls."""
    sums: dict[tuple[str, str], Spent] = defaultdict(lambda: NOTHING)
    for scope, status, spent in _sums(engine, sa.true()):
        sums[spender_of(scope) or OTHER, status] += spent
    return [AttemptCount(*key, spent) for key, spent in sorted(sums.items())]


def _week_in(scope: str) -> str | None:
    """The date that stands second in a scope of weekly work, such as drift:2026-11-16."""
    second = scope.split(":")[1:2]
    try:
        return dt.date.fromisoformat(second[0]).isoformat() if second else None
    except ValueError:
        return None


def _sums(engine: sa.Engine, condition: sa.ColumnElement[bool]) -> list[tuple[str, str, Spent]]:
    columns = call_attempts.c
    tokens = sa.func.coalesce(columns.input_tokens, 0) + sa.func.coalesce(columns.output_tokens, 0)
    query = (
        sa.select(
            columns.scope,
            columns.status,
            sa.func.coalesce(sa.func.sum(columns.cost_usd), 0.0),
            sa.func.count(),
            sa.func.sum(tokens),
        )
        .where(condition)
        .group_by(columns.scope, columns.status)
    )
    try:
        with engine.connect() as connection:
            rows = connection.execute(query).all()
    except sa.exc.SQLAlchemyError as error:
        raise journal_failure(engine, error, did="read") from None
    return [
        (scope, status, Spent(float(usd), int(calls), int(count)))
        for scope, status, usd, calls, count in rows
    ]
