"""What an evaluation can ask: the newest golden version, and the reserve up to its week."""

from collections.abc import Collection, Sequence

import polars as pl

from eval_pipeline.errors import MissingPartitionError
from eval_pipeline.evaluation.trial_items import reserve_identity
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import ANONYMISED_INTERACTIONS, GOLDEN_SET, STRATIFIED_INTERACTIONS


def newest_version(pipeline: Pipeline) -> int:
    """The newest golden version; raises `MissingPartitionError` before the first."""
    version = pipeline.golden.latest()
    if version is None:
        raise MissingPartitionError(GOLDEN_SET.name, "any week", "eval-pipeline publish --week W")
    return version


def reserve_of(pipeline: Pipeline, *, version: int, without: Collection[str] = ()) -> pl.DataFrame:
    """The reserve of all weeks up to the version's, with text and subsets.

    `without`: ids of reserve items that must not be asked.
    """
    until = pipeline.golden.manifest(version).week
    weeks = [week for week in pipeline.lake.partitions(STRATIFIED_INTERACTIONS) if week <= until]
    return reserve_in(pipeline, weeks=weeks, without=without)


def weeks_after(pipeline: Pipeline, *, version: int) -> list[str]:
    """The weeks with a reserve that came after the version's, in order."""
    until = pipeline.golden.manifest(version).week
    return [week for week in pipeline.lake.partitions(STRATIFIED_INTERACTIONS) if week > until]


def reserve_in(
    pipeline: Pipeline, *, weeks: Sequence[str], without: Collection[str] = ()
) -> pl.DataFrame:
    """The reserve of these weeks, with text and subsets; as `reserve_of`."""
    text = pipeline.lake.read_all(
        ANONYMISED_INTERACTIONS, partitions=weeks, columns=["interaction_id", "messages"]
    )
    subsets = pipeline.lake.read_all(STRATIFIED_INTERACTIONS, partitions=weeks)
    held = subsets.filter(pl.col("selection") == "reserve")
    barred = set(without)
    asked = [reserve_identity(one) not in barred for one in held["interaction_id"]]
    return held.filter(pl.Series(asked, dtype=pl.Boolean)).join(text, on="interaction_id")
