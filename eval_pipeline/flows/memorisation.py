"""Which items the systems' own responses show to be memorised, from trials in the lake."""

import polars as pl

from eval_pipeline.evaluation.verbatim import memorised_items
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import GOLDEN_SET

_ITEM_COLUMNS = (
    "messages",
    "logged_response",
    "logged_model",
    "reference_response",
    "reference_label",
)


def memorised_by_candidate(
    pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame
) -> pl.DataFrame:
    """`memorised_items` of REGRESSION_TRIALS, of both arms.

    A naive system answers in the words of other items by design, never of its own: it is left out.
    """
    naive = [
        system_id
        for system_id, system in (
            (candidate.baseline_id, candidate.baseline),
            (candidate.candidate_id, candidate.system),
        )
        if system.naive is not None
    ]
    trials = trials.filter(~pl.col("system_id").is_in(naive))
    prompts = {
        candidate.baseline_id: candidate.baseline.prompt,
        candidate.candidate_id: candidate.system.prompt,
    }
    items = _items(pipeline, set(trials["golden_version"]), keys=("item_id", "golden_version"))
    return _memorised(
        pipeline, trials.join(items, on=["item_id", "golden_version"], how="left"), prompts=prompts
    )


def memorised_this_week(pipeline: Pipeline, trials: pl.DataFrame) -> pl.DataFrame:
    """`memorised_items` of what pinned systems answered in DRIFT_TRIALS this week."""
    rerun = trials.filter(pl.col("stream") == "rerun")
    prompts = {name: system.prompt for name, system in pipeline.settings.systems.items()}
    versions = set(rerun["golden_versions"].explode().drop_nulls())
    keys = ("item_id", "item_revision")
    items = _items(pipeline, versions, keys=keys).unique(keys, keep="last", maintain_order=True)
    return _memorised(pipeline, rerun.join(items, on=keys, how="left"), prompts=prompts)


def _items(pipeline: Pipeline, versions: set[int], *, keys: tuple[str, ...]) -> pl.DataFrame:
    empty = GOLDEN_SET.empty().with_columns(golden_version=pl.lit(None, pl.Int64))
    frames = [empty] + [
        pipeline.golden.items(version).with_columns(golden_version=pl.lit(version, pl.Int64))
        for version in sorted(versions)
    ]
    return pl.concat(frames).select(*keys, *_ITEM_COLUMNS)


def _memorised(
    pipeline: Pipeline, answers: pl.DataFrame, *, prompts: dict[str, str]
) -> pl.DataFrame:
    return memorised_items(
        answers,
        words=pipeline.settings.golden.contamination.verbatim_words,
        prompts=prompts,
    )
