"""Confidence against accuracy of a candidate, and what a model earns over a naive system."""

import polars as pl

from eval_pipeline.errors import SettingsError
from eval_pipeline.evaluation.confidence_curves import confidence_curves
from eval_pipeline.evaluation.earning import Earning, earning_sentences, earnings
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.contamination import excluded_ids, known_items
from eval_pipeline.flows.regression import counted_trials, version_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import REGRESSION_REPORT, REGRESSION_TRIALS


def curves_of(pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame) -> pl.DataFrame:
    """CONFIDENCE_CURVES of both arms, without items that a system may have known."""
    version = version_of(pipeline, trials)
    known = excluded_ids(known_items(pipeline, candidate, version=version))
    return confidence_curves(
        trials.filter(~pl.col("item_id").is_in(known)),
        subsets=sorted(pipeline.settings.subsets),
        policy=pipeline.settings.escalation,
    )


def earnings_of(pipeline: Pipeline, candidate: Candidate) -> list[Earning]:
    """What the arm with a model earns over the naive one, by subset, from what is in the lake.

    Raises `SettingsError` where neither arm or both are naive, and `MissingPartitionError` before
    the evaluation.
    """
    naive = [candidate.baseline.naive is not None, candidate.system.naive is not None]
    if sum(naive) != 1:
        both = "Both systems are" if all(naive) else "Neither system is"
        raise SettingsError(
            f"{both} naive: '{candidate.baseline_id}' and '{candidate.candidate_id}'. What a model "
            "earns is told against one that is; name a candidate whose settings have `naive`."
        )
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=candidate.candidate_id)
    return _earned(pipeline, candidate, counted_trials(pipeline, candidate, trials).trials)


def earning_notes(pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame) -> list[str]:
    """The same in sentences for the decision's reasons; none unless exactly one arm is naive."""
    if (candidate.baseline.naive is None) == (candidate.system.naive is None):
        return []
    return earning_sentences(_earned(pipeline, candidate, trials))


def _earned(pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame) -> list[Earning]:
    return earnings(
        trials,
        pipeline.lake.read(REGRESSION_REPORT, partition=candidate.candidate_id),
        naive_arm="candidate" if candidate.baseline.naive is None else "baseline",
        subsets=sorted(pipeline.settings.subsets),
        confidence=pipeline.settings.gate.confidence,
    )
