"""The rotation's effect on comparability, from the week's re-run of the newest versions."""

import polars as pl

from eval_pipeline.evaluation.rotation_effect import rotation_effects
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import DRIFT_TRIALS


def rotation_of_week(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """ROTATION_EFFECT of the versions that the week's DRIFT_TRIALS hold."""
    trials = pipeline.lake.read(DRIFT_TRIALS, partition=week)
    return rotation_effects(trials, policy=pipeline.settings.drift)
