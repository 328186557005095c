"""Whether two weeks' topics are the same: an optimal assignment of their term profiles.

A profile holds terms and weights, so no vector space need outlive its week.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import polars as pl
import scipy
from numpy.typing import NDArray

from eval_pipeline.intake.topic_terms import Profile
from eval_pipeline.settings import ClustersSettings

Identity = Literal["born", "kept", "returned", "died"]
DIED: Final = "died"
_DECIMALS: Final = 9


@dataclass(frozen=True)
class KnownTopic:
    """A topic of an earlier week, as it was last seen alive; `alive` says whether it still is."""

    cluster: str
    topic: str
    terms: tuple[str, ...]
    first_week: str
    vectors: str
    profile: Profile
    alive: bool


@dataclass(frozen=True)
class Identified:
    """Who a found topic is; `similarity` is null for one that nobody knew."""

    cluster: str
    identity: Identity
    first_week: str
    similarity: float | None


def known_topics(history: pl.DataFrame) -> list[KnownTopic]:
    """From TOPIC_CLUSTERS of earlier weeks with `week`: each id once, by id.

    Alive is what the latest of these weeks did not report as died.
    """
    if history.is_empty():
        return []
    latest = history["week"].max()
    alive_now = history.filter(pl.col("week") == latest, pl.col("identity") != DIED)
    alive = set(alive_now["cluster"])
    lived = (
        history.filter(pl.col("identity") != DIED)
        .sort("cluster", "week")
        .unique("cluster", keep="last", maintain_order=True)
    )
    return [
        KnownTopic(
            cluster=row["cluster"],
            topic=row["topic"],
            terms=tuple(row["terms"]),
            first_week=row["first_week"],
            vectors=row["vectors"],
            profile={entry["term"]: entry["weight"] for entry in row["profile"]},
            alive=row["cluster"] in alive,
        )
        for row in lived.iter_rows(named=True)
    ]


def identify(
    profiles: Sequence[Profile], known: Sequence[KnownTopic], *, week: str, policy: ClustersSettings
) -> list[Identified]:
    """One identity per profile, in order: first the living are matched, then the dead may return.

    What is left is born, with an id of the week and its place in this order; a later week never
    gives that id again.
    """
    found: dict[int, Identified] = {}
    for alive, identity in ((True, "kept"), (False, "returned")):
        candidates = [topic for topic in known if topic.alive is alive]
        open_places = [place for place in range(len(profiles)) if place not in found]
        pairs = assignment(
            [profiles[place] for place in open_places],
            [topic.profile for topic in candidates],
            floor=policy.similarity_floor,
        )
        for one, other, similarity in pairs:
            topic = candidates[other]
            found[open_places[one]] = Identified(
                topic.cluster, "kept" if identity == "kept" else "returned", topic.first_week,
                similarity,
            )  # fmt: skip
    born = [place for place in range(len(profiles)) if place not in found]
    for number, place in enumerate(born, start=1):
        found[place] = Identified(f"c-{week}-{number:02d}", "born", week, None)
    return [found[place] for place in range(len(profiles))]


def assignment(
    profiles: Sequence[Profile], others: Sequence[Profile], *, floor: float
) -> list[tuple[int, int, float]]:
    """Pairs of places with their cosine, at least `floor`, of the largest sum of cosines."""
    if not profiles or not others:
        return []
    alike = cosines(profiles, others)
    alike[alike < max(floor, 10**-_DECIMALS)] = 0
    rows, columns = scipy.optimize.linear_sum_assignment(-alike)
    return [
        (int(row), int(column), round(float(alike[row, column]), 6))
        for row, column in zip(rows, columns, strict=True)
        if alike[row, column] > 0
    ]


def cosines(profiles: Sequence[Profile], others: Sequence[Profile]) -> NDArray[np.float64]:
    """By profile and other profile: the cosine of their weights, which have length one."""
    return np.array(
        [
            [
                round(sum(weight * other.get(term, 0.0) for term, weight in one.items()), _DECIMALS)
                for other in others
            ]
            for one in profiles
        ],
        dtype=np.float64,
    ).reshape(len(profiles), len(others))
