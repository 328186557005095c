"""The rotation's effect on comparability, from the week's re-run of the newest versions."""

import polars as pl

from eval_pipeline.evaluation.rotation_effect import rotation_effects
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import DRIFT_TRIALS


def rotation_of_week(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """ROTATION_EFFECT of the versions that the week's DRIFT_TRIALS hold."""
    trials = pipeline.lake.read(DRIFT_TRIALS, partition=week)
    return rotation_effects(
        trials, synthetic=_synthetic(pipeline, trials), policy=pipeline.settings.drift
    )


def _synthetic(pipeline: Pipeline, trials: pl.DataFrame) -> set[str]:
    asked = set(trials["golden_versions"].explode(empty_as_null=True).drop_nulls().unique())
    made: set[str] = set()
    for number in sorted(asked & set(pipeline.golden.numbers())):
        items = pipeline.golden.items(number)
        made |= set(items.filter(pl.col("selection") == "synthetic")["item_id"])
    return made
