"""The week's topic clusters: its texts and the reference weeks' grouped together, under stable ids.

Both weeks are grouped as one pool that does not know which week a text is of. So their shares can
be compared without the noise of two groupings, and a topic keeps its id because half of what it
was found in stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
import scipy
from numpy.typing import NDArray

from eval_pipeline.intake.cluster_identity import Identified, KnownTopic, identify
from eval_pipeline.intake.topic_search import Floats, Grouping, group
from eval_pipeline.intake.topic_terms import (
    Profile,
    TermCounts,
    distinctive_terms,
    profile_of,
    topic_texts,
)
from eval_pipeline.intake.topic_vectors import ppmi_vectors, tfidf_vectors
from eval_pipeline.settings import ClustersSettings
from eval_pipeline.tables import TOPIC_CLUSTERS

TERMS: Final = 8
TERMS_IN_TOPIC: Final = 3
NO_TERM: Final = "(no telling term)"
START_SIMILARITY: Final = 0.15
"""Cosine of a text with a profile from which it is counted to that topic to begin with."""


@dataclass(frozen=True)
class Found:
    """A group of the pool before it has an id."""

    rows: NDArray[np.int64]
    profile: Profile
    terms: list[str]
    silhouette: float
    conversations: int
    """Of this week."""


def text_pool(
    weeks: Sequence[tuple[pl.DataFrame, pl.DataFrame, bool]], *, policy: ClustersSettings
) -> pl.DataFrame:
    """The texts of (anonymised, sampled, whether it is this week), with weights, ordered by id.

    `weight` stands for the whole week over sample and reserve together: a sample row's design
    weight is that of the sample alone, so it is scaled by allocated over drawn.
    """
    weight = pl.col("design_weight") * pl.when(pl.col("selection") == "sample").then(
        pl.col("allocated") / pl.col("drawn")
    ).otherwise(1.0)
    return pl.concat(
        topic_texts(anonymised, part=policy.text)
        .join(
            sampled.select("interaction_id", "stratum", "population_size", weight=weight),
            on="interaction_id",
            how="inner",
        )
        .with_columns(now=pl.lit(now))
        for anonymised, sampled, now in weeks
    ).sort("interaction_id", "now")


def conversations_with_text(pool: pl.DataFrame) -> int:
    """How many conversations of this week have a text to group."""
    return (
        pool.filter(pl.col("now"), pl.col("text").str.strip_chars() != "")["conversation_key"]
        .unique()
        .len()
    )


def own_vectors(counts: TermCounts, *, policy: ClustersSettings) -> Floats:
    """Vectors of the pool's texts that need no model from outside."""
    make = ppmi_vectors if policy.vectors == "ppmi" else tfidf_vectors
    return make(counts, dimensions=policy.dimensions)


def find_topics(
    pool: pl.DataFrame,
    counts: TermCounts,
    *,
    vectors: Floats,
    vectors_name: str,
    known: Sequence[KnownTopic],
    week: str,
    policy: ClustersSettings,
) -> pl.DataFrame:
    """TOPIC_CLUSTERS of the week; `counts` and `vectors` have the pool's rows.

    Empty where fewer than `minimum_conversations` have a text. A group of which this week has fewer
    than `minimum_size` conversations is no topic of the week. One that lived the week before dies
    under half of that.
    """
    if conversations_with_text(pool) < policy.minimum_conversations:
        return TOPIC_CLUSTERS.empty()
    living = [topic for topic in known if topic.alive]
    starts = _starts(counts, vectors, profiles=[topic.profile for topic in living], policy=policy)
    rows_each = pool.select(pl.len().over("now", "conversation_key")).to_series()
    grouping = group(vectors, masses=1 / rows_each.to_numpy(), starts=starts, policy=policy)
    groups = _described(pool, counts, grouping, policy=policy)
    identities = identify([one.profile for one in groups], known, week=week, policy=policy)
    found = {one.cluster: (one, of) for one, of in zip(identities, groups, strict=True)}
    alive = {
        cluster
        for cluster, (identified, of) in found.items()
        if of.conversations >= _least_conversations(identified, policy)
    }
    rows = [_row(pool, *found[cluster], vectors_name=vectors_name) for cluster in sorted(alive)]
    rows += [
        _death(pool, topic, found[topic.cluster][1] if topic.cluster in found else None)
        for topic in living
        if topic.cluster not in alive
    ]
    return TOPIC_CLUSTERS.conform(pl.DataFrame(rows, schema=TOPIC_CLUSTERS.schema))


def _least_conversations(identified: Identified, policy: ClustersSettings) -> int:
    """A topic that lives needs half of what one needs to be born: no life hangs on one text."""
    return policy.minimum_size // (2 if identified.identity == "kept" else 1)


