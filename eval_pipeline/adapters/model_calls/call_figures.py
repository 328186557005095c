"""Sums over the journal: what a scope has cost so far, and what a system's calls usually take."""

from dataclasses import dataclass
from typing import Final

import polars as pl
import sqlalchemy as sa

from eval_pipeline.adapters.model_calls.journal import Attempt, journal_failure
from eval_pipeline.adapters.schema import call_attempts
from eval_pipeline.adapters.store import read_utc
from eval_pipeline.tables import UTC_MICROSECONDS, schema_of

NEWEST_ANSWERS: Final = 200


@dataclass(frozen=True)
class Spent:
    """What attempts took: `calls` counts failed ones too; `tokens` are input and output.

    What a provider did not count is not in it.
    """

    usd: float = 0.0
    calls: int = 0
    tokens: int = 0

    def __add__(self, other: "Spent") -> "Spent":
        """Both together."""
        return Spent(self.usd + other.usd, self.calls + other.calls, self.tokens + other.tokens)

    def __sub__(self, other: "Spent") -> "Spent":
        """What is left of this without the other, never below nothing."""
        return Spent(
            max(0.0, self.usd - other.usd),
            max(0, self.calls - other.calls),
            max(0, self.tokens - other.tokens),
        )

    @property
    def told(self) -> str:
        """In words."""
        return f"{self.calls:,} calls, {self.tokens:,} tokens and {self.usd:,.4f} USD"


NOTHING: Final = Spent()


def spent_by(attempt: Attempt) -> Spent:
    """What one attempt took."""
    tokens = (attempt.input_tokens or 0) + (attempt.output_tokens or 0)
    return Spent(attempt.cost_usd or 0.0, 1, tokens)


def spent_on(engine: sa.Engine, scope: str) -> Spent:
    """What all runs together spent on a scope."""
    columns = call_attempts.c
    query = sa.select(
        sa.func.coalesce(sa.func.sum(columns.cost_usd), 0.0),
        sa.func.count(),
        sa.func.coalesce(sa.func.sum(columns.input_tokens), 0)
        + sa.func.coalesce(sa.func.sum(columns.output_tokens), 0),
    ).where(columns.scope == scope)
    try:
        with engine.connect() as connection:
            usd, calls, tokens = connection.execute(query).one()
    except sa.exc.SQLAlchemyError as error:
        raise journal_failure(engine, error, did="read") from None
    return Spent(float(usd), int(calls), int(tokens))


@dataclass(frozen=True)
class UsualTokens:
    """Mean tokens of a system's newest answers; `answers` is how many counted."""

    input_tokens: float
    output_tokens: float
    answers: int


def usual_tokens(engine: sa.Engine, system_id: str) -> UsualTokens | None:
    """Over the system's newest 200 answers with counted tokens, of any scope; None without any."""
    columns = call_attempts.c
    newest = (
        sa.select(columns.input_tokens, columns.output_tokens)
        .where(
            columns.system_id == system_id,
            columns.status == "answered",
            columns.input_tokens.is_not(None),
            columns.output_tokens.is_not(None),
        )
        .order_by(columns.recorded_at.desc())
        .limit(NEWEST_ANSWERS)
        .subquery()
    )
    query = sa.select(
        sa.func.avg(newest.c.input_tokens), sa.func.avg(newest.c.output_tokens), sa.func.count()
    )
    try:
        with engine.connect() as connection:
            read, written, answers = connection.execute(query).one()
    except sa.exc.SQLAlchemyError as error:
        raise journal_failure(engine, error, did="read") from None
    return UsualTokens(float(read), float(written), int(answers)) if answers else None


CALL_SPANS: Final = schema_of(
    {"system_id": pl.String, "ended_at": UTC_MICROSECONDS, "latency_seconds": pl.Float64}
)


def call_spans(engine: sa.Engine, scope: str) -> pl.DataFrame:
    """When each attempt of a scope was under way (`CALL_SPANS`); what came by batch is left out."""
    columns = call_attempts.c
    query = sa.select(columns.system_id, columns.recorded_at, columns.latency_seconds).where(
        columns.scope == scope,
        columns.batch_id.is_(None),
        columns.latency_seconds.is_not(None),
    )
    try:
        with engine.connect() as connection:
            rows = connection.execute(query).all()
    except sa.exc.SQLAlchemyError as error:
        raise journal_failure(engine, error, did="read") from None
    return pl.DataFrame(
        [(system, read_utc(ended), latency) for system, ended, latency in rows],
        schema=CALL_SPANS,
        orient="row",
    )
