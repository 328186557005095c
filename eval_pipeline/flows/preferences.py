"""Scoring by preference: both arms' answers put before the panel, in both orders."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from eval_pipeline.evaluation.trial_items import TrialItem
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.pairwise import (
    PREFERENCE,
    ResponsePair,
    mean_preferences,
    plan_preferences,
    read_preferences,
)
from eval_pipeline.ports import CallOutcome, Score
from eval_pipeline.settings import PreferenceScoring
from eval_pipeline.tables import REGRESSION_TRIALS

UNPAIRED = "unpaired"


@dataclass(frozen=True)
class Preferred:
    """By item id, the scores that comparing the arms' answers gave to each arm, and by whom."""

    baseline: dict[str, Score] = field(default_factory=dict)
    candidate: dict[str, Score] = field(default_factory=dict)
    by_judge: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    def shown_in(self, trials: pl.DataFrame) -> pl.DataFrame:
        """REGRESSION_TRIALS with what each judge preferred, on the candidate's rows."""
        compared = pl.DataFrame(
            {
                "arm": ["candidate"] * len(self.by_judge),
                "item_id": list(self.by_judge),
                "preferences": list(self.by_judge.values()),
            },
            schema={
                name: REGRESSION_TRIALS.schema[name] for name in ("arm", "item_id", "preferences")
            },
        )
        return trials.drop("preferences").join(compared, on=["arm", "item_id"], how="left")


def compare_answers(
    pipeline: Pipeline,
    items: Sequence[TrialItem],
    *,
    baseline: Sequence[CallOutcome],
    candidate: Sequence[CallOutcome],
    scope: str,
) -> Preferred:
    """Scores of the items whose route is scored by preference; outcomes are in the items' order.

    An answer is preferred to a refusal; where an arm failed, neither has a score.
    """
    preferred = Preferred()
    pairs = []
    for item, before, after in zip(items, baseline, candidate, strict=True):
        if not _by_preference(pipeline, item):
            continue
        if before.text is not None and after.text is not None:
            pairs.append(_pair(item, candidate=after.text, baseline=before.text))
        else:
            _settle(preferred, item.item_id, _without_a_pair(before, after))
    judges = pipeline.settings.judges
    calls = plan_preferences(pairs, judges=judges, rubrics=pipeline.rubrics, scope=scope)
    outcomes = pipeline.runner.run(calls, purpose=f"comparing answers of {scope}")
    read = read_preferences(pairs, outcomes, judges=judges)
    given = mean_preferences(read, quorum=pipeline.settings.panel.quorum)
    for item_id, score in given.items():
        _settle(preferred, item_id, score)
        preferred.by_judge[item_id] = read.of_pair(item_id)
    return preferred


def _by_preference(pipeline: Pipeline, item: TrialItem) -> bool:
    """Items that are to fail gracefully are judged each by itself: both arms may do well."""
    scoring = pipeline.settings.scoring_of(item.route)
    return item.expected_behaviour == "answer" and isinstance(scoring, PreferenceScoring)


def _pair(item: TrialItem, *, candidate: str, baseline: str) -> ResponsePair:
    return ResponsePair(
        pair_id=item.item_id,
        route=item.route,
        messages=item.messages,
        first=candidate,
        second=baseline,
        reference_response=item.reference_response,
    )


def _without_a_pair(baseline: CallOutcome, candidate: CallOutcome) -> Score:
    """The candidate's score where one of the two has no answer to compare."""
    match baseline.status, candidate.status:
        case "answered", "refused":
            return Score(0.0, None, PREFERENCE)
        case "refused", "answered":
            return Score(1.0, None, PREFERENCE)
        case "refused", "refused":
            return Score(0.5, None, PREFERENCE)
        case _:
            return Score(None, UNPAIRED, PREFERENCE)


def _settle(preferred: Preferred, item_id: str, score: Score) -> None:
    preferred.candidate[item_id] = score
    rest = None if score.value is None else 1 - score.value
    preferred.baseline[item_id] = Score(rest, score.error, score.scorer)
