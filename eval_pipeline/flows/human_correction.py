"""What stored labels of people say of the judges that score a candidate."""

import polars as pl

from eval_pipeline.evaluation.human_correction.judge_bias import JudgeBias
from eval_pipeline.evaluation.human_correction.rectifying import (
    bias_bound,
    pooled_rectifier,
    scores_fingerprint,
)
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import HUMAN_CORRECTION


def correction_of(
    pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame
) -> pl.DataFrame | None:
    """The HUMAN_CORRECTION of these very scores, or None: of other scores it says nothing."""
    found = pipeline.lake.read_if_made(HUMAN_CORRECTION, partition=candidate.candidate_id)
    if found is None:
        return None
    same = (found["trials_fingerprint"] == scores_fingerprint(trials)).all()
    return found if same else None


def judge_bias_of(
    pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame
) -> JudgeBias | None:
    """What is known of the judges' bias on this candidate: by its own labels, else by others'."""
    own = correction_of(pipeline, candidate, trials)
    rectifier = None if own is None else pooled_rectifier(own)
    if rectifier is not None:
        return rectifier
    others = [
        pipeline.lake.read(HUMAN_CORRECTION, partition=name)
        for name in pipeline.lake.partitions(HUMAN_CORRECTION)
        if name != candidate.candidate_id
    ]
    return bias_bound(others, policy=pipeline.settings.gate.human)
