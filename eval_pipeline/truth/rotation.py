"""Which entries hold the places of a golden version: an order, and quotas filled along it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_pipeline.fingerprint import unit_hash
from eval_pipeline.settings import MixSettings
from eval_pipeline.truth.obstacles import Obstacle, Obstacles

SALT = "golden"
KINDS = ("typical", "edge", "adversarial")
SYNTHETIC = "synthetic"
PANEL = "panel"
NOT_SETTLED = frozenset({PANEL, SYNTHETIC})
"""Sources of labels behind which no person and no outcome of the log stands."""


@dataclass(frozen=True)
class Entry:
    """A row that may hold a place.

    `known`: it stands in the previous version. `labelled_now`: it is among the candidates. `fresh`:
    its label was settled by people or the log among those. `saturated`: it tells systems apart no
    longer. `asks` and `told`: its question and its instructions, normalised.
    """

    row: Mapping[str, Any]
    known: bool
    labelled_now: bool
    fresh: bool
    saturated: bool
    asks: str
    told: str

    @property
    def item_id(self) -> str:
        """The item's stable identity."""
        return str(self.row["item_id"])

    @property
    def synthetic(self) -> bool:
        """Whether it was made from a real question."""
        return bool(self.row["label_source"] == SYNTHETIC)

    @property
    def settled(self) -> bool:
        """Whether people or the log stand behind the label."""
        return self.row["label_source"] not in NOT_SETTLED

    @property
    def standing(self) -> bool:
        """Whether it is here only because it stands in the previous version."""
        return self.known and not self.labelled_now


@dataclass(frozen=True)
class Places:
    """How many entries a version takes, and of what; shares are of the version's items."""

    total: int
    at_least: int
    fresh: int
    per_subset: int
    subsets: tuple[str, ...]
    mix: MixSettings
    saturated_share: float
    synthetic_share: float


def order_key(entry: Entry) -> tuple[int, int, int, int, float, str]:
    """Who comes first: what tells systems apart, settled labels, earlier versions' items, by hash.

    Among earlier items the newest admitted come first, so the oldest make room. Among this week's
    those admitted already come first: with that, composing again on top of the result picks
    exactly the same entries, because an entry that was not picked only moves further back.
    """
    admitted_in = int(entry.row["admitted_in"])
    return (
        1 if entry.saturated else 0,
        0 if entry.settled else 2 if entry.synthetic else 1,
        1 if entry.labelled_now else 0,
        admitted_in if entry.labelled_now else -admitted_in,
        *_hash_key(entry),
    )


def _hash_key(entry: Entry) -> tuple[float, str]:
    return unit_hash(SALT, entry.item_id), entry.item_id


def kind_quotas(mix: MixSettings, *, total: int) -> dict[str, int]:
    """The places of each kind, by largest remainder: they sum to `total`."""
    shares = {kind: float(getattr(mix, kind)) * total for kind in KINDS}
    quotas = {kind: math.floor(share + 1e-9) for kind, share in shares.items()}
    by_remainder = sorted(KINDS, key=lambda kind: (quotas[kind] - shares[kind], kind))
    for kind in by_remainder[: total - sum(quotas.values())]:
        quotas[kind] += 1
    return quotas


def beside(share: float, *, others: int) -> int:
    """How many may stand beside so many others without exceeding their share of both."""
    return others * 10**6 if share >= 1 else math.floor(share * others / (1 - share) + 1e-9)


