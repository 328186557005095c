"""Which entries hold the places of a golden version: an order, and quotas filled along it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval_pipeline.fingerprint import unit_hash
from eval_pipeline.settings import MixSettings

SALT = "golden"
KINDS = ("typical", "edge", "adversarial")


@dataclass(frozen=True)
class Entry:
    """A row that may hold a place.

    `known`: it stands in the previous version. `labelled_now`: it is among this week's labelled
    interactions. `fresh`: its label was settled by people or the log among those.
    """

    row: Mapping[str, Any]
    known: bool
    labelled_now: bool
    fresh: bool

    @property
    def item_id(self) -> str:
        """The item's stable identity."""
        return str(self.row["item_id"])

    @property
    def settled(self) -> bool:
        """Whether people or the log stand behind the label, and not the panel alone."""
        return bool(self.row["label_source"] != "panel")


@dataclass(frozen=True)
class Places:
    """How many entries a version takes, and of what."""

    total: int
    fresh: int
    per_subset: int
    subsets: tuple[str, ...]
    per_kind: Mapping[str, int]


def order_key(entry: Entry) -> tuple[int, int, int, float, str]:
    """Settled before panel-labelled, earlier versions' items before this week's, then by hash.

    Among earlier items the newest admitted come first, so the oldest make room. Among this week's
    those admitted already come first: with that, composing again on top of the result picks
    exactly the same entries, because an entry that was not picked only moves further back.
    """
    admitted_in = int(entry.row["admitted_in"])
    return (
        0 if entry.settled else 1,
        1 if entry.labelled_now else 0,
        admitted_in if entry.labelled_now else -admitted_in,
        unit_hash(SALT, entry.item_id),
        entry.item_id,
    )


def kind_quotas(mix: MixSettings, *, total: int) -> dict[str, int]:
    """The places of each kind, by largest remainder: they sum to `total`."""
    shares = {kind: float(getattr(mix, kind)) * total for kind in KINDS}
    quotas = {kind: math.floor(share + 1e-9) for kind, share in shares.items()}
    by_remainder = sorted(KINDS, key=lambda kind: (quotas[kind] - shares[kind], kind))
    for kind in by_remainder[: total - sum(quotas.values())]:
        quotas[kind] += 1
    return quotas


def fill(entries: Sequence[Entry], places: Places) -> list[Entry]:
    """The entries that hold a place, in the order they got it.

    First the fresh ones that the policy demands, then each subset's minimum, then each kind's
    share, then whoever comes next: a scarce kind leaves its places to the others.
    """
    ordered = sorted(entries, key=order_key)
    chosen: dict[str, Entry] = {}

    def take(wanted: Iterator[Entry], count: int) -> None:
        for entry in wanted:
            if count <= 0 or len(chosen) >= places.total:
                return
            if entry.item_id not in chosen:
                chosen[entry.item_id] = entry
                count -= 1

    by_hash = sorted(ordered, key=lambda entry: (unit_hash(SALT, entry.item_id), entry.item_id))
    take((entry for entry in by_hash if entry.fresh), places.fresh)
    for subset in places.subsets:
        held = sum(subset in entry.row["subsets"] for entry in chosen.values())
        take(
            (entry for entry in ordered if subset in entry.row["subsets"]),
            places.per_subset - held,
        )
    for kind, quota in places.per_kind.items():
        held = sum(entry.row["kind"] == kind for entry in chosen.values())
        take((entry for entry in ordered if entry.row["kind"] == kind), quota - held)
    take(iter(ordered), places.total)
    return list(chosen.values())
