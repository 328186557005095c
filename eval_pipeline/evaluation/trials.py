"""From items to planned calls, and from outcomes and scores to rows of trials.

Items, outcomes and scores go side by side in one order: the same item may stand in it twice, in
two revisions, and is still asked and paid once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from eval_pipeline.evaluation.trial_items import TrialItem
from eval_pipeline.ports import (
    CallOutcome,
    Message,
    ModelCall,
    ModelSpec,
    Score,
    ScoreRequest,
)
from eval_pipeline.settings import SystemSettings
from eval_pipeline.tables import CALL_COLUMNS, DRIFT_TRIALS, REGRESSION_TRIALS

NOT_SCORED = "not_scored"

Arm = Literal["baseline", "candidate"]


@dataclass(frozen=True)
class RecordedAnswer:
    """An answer of an earlier week, with the row it came in, to be scored again."""

    item: TrialItem
    request: ScoreRequest
    row: Mapping[str, Any]


def plan_trials(
    items: Sequence[TrialItem],
    *,
    system_id: str,
    system: SystemSettings,
    scope: str,
    trial: int = 1,
) -> list[ModelCall]:
    """One call per item, in order; the system's prompt, if any, goes first."""
    spec = ModelSpec(
        provider=system.provider,
        model=system.model,
        parameters=tuple(sorted(system.parameters.items())),
        usd_per_million_input_tokens=system.usd_per_million_input_tokens,
        usd_per_million_output_tokens=system.usd_per_million_output_tokens,
    )
    opening = (Message("system", system.prompt),) if system.prompt else ()
    return [
        ModelCall(
            scope=scope,
            system_id=system_id,
            item_id=item.item_id,
            spec=spec,
            messages=opening + item.messages,
            trial=trial,
            route=item.route,
        )
        for item in items
    ]


def score_request(item: TrialItem, response: str, *, trial: int) -> ScoreRequest:
    """The request to score a response to the item."""
    return ScoreRequest(
        item_id=item.item_id,
        trial=trial,
        route=item.route,
        messages=item.messages,
        response=response,
        reference_response=item.reference_response,
        expected_behaviour=item.expected_behaviour,
    )


def score_requests(
    items: Sequence[TrialItem], outcomes: Sequence[CallOutcome]
) -> list[ScoreRequest | None]:
    """What is to be scored, in order; None for refusals and failures, which need no scorer."""
    return [
        None
        if outcome.status != "answered" or outcome.text is None
        else score_request(item, outcome.text, trial=outcome.call.trial)
        for item, outcome in zip(items, outcomes, strict=True)
    ]


def trial_rows(
    items: Sequence[TrialItem],
    outcomes: Sequence[CallOutcome],
    *,
    scores: Sequence[Score | None],
    arm: Arm,
    system_id: str,
) -> pl.DataFrame:
    """One arm's rows of REGRESSION_TRIALS.

    A refusal is an output and scores 0.0, or 1.0 where failing gracefully is all that is asked; a
    failed call has no score and says why.
    """
    rows = [
        {
            **_regression_columns(item, arm),
            **shared,
            "confidence": outcome.confidence,
            "answered_from": outcome.answered_from,
        }
        for outcome, (item, shared) in zip(
            outcomes, _shared(items, outcomes, scores, system_id), strict=True
        )
    ]
    return REGRESSION_TRIALS.conform(pl.DataFrame(rows, schema=REGRESSION_TRIALS.schema))


def drift_rows(
    items: Sequence[TrialItem],
    outcomes: Sequence[CallOutcome],
    *,
    scores: Sequence[Score | None],
    system_id: str,
) -> pl.DataFrame:
    """DRIFT_TRIALS of items answered and scored this week."""
    rows = [
        {**_drift_columns(item), "stream": "rerun", "reference_week": None, **shared}
        for item, shared in _shared(items, outcomes, scores, system_id)
    ]
    return DRIFT_TRIALS.conform(pl.DataFrame(rows, schema=DRIFT_TRIALS.schema))


def rejudged_rows(
    answers: Sequence[RecordedAnswer],
    *,
    scores: Sequence[Score | None],
    system_id: str,
    reference_week: str,
) -> pl.DataFrame:
    """DRIFT_TRIALS of old answers scored this week; the call's figures are the old call's."""
    rows = [
        {
            **{name: answer.row[name] for name in CALL_COLUMNS},
            **_drift_columns(answer.item),
            **_score_columns(score or Score(None, NOT_SCORED, "none")),
            "stream": "rejudged",
            "reference_week": reference_week,
            "system_id": system_id,
            "trial": answer.request.trial,
            "response": answer.request.response,
        }
        for answer, score in zip(answers, scores, strict=True)
    ]
    return DRIFT_TRIALS.conform(pl.DataFrame(rows, schema=DRIFT_TRIALS.schema))


def _shared(
    items: Sequence[TrialItem],
    outcomes: Sequence[CallOutcome],
    scores: Sequence[Score | None],
    system_id: str,
) -> Iterator[tuple[TrialItem, dict[str, Any]]]:
    for item, outcome, score in zip(items, outcomes, scores, strict=True):
        columns = {
            **{name: getattr(outcome, name) for name in CALL_COLUMNS},
            **_score_columns(_score_of(item, outcome, score)),
            "system_id": system_id,
            "item_id": item.item_id,
            "trial": outcome.call.trial,
            "route": item.route,
            "subsets": list(item.subsets),
            "response": outcome.text,
        }
        yield item, columns


def trial_scores(
    items: Sequence[TrialItem], outcomes: Sequence[CallOutcome], scores: Sequence[Score | None]
) -> list[Score]:
    """What each trial counts for: a scorer's score, a refusal's, or none with the reason."""
    return [_score_of(*trial) for trial in zip(items, outcomes, scores, strict=True)]


def _score_of(item: TrialItem, outcome: CallOutcome, score: Score | None) -> Score:
    if outcome.status == "refused":
        return Score(float(item.expected_behaviour == "graceful_failure"), None, "refusal")
    if outcome.status == "failed":
        return Score(None, outcome.error_code or "failed", "none")
    return score or Score(None, NOT_SCORED, "none")


def _score_columns(score: Score) -> dict[str, Any]:
    return {"scorer": score.scorer, "score": score.value, "score_error": score.error}


def _regression_columns(item: TrialItem, arm: Arm) -> dict[str, Any]:
    return {
        "arm": arm,
        "source": item.source,
        "look": item.look,
        "golden_version": item.golden_version,
        "subsets": list(item.subsets),
        "cluster_id": item.conversation_key,
    }


def _drift_columns(item: TrialItem) -> dict[str, Any]:
    return {
        "item_id": item.item_id,
        "item_revision": item.item_revision,
        "golden_versions": list(item.golden_versions),
        "route": item.route,
        "subsets": list(item.subsets),
        "conversation_key": item.conversation_key,
    }
