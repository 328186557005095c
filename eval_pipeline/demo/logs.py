"""Writes the demo's production logs: weeks of an online pharmacy's assistant at work.

The responses are the provider's own model's, so logged quality is the baseline's, its silent
change included. Personal data stand in messages, responses, user ids, attributes and errors.
"""

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from eval_pipeline.demo.canaries import (
    Planted,
    closing,
    device_attributes,
    error_text,
    mention,
)
from eval_pipeline.demo.draws import stream
from eval_pipeline.demo.knowledge import assess
from eval_pipeline.demo.people import Customer, customer
from eval_pipeline.demo.pharmacy_models import FIRST_WEEK, PHARMACY_MODELS
from eval_pipeline.demo.questions import compose
from eval_pipeline.demo.tokens import count_prompt_tokens, count_tokens
from eval_pipeline.tables import INTERACTION_SCHEMA

CONVERSATIONS_PER_WEEK: Final = 750
CUSTOMERS: Final = 4000
LOGGED_MODEL: Final = "pharma-large"
PROMPT_VERSION: Final = "assistant-v3"
USD_PER_MILLION_INPUT_TOKENS: Final = 2.5
USD_PER_MILLION_OUTPUT_TOKENS: Final = 10.0

_FIRST_MIX: Final = {
    "order_status": 0.26,
    "refunds": 0.20,
    "renewals": 0.16,
    "medication": 0.24,
    "store_hours": 0.14,
}
_WEEKLY_CHANGE: Final = {
    "order_status": -0.008,
    "refunds": -0.004,
    "renewals": -0.005,
    "medication": 0.020,
    "store_hours": -0.003,
}
_LONGEST_DRIFT_WEEKS: Final = 12
_SAME_ROUTE_SHARE: Final = 0.7
_TALKATIVE_SHARE: Final = 0.35
_REPEATED_SHARE: Final = 0.25
_ATTRIBUTES_SHARE: Final = 0.06
_ERROR_SHARE: Final = 0.006
_FEEDBACK_SHARE: Final = 0.08
_OUTCOME_KNOWN_SHARE: Final = 0.88
_RESOLVED: Final = {True: 0.90, False: 0.35}
_ESCALATED: Final = {True: 0.02, False: 0.15}


@dataclass(frozen=True)
class LogSummary:
    """What was written; `canaries` are the planted personal strings, sorted, each once."""

    files: tuple[Path, ...]
    conversations: int
    interactions: int
    canaries: tuple[str, ...]


@dataclass(frozen=True)
class _Turn:
    """One interaction's row and what was planted in it."""

    row: dict[str, Any]
    canaries: tuple[str, ...]


def write_logs(
    folder: Path,
    *,
    weeks: Sequence[dt.date],
    seed: int,
    conversations_per_week: int = CONVERSATIONS_PER_WEEK,
) -> LogSummary:
    """Writes `folder/week=YYYY-MM-DD/part-0.parquet` per week; same arguments, same bytes."""
    files, canaries, interactions = [], set[str](), 0
    for week in weeks:
        turns = _week(week, seed=seed, conversations=conversations_per_week)
        file = folder / f"week={week.isoformat()}" / "part-0.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        _frame(turns).write_parquet(file, compression="zstd", statistics=True)
        files.append(file)
        interactions += len(turns)
        canaries |= {canary for turn in turns for canary in turn.canaries}
    return LogSummary(
        files=tuple(files),
        conversations=conversations_per_week * len(weeks),
        interactions=interactions,
        canaries=tuple(sorted(canaries)),
    )


def planted_canaries(
    *,
    weeks: Sequence[dt.date],
    seed: int,
    conversations_per_week: int = CONVERSATIONS_PER_WEEK,
) -> list[str]:
    """Every personal string that `write_logs` plants with these arguments, sorted, each once."""
    return sorted(
        {
            canary
            for week in weeks
            for turn in _week(week, seed=seed, conversations=conversations_per_week)
            for canary in turn.canaries
        }
    )