class Filling:
    """A version being filled: who holds a place, and whom that keeps out.

    Whoever is kept out stays so whatever is added. The passes look at nothing but the order of the
    entries and at who holds a place when a pass begins. So entries that get no place decide nothing
    about those that do: without them the same ones are chosen.
    """

    def __init__(self, entries: Sequence[Entry], *, places: Places, obstacles: Obstacles) -> None:
        self.chosen: dict[str, Entry] = {}
        self._places = places
        self._obstacles = obstacles
        ordered = sorted(entries, key=order_key)
        self._synthetic = [entry for entry in ordered if entry.synthetic]
        self._real = [entry for entry in ordered if not entry.synthetic]
        self._telling = [entry for entry in self._real if not entry.saturated]
        self._saturated = [entry for entry in self._real if entry.saturated]
        self._fill()

    def obstacle(self, entry: Entry) -> Obstacle | None:
        """What keeps an entry without a place out, if it is not the number of places."""
        return self._obstacles.against(entry.row, asks=entry.asks, told=entry.told)

    def _fill(self) -> None:
        """The demanded fresh ones, subsets' minima, kinds' shares, and then whoever comes next.

        Synthetic ones fill what real ones leave open of their kind, saturated ones come last;
        neither take more than their share, except that saturated ones may hold a subset's minimum.
        """
        places = self._places
        self._take(self._fresh_first(), places.fresh)
        for subset in places.subsets:
            inside = [entry for entry in self._real if subset in entry.row["subsets"]]
            held = sum(subset in entry.row["subsets"] for entry in self.chosen.values())
            self._take(inside, places.per_subset - held)
        quotas = kind_quotas(places.mix, total=places.total)
        for kind, quota in quotas.items():
            self._take(_of_kind(self._telling, kind), quota - self._held(kind))
        for kind, quota in quotas.items():
            lacking = min(quota - self._held(kind), self._saturated_left())
            self._take(_of_kind(self._saturated, kind), lacking)
        self._take(self._telling, places.total - len(self.chosen) - self._kept_free(quotas))
        for kind in quotas:
            self._take(_of_kind(self._synthetic, kind), self._synthetic_left(kind))
        self._take(self._telling, places.total)
        self._take(self._saturated, max(self._saturated_left(), places.at_least - len(self.chosen)))

    def _take(self, wanted: Iterable[Entry], count: int) -> None:
        for entry in wanted:
            if count <= 0 or len(self.chosen) >= self._places.total:
                return
            if entry.item_id not in self.chosen and self.obstacle(entry) is None:
                self.chosen[entry.item_id] = entry
                self._obstacles.add(entry.row, asks=entry.asks, told=entry.told)
                count -= 1

    def _fresh_first(self) -> list[Entry]:
        """The fresh, those admitted before first; last those that would oust an earlier item.

        They oust what asks the same as they do. What is relabelled now does not count as earlier:
        whether it gets a place is open.
        """
        earlier = [entry for entry in self._real if entry.standing]
        asked = self._obstacles.resembling(entry.asks for entry in earlier)
        return sorted(
            (entry for entry in self._telling if entry.fresh),
            key=lambda entry: (
                entry.asks in asked,
                int(entry.row["admitted_in"]),
                *_hash_key(entry),
            ),
        )

    def _held(self, kind: str) -> int:
        return sum(entry.row["kind"] == kind for entry in self.chosen.values())

    def _saturated_left(self) -> int:
        saturated = sum(entry.saturated for entry in self.chosen.values())
        others = len(self.chosen) - saturated
        return beside(self._places.saturated_share, others=others) - saturated

    def _kept_free(self, quotas: Mapping[str, int]) -> int:
        """Places that synthetic entries will want, where real ones are too few of their kind."""
        lacking = sum(
            min(max(quota - self._held(kind), 0), len(_of_kind(self._synthetic, kind)))
            for kind, quota in quotas.items()
        )
        most = math.floor(self._places.synthetic_share * self._places.total + 1e-9)
        return min(lacking, most)

    def _synthetic_left(self, kind: str) -> int:
        """So many that neither their own share nor that of their kind is exceeded."""
        synthetic = sum(entry.synthetic for entry in self.chosen.values())
        held, items = self._held(kind), len(self.chosen)
        own = beside(self._places.synthetic_share, others=items - synthetic) - synthetic
        return min(own, beside(getattr(self._places.mix, kind), others=items - held) - held)


def _of_kind(entries: Iterable[Entry], kind: str) -> list[Entry]:
    return [entry for entry in entries if entry.row["kind"] == kind]
