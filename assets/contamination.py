"""Contamination assets: what systems may know of the golden set, and of a candidate's evaluation.

What a match is, and what follows from it, stands in `eval_pipeline.truth.contamination`.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, Final

import dagster as dg
import polars as pl

from assets.conventions import across, markdown, stored, table_asset
from assets.intake import anonymised_interactions, stratified_interactions
from assets.truth import golden_set
from eval_pipeline.evaluation.exclusions import excluded_per_subset, finding_sentences
from eval_pipeline.evaluation.verbatim import memorisation_sentences
from eval_pipeline.flows import contamination
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import CANDIDATE_CONTAMINATION, CONTAMINATION_FINDINGS, Table

CHECK: Final = MappingProxyType(
    {"known_items": "No item stands in what a system may have learnt from, and all of it was read."}
)
VERBATIM_CHECK: Final = MappingProxyType(
    {"verbatim_responses": "No response repeats at length a reference that others wrote."}
)


@table_asset(
    CONTAMINATION_FINDINGS,
    group="truth",
    kinds={"polars", "parquet"},
    deps=[golden_set],
    warnings=CHECK,
    automated=True,
)
def contamination_findings(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """Searches the sources of every configured system for the week's golden items."""
    week = context.partition_key
    found = contamination.screen_week(pipeline, week=week)
    yield known_items_check(CONTAMINATION_FINDINGS, found)
    yield stored(pipeline, CONTAMINATION_FINDINGS, found, partition=week, metadata=_metadata(found))


@table_asset(
    CANDIDATE_CONTAMINATION,
    group="evaluation",
    kinds={"polars", "parquet"},
    deps=[
        across(golden_set),
        across(anonymised_interactions),
        across(stratified_interactions),
    ],
    warnings=CHECK,
)
def candidate_contamination(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> Iterator[Any]:
    """Searches both arms' sources for what they could be asked; what is found is not asked."""
    candidate = resolve_candidate(pipeline.project, context.partition_key)
    found = contamination.screen_candidate(pipeline, candidate)
    yield known_items_check(CANDIDATE_CONTAMINATION, found)
    yield stored(
        pipeline,
        CANDIDATE_CONTAMINATION,
        found,
        partition=context.partition_key,
        metadata=_metadata(found),
    )


def known_items_check(table: Table, found: pl.DataFrame) -> dg.AssetCheckResult:
    """Warns of contaminated items and of records that could not be read, naming the source."""
    sentences = finding_sentences(found)
    items = excluded_per_subset(found).row(0)[1]
    return dg.AssetCheckResult(
        asset_key=table.name,
        check_name="known_items",
        passed=not sentences,
        severity=dg.AssetCheckSeverity.WARN,
        description=" ".join(sentences) or "Nothing was found.",
        metadata={"contaminated golden items": items},
    )


def memorisation_check(
    pipeline: Pipeline, table: Table, memorised: pl.DataFrame
) -> dg.AssetCheckResult:
    """Warns of items that a system reproduces; the figures name items, never what they say."""
    words = pipeline.settings.golden.contamination.verbatim_words
    sentences = memorisation_sentences(memorised, words=words)
    return dg.AssetCheckResult(
        asset_key=table.name,
        check_name="verbatim_responses",
        passed=not sentences,
        severity=dg.AssetCheckSeverity.WARN,
        description=" ".join(sentences) or "None does.",
        metadata={"items": markdown(memorised), "memorised items": memorised.height},
    )


def _metadata(found: pl.DataFrame) -> dict[str, Any]:
    shown = found.select(
        "system_id", "source_kind", "source", "item_id", "matched", "measure", "value", "record"
    )
    return {
        "golden items per subset": markdown(excluded_per_subset(found)),
        "findings": markdown(shown),
    }
