"""The weights of the judges' votes, from labels that were settled before the week at hand."""

from collections.abc import Mapping

from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.reliability import judge_weights
from eval_pipeline.tables import JUDGE_CALIBRATION


def weights_before(pipeline: Pipeline, *, week: str | None = None) -> dict[str, float] | None:
    """By judge, from the newest calibration before `week`, or the newest of all; null: all equal.

    Never from the week's own labels: they measure this week's panel and must not steer it.
    """
    if pipeline.settings.panel.weights == "equal":
        return None
    weeks = pipeline.lake.partitions(JUDGE_CALIBRATION)
    earlier = [known for known in weeks if week is None or known < week]
    calibration = pipeline.lake.read(JUDGE_CALIBRATION, partition=earlier[-1]) if earlier else None
    return judge_weights(calibration, judges=pipeline.settings.judges)


def weights_told(weights: Mapping[str, float] | None) -> str:
    """The weights in one line."""
    if weights is None:
        return "equal"
    return ", ".join(f"{judge} {weight:.2f}" for judge, weight in sorted(weights.items()))