def members_of(topics: pl.DataFrame, *, column: str = "members") -> pl.DataFrame:
    """interaction_id and cluster of every interaction that TOPIC_CLUSTERS puts into one."""
    return (
        topics.select("cluster", interaction_id=pl.col(column))
        .explode("interaction_id", empty_as_null=False)
        .select("interaction_id", "cluster")
        .sort("interaction_id")
    )


def _starts(
    counts: TermCounts, vectors: Floats, *, profiles: Sequence[Profile], policy: ClustersSettings
) -> Floats:
    """The mean vectors of the texts that are nearest to each known profile, where enough are."""
    if not profiles:
        return np.zeros((0, vectors.shape[1]))
    rarity = np.log(counts.held.shape[0] / np.maximum(counts.texts_with, 1))
    weighted = scipy.sparse.csr_array(counts.held @ scipy.sparse.diags_array(rarity))
    lengths = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
    places = np.zeros((counts.held.shape[1], len(profiles)))
    for column, profile in enumerate(profiles):
        for term, weight in profile.items():
            if term in counts.place:
                places[counts.place[term], column] = weight
    alike = np.round((weighted @ places) / np.maximum(lengths, 1e-12)[:, None], 9)
    nearest = np.where(alike.max(axis=1) >= START_SIMILARITY, alike.argmax(axis=1), -1)
    near = [np.flatnonzero(nearest == column) for column in range(len(profiles))]
    means = [vectors[rows].mean(axis=0) for rows in near if rows.size >= policy.minimum_size]
    return np.array(means).reshape(len(means), vectors.shape[1])


def _described(
    pool: pl.DataFrame, counts: TermCounts, grouping: Grouping, *, policy: ClustersSettings
) -> list[Found]:
    """The groups by size of this week, the largest first, so that ids do not hang on rows."""
    now = pool["now"].to_numpy()
    keys = pool["conversation_key"].to_numpy()
    conversations = keys.tolist()
    least = policy.least_term_conversations
    found = []
    for label in range(grouping.count):
        rows = np.flatnonzero(grouping.labels == label)
        found.append(
            Found(
                rows,
                profile_of(counts, rows, conversations=conversations, least=least),
                distinctive_terms(
                    counts, rows, conversations=conversations, least=least, most=TERMS
                ),
                round(float(grouping.silhouettes[label]), 6),
                len(set(keys[rows[now[rows]]].tolist())),
            )
        )
    return sorted(found, key=lambda one: (-one.conversations, -one.rows.size, one.rows.tolist()))


def _row(
    pool: pl.DataFrame, identified: Identified, one: Found, *, vectors_name: str
) -> dict[str, Any]:
    return {
        "cluster": identified.cluster,
        "topic": ", ".join(one.terms[:TERMS_IN_TOPIC]) or NO_TERM,
        "terms": one.terms,
        "identity": identified.identity,
        "first_week": identified.first_week,
        "similarity": identified.similarity,
        "vectors": vectors_name,
        "silhouette": one.silhouette,
        "profile": _entries(one.profile),
        **_membership(pool, one.rows),
    }


def _death(pool: pl.DataFrame, topic: KnownTopic, faded: Found | None) -> dict[str, Any]:
    """A topic of last week that is none any more, as it was, with what little is left of it."""
    rows = np.zeros(0, dtype=np.int64) if faded is None else faded.rows
    return {
        "cluster": topic.cluster,
        "topic": topic.topic,
        "terms": list(topic.terms),
        "identity": "died",
        "first_week": topic.first_week,
        "similarity": None,
        "vectors": topic.vectors,
        "silhouette": None if faded is None else faded.silhouette,
        "profile": _entries(topic.profile),
        **_membership(pool, rows),
    }


def _membership(pool: pl.DataFrame, rows: NDArray[np.int64]) -> dict[str, Any]:
    members = pool[rows]
    own, reference = members.filter(pl.col("now")), members.filter(~pl.col("now"))
    whole = float(pool.filter(pl.col("now"))["weight"].sum())
    return {
        "interactions": own.height,
        "conversations": own["conversation_key"].n_unique() if own.height else 0,
        # Its bounds rest on the design of the whole draw, and are the monitor's to find.
        "share": round(float(own["weight"].sum()) / whole, 9) if whole else 0.0,
        "reference_conversations": (
            reference["conversation_key"].n_unique() if reference.height else 0
        ),
        "members": own["interaction_id"].to_list(),
        "reference_members": reference["interaction_id"].to_list(),
    }


def _entries(profile: Profile) -> list[dict[str, Any]]:
    return [{"term": term, "weight": weight} for term, weight in profile.items()]