def route_mix(week: dt.date) -> dict[str, float]:
    """The share of each route in a week: medication grows at the expense of the others."""
    elapsed = min(max((week - FIRST_WEEK).days // 7, 0), _LONGEST_DRIFT_WEEKS)
    return {route: share + elapsed * _WEEKLY_CHANGE[route] for route, share in _FIRST_MIX.items()}


def _frame(turns: Sequence[_Turn]) -> pl.DataFrame:
    rows = [turn.row for turn in turns]
    return pl.DataFrame(rows, schema=INTERACTION_SCHEMA).sort("occurred_at", "interaction_id")


def _week(week: dt.date, *, seed: int, conversations: int) -> list[_Turn]:
    return [
        turn
        for number in range(conversations)
        for turn in _conversation(week, number=number, seed=seed)
    ]


def _conversation(week: dt.date, *, number: int, seed: int) -> list[_Turn]:
    draws = stream("demo-log", str(seed), week.isoformat(), str(number))
    person = customer(draws.randrange(CUSTOMERS), seed=seed)
    talkative = draws.random() < _TALKATIVE_SHARE
    mix = route_mix(week)
    route = _draw_route(mix, draws=draws)
    at = _beginning(week, draws=draws)
    history: list[dict[str, str]] = []
    turns: list[_Turn] = []
    for position in range(draws.choice((1, 2, 3))):
        if position and draws.random() > _SAME_ROUTE_SHARE:
            route = _draw_route(mix, draws=draws)
        asked = _ask(route, person, talkative=talkative, draws=draws)
        history.append({"role": "user", "content": asked.text})
        identity = f"{week:%Y%m%d}-{number:05d}"
        keys = {
            "interaction_id": f"i-{identity}-{position + 1}",
            "conversation_id": f"c-{identity}",
            "occurred_at": at,
            "route": route,
        }
        turn = _interaction(keys, history, person, talkative=talkative, draws=draws)
        turns.append(_Turn(turn.row, (*asked.canaries, *turn.canaries)))
        if turn.row["response"] is not None:
            history.append({"role": "assistant", "content": turn.row["response"]})
        at += dt.timedelta(seconds=draws.randrange(20, 240))
    return turns


def _interaction(
    keys: dict[str, Any],
    history: Sequence[dict[str, str]],
    person: Customer,
    *,
    talkative: bool,
    draws: random.Random,
) -> _Turn:
    attributes, canaries = _attributes(person, draws=draws)
    if person.named_by_user_id:
        canaries = (*canaries, person.user_id)
    common = {
        **keys,
        "user_id": person.user_id,
        "prompt_version": PROMPT_VERSION,
        "messages": list(history),
        "provider": "pharmacy-cloud",
        "requested_model": LOGGED_MODEL,
        "latency_seconds": round(draws.lognormvariate(-0.2, 0.5), 4),
        "attributes": attributes,
    }
    if draws.random() < _ERROR_SHARE:
        failure = error_text(person, draws=draws)
        row = {**_blank(), **common, "error": failure.text, "escalated": True}
        return _Turn(row, (*canaries, *failure.canaries))
    answered, planted = _answer(keys, history, person, talkative=talkative, draws=draws)
    return _Turn({**_blank(), **common, **answered}, (*canaries, *planted))


def _answer(
    keys: dict[str, Any],
    history: Sequence[dict[str, str]],
    person: Customer,
    *,
    talkative: bool,
    draws: random.Random,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    epoch = keys["occurred_at"].date()
    epoch -= dt.timedelta(days=epoch.weekday())
    answer = PHARMACY_MODELS[LOGGED_MODEL].answer(history, epoch=epoch.isoformat())
    text = answer.text
    canaries: tuple[str, ...] = ()
    if talkative and keys["route"] != "order_status" and draws.random() < _REPEATED_SHARE:
        repeated = closing(person, draws=draws)
        text, canaries = f"{text}\n{repeated.text}", repeated.canaries
    correct = assess(history, text).correct
    input_tokens, output_tokens = count_prompt_tokens(history), count_tokens(text)
    cost = (
        input_tokens * USD_PER_MILLION_INPUT_TOKENS + output_tokens * USD_PER_MILLION_OUTPUT_TOKENS
    ) / 1e6
    return {
        "response": text,
        "served_model": answer.served_model,
        "finish_reason": answer.finish_reason,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cost_usd": cost,
        **_consequences(correct=correct, draws=draws),
    }, canaries


def _consequences(*, correct: bool, draws: random.Random) -> dict[str, Any]:
    resolved = draws.random() < _RESOLVED[correct]
    known = draws.random() < _OUTCOME_KNOWN_SHARE
    spoke = draws.random() < _FEEDBACK_SHARE
    return {
        "outcome": float(resolved) if known else None,
        "feedback": (1 if resolved else -1) if spoke else None,
        "escalated": draws.random() < _ESCALATED[correct],
    }


def _ask(route: str, person: Customer, *, talkative: bool, draws: random.Random) -> Planted:
    question = compose(route, draws=draws)
    if not talkative:
        return Planted(question, ())
    said = [mention(person, draws=draws) for _ in range(draws.choice((0, 1, 1, 2)))]
    return Planted(
        "\n".join((question, *(one.text for one in said))),
        tuple(canary for one in said for canary in one.canaries),
    )


def _attributes(
    person: Customer, *, draws: random.Random
) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    attributes = {"channel": draws.choice(("web", "app", "chat widget")), "locale": "en"}
    canaries: tuple[str, ...] = ()
    if draws.random() < _ATTRIBUTES_SHARE:
        personal, canaries = device_attributes(person)
        attributes |= personal
    return [{"key": key, "value": value} for key, value in attributes.items()], canaries


def _draw_route(mix: dict[str, float], *, draws: random.Random) -> str:
    return draws.choices(list(mix), weights=list(mix.values()))[0]


def _beginning(week: dt.date, *, draws: random.Random) -> dt.datetime:
    monday = dt.datetime(week.year, week.month, week.day, tzinfo=dt.UTC)
    hour = min(22, max(0, round(draws.gauss(14, 4))))
    return monday + dt.timedelta(days=draws.randrange(7), hours=hour, seconds=draws.randrange(3000))


def _blank() -> dict[str, Any]:
    return dict.fromkeys(INTERACTION_SCHEMA)
