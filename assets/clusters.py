"""Topic assets: the week's clusters, how their mix shifted, and failures that no subset names.

No grouping, matching or test belongs here.
"""

from typing import Any

import dagster as dg
import polars as pl

from assets.conventions import counts, markdown, plot, stored, table_asset
from assets.intake import anonymised_interactions, sampled_interactions, stratified_interactions
from assets.judging import panel_verdicts
from eval_pipeline.flows import clusters
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.inert_text import fenced
from eval_pipeline.reports.topic_plots import topics_chart
from eval_pipeline.tables import TOPIC_CLUSTERS, TOPIC_MIX, UNNAMED_FAILURES


@table_asset(
    TOPIC_CLUSTERS,
    group="intake",
    kinds={"scikitlearn", "parquet"},
    deps=[sampled_interactions, anonymised_interactions],
    automated=True,
)
def topic_clusters(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Groups the week's anonymised texts into topics that keep their ids from week to week."""
    week = context.partition_key
    topics = clusters.cluster_week(pipeline, week=week)
    until_now = clusters.topics_until(pipeline, topics.clusters, week=week)
    shown = topics.clusters.select(
        "cluster", "topic", "identity", "conversations", "share", "silhouette"
    )
    return stored(
        pipeline,
        TOPIC_CLUSTERS,
        topics.clusters,
        partition=week,
        metadata={
            "found": topics.told,
            "topics": markdown(shown.sort("share", "cluster", descending=[True, False])),
            "shares": plot(topics_chart(until_now), alt="share of traffic by topic and week"),
        },
    )


@table_asset(
    TOPIC_MIX,
    group="monitoring",
    kinds={"scipy", "parquet"},
    deps=[sampled_interactions, anonymised_interactions, topic_clusters],
    automated=True,
)
def topic_mix(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Whether the mix of topics shifted against the reference weeks, and which grew or shrank."""
    week = context.partition_key
    mix = clusters.mix_of_week(pipeline, week=week)
    moved = mix.filter(pl.col("finding").is_in(["grew", "shrank"]))
    return stored(
        pipeline,
        TOPIC_MIX,
        mix,
        partition=week,
        metadata={
            "mix": markdown(
                mix.filter(pl.col("cluster") == "all").select(
                    "finding", "p_value", "moved_share", "moved_by_chance", "reference"
                )
            ),
            "findings": counts(mix, "finding"),
            "moved": markdown(moved) if moved.height else "nothing",
        },
    )


@table_asset(
    UNNAMED_FAILURES,
    group="judging",
    kinds={"scipy", "parquet"},
    deps=[anonymised_interactions, topic_clusters, stratified_interactions, panel_verdicts],
    automated=True,
)
def unnamed_failures(
    context: dg.AssetExecutionContext, pipeline: dg.ResourceParam[Pipeline]
) -> dg.MaterializeResult[Any]:
    """Failing interactions that no subset covers, by topic, with a subset to paste for each."""
    week = context.partition_key
    unnamed = clusters.unnamed_failures_of_week(pipeline, week=week)
    largest = unnamed.sort("failures", "cluster", descending=[True, False])
    stubs = "\n".join(largest["subset_stub"])
    return stored(
        pipeline,
        UNNAMED_FAILURES,
        unnamed,
        partition=week,
        metadata={
            "failures": int(unnamed["failures"].sum()),
            "by topic": markdown(largest.drop("subset_stub", "examples")),
            "subsets to paste": dg.MetadataValue.md(
                fenced(stubs, language="yaml") if stubs else "none"
            ),
        },
    )
