"""Weeks of made-up texts whose topics are known, for the tests of clusters."""

import datetime as dt
from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from eval_pipeline.intake.cluster_identity import known_topics
from eval_pipeline.intake.clusters import find_topics, own_vectors, text_pool
from eval_pipeline.intake.topic_terms import count_terms
from eval_pipeline.settings import ClustersSettings
from eval_pipeline.tables import ANONYMISED_INTERACTIONS, SAMPLED_INTERACTIONS

POLICY = ClustersSettings(minimum=3, maximum=12, minimum_conversations=40, minimum_size=8)
MONDAY = dt.date(2026, 1, 5)
Week = tuple[pl.DataFrame, pl.DataFrame]


def vocabulary(topic: int, *, size: int = 20) -> list[str]:
    """Words of one topic alone, letters only: 'aab', 'aac', ..."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [f"{letters[topic]}{letters[one]}{letters[one // 2]}x" for one in range(size)]


def texts(shares: Mapping[int, int], *, seed: int) -> list[str]:
    """So many texts of each topic: eight words of its own, three that all topics share."""
    rng = np.random.default_rng(seed)
    shared = [f"common{letter}" for letter in "abcdefghij"]
    return [
        " ".join([*rng.choice(vocabulary(topic), 8), *rng.choice(shared, 3)])
        for topic, count in shares.items()
        for _ in range(count)
    ]


def week_of(written: Sequence[str], *, name: str) -> Week:
    """Anonymised and sampled rows of these texts, one conversation each, one stratum, weight 2."""
    ids = [f"{name}-{number:05d}" for number in range(len(written))]
    when = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    shared = {"route": "orders", "selection": "sample"}
    anonymised = pl.DataFrame(
        [
            dict.fromkeys(ANONYMISED_INTERACTIONS.schema)
            | shared
            | {
                "interaction_id": one,
                "conversation_key": f"k-{one}",
                "occurred_at": when,
                "messages": [{"role": "user", "content": text}],
            }
            for one, text in zip(ids, written, strict=True)
        ],
        schema=ANONYMISED_INTERACTIONS.schema,
    )
    sampled = pl.DataFrame(
        [
            shared
            | {
                "interaction_id": one,
                "conversation_key": f"k-{one}",
                "stratum": "route=orders",
                "occurred_at": when,
                "unit_hash": (number + 0.5) / len(ids),
                "position": number + 1,
                "population_size": 2 * len(ids),
                "allocated": len(ids),
                "drawn": len(ids),
                "inclusion_probability": 0.5,
                "design_weight": 2.0,
            }
            for number, one in enumerate(ids)
        ],
        schema=SAMPLED_INTERACTIONS.schema,
    )
    return anonymised, sampled


def monday(number: int) -> str:
    """The name of the week with this number, from 0."""
    return (MONDAY + dt.timedelta(weeks=number)).isoformat()


def pool_of(weeks: Sequence[Week], *, policy: ClustersSettings = POLICY) -> pl.DataFrame:
    """The last week and the one before it, as they are grouped together."""
    *before, now = weeks[-2:]
    return text_pool([*((*week, False) for week in before), (*now, True)], policy=policy)


def topics_of(
    weeks: Sequence[Week], *, policy: ClustersSettings = POLICY, shuffle: int | None = None
) -> list[pl.DataFrame]:
    """TOPIC_CLUSTERS of every week, each found with its past; `shuffle` permutes all rows first."""
    found: list[pl.DataFrame] = []
    if shuffle is not None:
        weeks = [
            (one.sample(fraction=1, shuffle=True, seed=shuffle), other.sample(
                fraction=1, shuffle=True, seed=shuffle + 1
            ))
            for one, other in weeks
        ]  # fmt: skip
    for number in range(len(weeks)):
        pool = pool_of(weeks[: number + 1], policy=policy)
        counts = count_terms(pool["text"].to_list())
        history = [
            frame.with_columns(week=pl.lit(monday(place))) for place, frame in enumerate(found)
        ]
        found.append(
            find_topics(
                pool,
                counts,
                vectors=own_vectors(counts, policy=policy),
                vectors_name=policy.vectors,
                known=known_topics(pl.concat(history)) if history else [],
                week=monday(number),
                policy=policy,
            )
        )
    return found
