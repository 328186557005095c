"""Scores a candidate's answers in every dimension of their routes, beside the one that decides."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from eval_pipeline.evaluation.built_in_dimensions import built_in_scores
from eval_pipeline.evaluation.dimension_states import with_states
from eval_pipeline.evaluation.dimensions import (
    compare_dimensions,
    dimension_frame,
    dimension_rows,
    unanswered_score,
)
from eval_pipeline.evaluation.trial_items import (
    SYNTHETIC,
    TrialItem,
    golden_items,
    reserve_identity,
    reserve_items,
)
from eval_pipeline.evaluation.trials import score_request
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.contamination import unknown_trials
from eval_pipeline.flows.regression import version_of
from eval_pipeline.flows.reserve import reserve_of
from eval_pipeline.flows.scoring import deciding_scorer, score_by
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.ports import Score, ScoreRequest
from eval_pipeline.settings import Scoring
from eval_pipeline.tables import DIMENSION_REPORT

Items = Mapping[tuple[int, str], TrialItem]


@dataclass(frozen=True)
class _Place:
    """A trial, the scorer that decides on it, and the others that its route names.

    `request` is null where there is no answer to score, or its item or text is gone. `built_in`
    are the scores that no scorer gives.
    """

    trial: Mapping[str, Any]
    request: ScoreRequest | None
    deciding: str
    others: tuple[Scoring, ...]
    built_in: Mapping[str, Score]


def score_dimensions(
    pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame
) -> pl.DataFrame:
    """The TRIAL_DIMENSIONS of REGRESSION_TRIALS; judge calls are paid in the candidate's scope.

    The score that decides is the trial's and is not asked for again. Where failing well is what is
    asked, no other dimension has a meaning, and none is there.
    """
    items = _items(pipeline, trials)
    places = [_place(pipeline, trial, items) for trial in trials.iter_rows(named=True)]
    scores: list[dict[str, Score]] = [{} for _ in places]
    for scoring, chosen in _batches(places):
        by_dimension = _scored(
            pipeline, [places[at] for at in chosen], scoring, scope=candidate.scope
        )
        for dimension, found in by_dimension.items():
            for at, score in zip(chosen, found, strict=True):
                scores[at][dimension] = score
    return dimension_frame(
        [
            row
            for place, others in zip(places, scores, strict=True)
            for row in dimension_rows(
                place.trial, deciding=place.deciding, others={**others, **place.built_in}
            )
        ]
    )


def report_dimensions(
    pipeline: Pipeline, candidate: Candidate, scores: pl.DataFrame, *, trials: pl.DataFrame
) -> pl.DataFrame:
    """The DIMENSION_REPORT of a candidate; items that either arm may know count in no dimension."""
    version = version_of(pipeline, trials)
    counted = unknown_trials(pipeline, candidate, scores, version=version)
    policy = pipeline.settings.gate
    return with_states(
        compare_dimensions(counted, confidence=policy.confidence),
        counted,
        policy=policy,
        subsets=pipeline.settings.subsets,
    )


def dimensions_held(pipeline: Pipeline, candidate_id: str) -> pl.DataFrame | None:
    """The candidate's DIMENSION_REPORT; null for one that was evaluated before there was one."""
    return pipeline.lake.read_if_made(DIMENSION_REPORT, partition=candidate_id)


def _items(pipeline: Pipeline, trials: pl.DataFrame) -> Items:
    """The items of the trials that are still there, by golden version and id."""
    held: dict[tuple[int, str], TrialItem] = {}
    for (version,), own in trials.group_by("golden_version", maintain_order=True):
        number = int(str(version))
        found = golden_items(pipeline.golden.items(number), golden_version=number)
        asked = set(own.filter(pl.col("source") == "reserve")["item_id"])
        if asked:
            reserve = reserve_of(pipeline, version=number)
            there = {reserve_identity(each) for each in reserve["interaction_id"]}
            found += reserve_items(reserve, sorted(asked & there), look=1, golden_version=number)
        held |= {(number, item.item_id): item for item in found}
    return held


def _place(pipeline: Pipeline, trial: Mapping[str, Any], items: Items) -> _Place:
    item = items.get((trial["golden_version"], trial["item_id"]))
    synthetic = trial["source"] == SYNTHETIC
    asked = ScoreRequest(
        item_id=trial["item_id"],
        trial=trial["trial"],
        route=trial["route"],
        messages=(),
        response=trial["response"] or "",
        reference_response=None if item is None else item.reference_response,
        expected_behaviour="graceful_failure" if synthetic else "answer",
    )
    deciding = deciding_scorer(pipeline, asked).dimensions[0]
    scorers = () if synthetic else pipeline.settings.scorers_of(trial["route"])
    others = tuple(scoring for scoring in scorers if set(scoring.dimensions) != {deciding})
    answered = item is not None and trial["status"] == "answered" and trial["response"] is not None
    return _Place(
        trial=trial,
        request=score_request(item, trial["response"], trial=trial["trial"])
        if answered and item is not None
        else None,
        deciding=deciding,
        others=others,
        built_in={} if synthetic else built_in_scores(trial, scorers),
    )


def _batches(places: Sequence[_Place]) -> Iterator[tuple[Scoring, list[int]]]:
    """Each scorer with the places that it is one of the others of."""
    distinct: list[Scoring] = []
    for place in places:
        distinct += [each for each in place.others if each not in distinct]
    for scoring in distinct:
        yield scoring, [at for at, place in enumerate(places) if scoring in place.others]


def _scored(
    pipeline: Pipeline, places: Sequence[_Place], scoring: Scoring, *, scope: str
) -> Mapping[str, list[Score]]:
    """One score per place and dimension of the scorer."""
    requests = [place.request for place in places if place.request is not None]
    given = score_by(pipeline, requests, scoring, scope=scope)
    scored: dict[str, list[Score]] = {}
    for dimension, found in given.items():
        answers = iter(found)
        scored[dimension] = [
            unanswered_score(place.trial) if place.request is None else next(answers)
            for place in places
        ]
    return scored
