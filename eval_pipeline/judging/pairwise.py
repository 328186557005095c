"""Pairs of responses, always judged in both orders: a preference that flips with them is a tie."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from eval_pipeline.judging.calls import judge_call, judge_of, judge_system_id
from eval_pipeline.judging.panel_scoring import BELOW_QUORUM
from eval_pipeline.judging.parsing import (
    PREFERENCE_SCHEMA,
    Unusable,
    answer_in,
    parse_preference,
)
from eval_pipeline.judging.prompts import pairwise_messages
from eval_pipeline.judging.rubrics import Rubric, pairwise_for
from eval_pipeline.ports import CallOutcome, Message, ModelCall, Score
from eval_pipeline.settings import JudgeSettings

FIRST_ORDER = "response_first"
SECOND_ORDER = "response_second"
PREFERENCE = "preference"

_SCORE_OF_PREFERENCE = {
    FIRST_ORDER: {"a": 1.0, "tie": 0.5, "b": 0.0},
    SECOND_ORDER: {"a": 0.0, "tie": 0.5, "b": 1.0},
}


@dataclass(frozen=True)
class ResponsePair:
    """Two responses to one conversation; the score is the first one's."""

    pair_id: str
    route: str
    messages: tuple[Message, ...]
    first: str
    second: str
    reference_response: str | None = None


@dataclass(frozen=True)
class Preference:
    """One judge's preference over both orders.

    `score` is 1 for the first response, 0 for the second, 0.5 for a tie; null with `error` where
    an order is missing. `consistent` is false where the orders contradict each other, null where
    one is missing.
    """

    pair_id: str
    judge_id: str
    score: float | None
    consistent: bool | None
    error: str | None


@dataclass(frozen=True)
class Preferences:
    """All preferences, by pair and judge in the planned order, with what was counted on the way."""

    preferences: tuple[Preference, ...]
    inconsistent: int
    missing: int

    def of_pair(self, pair_id: str) -> list[dict[str, object]]:
        """One pair's preferences as REGRESSION_TRIALS holds them."""
        return [
            {
                "judge_id": one.judge_id,
                "score": one.score,
                "consistent": one.consistent,
                "error": one.error,
            }
            for one in self.preferences
            if one.pair_id == pair_id
        ]


def plan_preferences(
    pairs: Sequence[ResponsePair],
    *,
    judges: Mapping[str, JudgeSettings],
    rubrics: Sequence[Rubric],
    scope: str,
) -> list[ModelCall]:
    """Two calls per pair and judge, one in each order."""
    return [
        judge_call(
            judge,
            _messages(pair, rubrics, order=order),
            scope=scope,
            system_id=judge_system_id(judge_id),
            item_id=_ordered_id(pair, order),
            output_schema=PREFERENCE_SCHEMA,
        )
        for pair in pairs
        for judge_id, judge in judges.items()
        for order in (FIRST_ORDER, SECOND_ORDER)
    ]


def read_preferences(
    pairs: Sequence[ResponsePair],
    outcomes: Sequence[CallOutcome],
    *,
    judges: Mapping[str, JudgeSettings],
) -> Preferences:
    """One preference per pair and judge: what holds in both orders counts, all else is a tie."""
    scores = {(judge_of(outcome), outcome.call.item_id): _score(outcome) for outcome in outcomes}
    preferences = tuple(
        _preference(
            pair,
            judge_id,
            [
                scores.get((judge_id, _ordered_id(pair, order)), "not_asked")
                for order in (FIRST_ORDER, SECOND_ORDER)
            ],
        )
        for pair in pairs
        for judge_id in judges
    )
    return Preferences(
        preferences=preferences,
        inconsistent=sum(preference.consistent is False for preference in preferences),
        missing=sum(preference.score is None for preference in preferences),
    )


def mean_preferences(preferences: Preferences, *, quorum: int) -> dict[str, Score]:
    """By pair, the first response's mean score over judges; null below the quorum."""
    scores: dict[str, list[float]] = {}
    for preference in preferences.preferences:
        known = scores.setdefault(preference.pair_id, [])
        if preference.score is not None:
            known.append(preference.score)
    return {
        pair_id: Score(statistics.fmean(known), None, PREFERENCE)
        if len(known) >= quorum
        else Score(None, BELOW_QUORUM, PREFERENCE)
        for pair_id, known in scores.items()
    }


def order_effects(trials: pl.DataFrame) -> pl.DataFrame:
    """One row per judge that compared answers in REGRESSION_TRIALS, by its name.

    Of its `pairs`, those preferred alike in both orders, those that moved with the order and so
    count as ties, and those of which an order is missing.
    """
    given = trials.select(pl.col("preferences").explode()).drop_nulls().unnest("preferences")
    return (
        given.group_by("judge_id")
        .agg(
            pairs=pl.len(),
            consistent=pl.col("consistent").sum(),
            moved_with_order=(~pl.col("consistent")).sum(),
            missing=pl.col("score").null_count(),
        )
        .sort("judge_id")
    )


def order_sentences(trials: pl.DataFrame) -> list[str]:
    """What the decision says of preferences that moved with the order, judge by judge."""
    return [
        f"Judge '{row['judge_id']}': {row['moved_with_order']} of {row['pairs']} preferences moved "
        f"with the order of the answers and count as ties; {row['missing']} are missing."
        for row in order_effects(trials).iter_rows(named=True)
    ]


def _preference(pair: ResponsePair, judge_id: str, in_orders: Sequence[float | str]) -> Preference:
    codes = [answer for answer in in_orders if isinstance(answer, str)]
    if codes:
        return Preference(pair.pair_id, judge_id, score=None, consistent=None, error=codes[0])
    values = {answer for answer in in_orders if isinstance(answer, float)}
    if len(values) == 1:
        return Preference(pair.pair_id, judge_id, values.pop(), consistent=True, error=None)
    return Preference(pair.pair_id, judge_id, score=0.5, consistent=False, error=None)


def _score(outcome: CallOutcome) -> float | str:
    """The first response's score in the order that was asked, or the code of what was wrong."""
    answer = answer_in(outcome, parse_preference)
    if answer is None:
        return outcome.error_code or outcome.status
    if isinstance(answer, Unusable):
        return answer.code
    order = outcome.call.item_id.rpartition("|")[2]
    return _SCORE_OF_PREFERENCE[order][answer.preference]


def _ordered_id(pair: ResponsePair, order: str) -> str:
    return f"{pair.pair_id}|{order}"


def _messages(pair: ResponsePair, rubrics: Sequence[Rubric], *, order: str) -> tuple[Message, ...]:
    first_leads = order == FIRST_ORDER
    return pairwise_messages(
        pairwise_for(rubrics, pair.route),
        conversation=pair.messages,
        response_a=pair.first if first_leads else pair.second,
        response_b=pair.second if first_leads else pair.first,
        reference=pair.reference_response,
    )
