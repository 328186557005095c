"""What a week offers to the golden set: read from the lake, for composing and for rebuilding."""

import polars as pl

from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import (
    ADJUDICATIONS,
    ANONYMISED_INTERACTIONS,
    PANEL_VERDICTS,
    STRATIFIED_INTERACTIONS,
    SYNTHETIC_ITEMS,
)
from eval_pipeline.truth.labelled_items import labelled_items
from eval_pipeline.truth.synthetic_candidates import synthetic_candidates


def candidates_of(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """The week's labelled interactions and the synthetic items made from its questions.

    A week from before there were synthetic items has none. Raises `MissingPartitionError` or
    `CorruptFileError`.
    """
    labelled = labelled_items(
        anonymised=pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week),
        stratified=pipeline.lake.read(STRATIFIED_INTERACTIONS, partition=week),
        panel_verdicts=pipeline.lake.read(PANEL_VERDICTS, partition=week),
        adjudications=pipeline.lake.read(ADJUDICATIONS, partition=week),
        week=week,
    )
    if not pipeline.lake.has(SYNTHETIC_ITEMS, partition=week):
        return labelled
    made = pipeline.lake.read(SYNTHETIC_ITEMS, partition=week)
    return pl.concat([labelled, synthetic_candidates(made, week=week)])
