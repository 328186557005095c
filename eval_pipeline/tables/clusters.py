"""Topics: the week's clusters, how their mix shifted, and failures that no subset names."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import NAMES, Table, schema_of

TOPIC_CLUSTERS: Final = Table(
    name="topic_clusters",
    job="refresh",
    grain="one row per topic cluster of the week, and per cluster of the week before that died",
    partitioned_by="week",
    key=("cluster",),
    required=frozenset(
        {
            "topic",
            "terms",
            "identity",
            "first_week",
            "vectors",
            "interactions",
            "conversations",
            "share",
            "reference_conversations",
            "profile",
            "members",
            "reference_members",
        }
    ),
    schema=schema_of(
        {
            "cluster": pl.String,  # an id that is never given to another topic
            "topic": pl.String,  # its most distinctive terms, for people
            "terms": NAMES,  # the most distinctive first
            "identity": pl.String,  # born | kept | returned | died
            "first_week": pl.String,
            "similarity": pl.Float64,  # cosine with the profile it was known by; null: none
            "vectors": pl.String,  # ppmi | tfidf | the embeddings' model
            "interactions": pl.Int64,  # drawn this week
            "conversations": pl.Int64,  # drawn this week
            "share": pl.Float64,  # of the week's traffic, by design weight
            "share_lower": pl.Float64,
            "share_upper": pl.Float64,
            "reference_conversations": pl.Int64,  # of the reference weeks, grouped together with it
            "silhouette": pl.Float64,  # mean over both weeks' members; null: it has none
            "profile": pl.List(pl.Struct({"term": pl.String, "weight": pl.Float64})),
            "members": NAMES,  # interaction ids of this week
            "reference_members": NAMES,  # interaction ids of the reference weeks
        }
    ),
)


TOPIC_MIX: Final = Table(
    name="topic_mix",
    job="refresh",
    grain="one row per topic cluster, and 'all' for the whole mix, against the reference weeks",
    partitioned_by="week",
    key=("cluster",),
    required=frozenset(
        {"topic", "reference", "conversations", "reference_conversations", "finding"}
    ),
    schema=schema_of(
        {
            "cluster": pl.String,  # a cluster, 'none' for what has no topic, or 'all'
            "topic": pl.String,  # its most distinctive terms, for people
            "reference": pl.String,  # the reference weeks; empty: there is none
            "conversations": pl.Int64,
            "reference_conversations": pl.Int64,
            "share": pl.Float64,
            "share_lower": pl.Float64,
            "share_upper": pl.Float64,
            "reference_share": pl.Float64,
            "reference_share_lower": pl.Float64,
            "reference_share_upper": pl.Float64,
            "difference": pl.Float64,
            "difference_lower": pl.Float64,  # all clusters' differences hold jointly
            "difference_upper": pl.Float64,
            "moved_share": pl.Float64,  # of 'all': traffic that changed topic, half the sum of |d|
            "moved_by_chance": pl.Float64,  # of 'all': what noise alone would show on average
            "p_value": pl.Float64,  # of 'all'
            "finding": pl.String,  # all: shifted | within_noise | too_little; a cluster: as below
        }
    ),
)
"""A cluster's finding is grew | shrank | steady | too_little."""


UNNAMED_FAILURES: Final = Table(
    name="unnamed_failures",
    job="refresh",
    grain="one row per topic cluster with failing interactions that no subset covers",
    partitioned_by="week",
    key=("cluster",),
    required=frozenset(
        {"topic", "failures", "judged", "terms", "examples", "subset_stub", "finding"}
    ),
    schema=schema_of(
        {
            "cluster": pl.String,  # a cluster, or 'none' for what has no topic
            "topic": pl.String,  # its most distinctive terms, for people
            "failures": pl.Int64,  # failing interactions in no subset
            "judged": pl.Int64,  # interactions of the cluster with a panel verdict
            "traffic_share": pl.Float64,  # of the week's judged traffic, by design weight
            "traffic_share_lower": pl.Float64,
            "traffic_share_upper": pl.Float64,
            "failure_rate": pl.Float64,  # of the cluster, whatever covers it
            "failure_rate_lower": pl.Float64,
            "failure_rate_upper": pl.Float64,
            "rest_failure_rate": pl.Float64,  # of all other clusters together; null: none judged
            "rest_failure_rate_lower": pl.Float64,
            "rest_failure_rate_upper": pl.Float64,
            "terms": NAMES,  # of these failures, or of the topic where they are too few
            "examples": NAMES,  # up to five interaction ids
            "subset_stub": pl.String,  # YAML to paste under `subsets`
            "finding": pl.String,  # higher | not_higher | too_little
        }
    ),
)
