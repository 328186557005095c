"""Topics of a week: found, compared with the reference weeks, and searched for unnamed failures."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from eval_pipeline.adapters.embeddings import HttpEmbeddings
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.intake.cluster_identity import known_topics
from eval_pipeline.intake.clusters import (
    conversations_with_text,
    find_topics,
    members_of,
    own_vectors,
    text_pool,
)
from eval_pipeline.intake.topic_terms import TermCounts, count_terms, distinctive_terms
from eval_pipeline.monitoring.topic_mix import compare_mix, share_intervals
from eval_pipeline.monitoring.unnamed_failures import find_unnamed_failures
from eval_pipeline.settings import ClustersSettings
from eval_pipeline.tables import (
    ANONYMISED_INTERACTIONS,
    PANEL_VERDICTS,
    SAMPLED_INTERACTIONS,
    STRATIFIED_INTERACTIONS,
    TOPIC_CLUSTERS,
)

TERMS = 8


@dataclass(frozen=True)
class Topics:
    """TOPIC_CLUSTERS of a week, and how many conversations with text it was found in."""

    clusters: pl.DataFrame
    conversations: int
    least: int

    @property
    def told(self) -> str:
        """In words why there are none, or how many there are."""
        if self.conversations < self.least:
            return (
                f"none: {self.conversations} conversations have text and "
                f"`clusters.minimum_conversations` is {self.least}"
            )
        living = self.clusters.filter(pl.col("identity") != "died").height
        if living == 0:
            return "none: the texts do not part into two groups of `clusters.minimum_size`"
        return f"{living} in {self.conversations} conversations"


def cluster_week(pipeline: Pipeline, *, week: str) -> Topics:
    """The week's topics, under the ids of the weeks before; reads anonymised text only."""
    policy = pipeline.settings.clusters
    pool = _pool(pipeline, week=week)
    conversations = conversations_with_text(pool)
    if conversations < policy.minimum_conversations:
        return Topics(TOPIC_CLUSTERS.empty(), conversations, policy.minimum_conversations)
    texts = pool["text"].to_list()
    counts = count_terms(texts)
    earlier = [name for name in pipeline.lake.partitions(TOPIC_CLUSTERS) if name < week]
    history = pipeline.lake.read_all(
        TOPIC_CLUSTERS, partitions=earlier[-policy.remembered_weeks :], partition_column="week"
    )
    found = find_topics(
        pool,
        counts,
        vectors=(
            own_vectors(counts, policy=policy)
            if policy.embeddings is None
            else _embeddings(pipeline, policy).vectors(texts)
        ),
        vectors_name=policy.vectors if policy.embeddings is None else policy.embeddings.model,
        known=known_topics(history),
        week=week,
        policy=policy,
    )
    return Topics(
        _with_intervals(found, pool, confidence=policy.confidence),
        conversations,
        policy.minimum_conversations,
    )


def mix_of_week(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """TOPIC_MIX: the week's shares against those of the reference weeks, in one grouping."""
    clusters = pipeline.lake.read(TOPIC_CLUSTERS, partition=week)
    placed = pl.concat([members_of(clusters), members_of(clusters, column="reference_members")])
    pool = _pool(pipeline, week=week)
    # Without topics there is no mix, and nothing of the pool to count.
    pool = pool.clear() if clusters.is_empty() else pool
    return compare_mix(
        pool.join(placed, on="interaction_id", how="left"),
        topics=dict(clusters.select("cluster", "topic").iter_rows()),
        reference=", ".join(_reference_weeks(pipeline, week=week)),
        confidence=pipeline.settings.clusters.confidence,
    )


def unnamed_failures_of_week(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """UNNAMED_FAILURES: what the panel fails and no subset covers, by topic."""
    policy = pipeline.settings.clusters
    clusters = pipeline.lake.read(TOPIC_CLUSTERS, partition=week)
    pool = _pool(pipeline, week=week).filter("now")
    place = {name: row for row, name in enumerate(pool["interaction_id"])}
    conversations = pool["conversation_key"].to_list()
    counts = count_terms(pool["text"].to_list())

    def terms_of(interactions: Sequence[str]) -> list[str]:
        return _terms(counts, [place[name] for name in interactions], conversations, policy)

    return find_unnamed_failures(
        stratified=pipeline.lake.read(STRATIFIED_INTERACTIONS, partition=week),
        panel_verdicts=pipeline.lake.read(PANEL_VERDICTS, partition=week),
        topics={
            cluster: (topic, terms)
            for cluster, topic, terms in clusters.select("cluster", "topic", "terms").iter_rows()
        },
        terms_of=terms_of,
        week=week,
        confidence=policy.confidence,
    )


def topics_until(pipeline: Pipeline, clusters: pl.DataFrame, *, week: str) -> pl.DataFrame:
    """TOPIC_CLUSTERS of the weeks up to this one with `week`, for the plot."""
    history = pipeline.lake.read_all(TOPIC_CLUSTERS, partition_column="week").filter(
        pl.col("week") < week
    )
    return pl.concat([history, clusters.with_columns(week=pl.lit(week))])


def _with_intervals(found: pl.DataFrame, pool: pl.DataFrame, *, confidence: float) -> pl.DataFrame:
    """The topics with the bounds of their shares, which rest on the whole week's design."""
    placed = pool.filter("now").join(members_of(found), on="interaction_id", how="left")
    bounds = share_intervals(placed, clusters=found["cluster"].to_list(), confidence=confidence)
    told = found.drop("share_lower", "share_upper").join(bounds, on="cluster", how="left")
    return TOPIC_CLUSTERS.conform(told.select(found.columns))


def _terms(
    counts: TermCounts, rows: list[int], conversations: list[str], policy: ClustersSettings
) -> list[str]:
    members = pl.Series(rows, dtype=pl.Int64).to_numpy()
    least = policy.least_term_conversations
    return distinctive_terms(counts, members, conversations=conversations, least=least, most=TERMS)


def _embeddings(pipeline: Pipeline, policy: ClustersSettings) -> HttpEmbeddings:
    settings = policy.embeddings
    if settings is None:
        raise ValueError("no embeddings are configured")
    return HttpEmbeddings(
        settings,
        pipeline.settings.providers[settings.provider],
        secret=lambda variable: pipeline.project.secret(variable, "a provider's API key"),
        clock=pipeline.clock,
        network=pipeline.settings.network,
    )


def _reference_weeks(pipeline: Pipeline, *, week: str) -> list[str]:
    """Those of the configuration that came before this week, or the week before; if they exist."""
    monday = dt.date.fromisoformat(week)
    pinned = pipeline.settings.clusters.reference_weeks
    wanted = [day for day in pinned if day < monday] or [monday - dt.timedelta(weeks=1)]
    return [
        day.isoformat()
        for day in sorted(wanted)
        if pipeline.lake.has(ANONYMISED_INTERACTIONS, partition=day.isoformat())
    ]


def _pool(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    weeks = [(name, name == week) for name in [*_reference_weeks(pipeline, week=week), week]]
    return text_pool(
        [
            (
                pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=name),
                pipeline.lake.read(SAMPLED_INTERACTIONS, partition=name),
                now,
            )
            for name, now in weeks
        ],
        policy=pipeline.settings.clusters,
    )
