"""What a row of DRIFT_SIGNALS adds in words: why nothing was measured, and what to doubt."""

from collections.abc import Iterator

import polars as pl

from eval_pipeline.evaluation.drift_detection.noise import LEAST_RUNS
from eval_pipeline.evaluation.drift_detection.readings import ALL, Measured
from eval_pipeline.settings import DriftSettings


def note_of(
    measured: Measured, runs: pl.DataFrame, *, stream: str, policy: DriftSettings
) -> str | None:
    """Sentences on one stream and subset, or null; `runs` are the system's reference runs."""
    return " ".join(_sentences(measured, runs, stream=stream, policy=policy)) or None


def days_of(runs: pl.DataFrame) -> int:
    """On how many days the system was asked for its reference runs."""
    return runs["asked_on"].drop_nulls().n_unique()


def _sentences(
    measured: Measured, runs: pl.DataFrame, *, stream: str, policy: DriftSettings
) -> Iterator[str]:
    if measured.reading is None:
        yield _why_not_measured(measured, runs, stream=stream)
        return
    if measured.inflation > 1:
        yield (
            f"Reference runs differ {measured.inflation:.1f} times as much as their items' own "
            "noise explains; the floor is that of the runs."
        )
    if measured.subset == ALL and stream == "rerun":
        fewest = measured.reading.floor.runs
        if fewest < policy.reference_runs:
            yield f"{fewest:.3g} reference runs an item, of {policy.reference_runs}."
        days = days_of(runs)
        if days < policy.reference_days:
            yield (
                f"The reference runs are of {days} day{'' if days == 1 else 's'}, not of "
                f"{policy.reference_days}: how days differ is not in the noise floor."
            )


def _why_not_measured(measured: Measured, runs: pl.DataFrame, *, stream: str) -> str:
    pinned = runs.filter(pl.col("stream") == ("rerun" if stream == "rerun" else "rejudged"))
    if pinned.is_empty() and stream == "rerun":
        return "There are no reference runs: make them with `eval-pipeline drift pin`."
    if pinned.is_empty():
        return "No frozen answer has reference judgements."
    if pinned["run"].n_unique() < LEAST_RUNS:
        return (
            "One reference run is no basis: its error cannot be told from change. "
            "Make more with `eval-pipeline drift pin`."
        )
    if not measured.referenced:
        return "None of these items has reference runs."
    return "No item has a score this week and two scored reference runs."
