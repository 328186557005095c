"""What is put before systems: items of golden versions, and interactions of the reserve."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from eval_pipeline.fingerprint import fingerprint, smallest_by_hash
from eval_pipeline.ports import Behaviour, Message
from eval_pipeline.settings import SYNTHETIC_SUBSET
from eval_pipeline.tables import good_reference

RESERVE_PREFIX = "reserve-"
DRIFT_SALT = "drift-items"
SYNTHETIC = "synthetic"


@dataclass(frozen=True)
class TrialItem:
    """One input to put before systems; `reference_response` is null where no good one is known.

    `look` is the look, from 1, that asks for it first; reserve items have no human label. Synthetic
    items stand in one subset, `SYNTHETIC_SUBSET`, whatever their sources stood in.
    `golden_versions` are the versions that hold this revision, or that a reserve item stands by.
    """

    item_id: str
    item_revision: int
    route: str
    subsets: tuple[str, ...]
    messages: tuple[Message, ...]
    reference_response: str | None
    conversation_key: str
    source: Literal["golden", "reserve", "synthetic"]
    golden_versions: tuple[int, ...]
    look: int = 1
    expected_behaviour: Behaviour = "answer"

    @property
    def golden_version(self) -> int:
        """The newest version it is asked for."""
        return max(self.golden_versions)


def golden_items(golden: pl.DataFrame, *, golden_version: int) -> list[TrialItem]:
    """The items of a GOLDEN_SET frame, by id."""
    return versioned_items({golden_version: golden})


def versioned_items(
    versions: Mapping[int, pl.DataFrame], *, maximum: int | None = None
) -> list[TrialItem]:
    """The union of golden versions, each item revision once, by id and revision.

    Beyond `maximum` item ids, those with the smallest hashes stay, so the choice is the same in
    every week that has the same items.
    """
    rows: dict[tuple[str, int], Mapping[str, Any]] = {}
    held: dict[tuple[str, int], list[int]] = {}
    for version, golden in sorted(versions.items()):
        for row in golden.iter_rows(named=True):
            key = (row["item_id"], row["item_revision"])
            rows[key] = row
            held.setdefault(key, []).append(version)
    ids = sorted({item_id for item_id, _ in rows})
    kept = set(ids if maximum is None else smallest_by_hash(ids, maximum, salt=DRIFT_SALT))
    return [_golden_item(rows[key], held[key]) for key in sorted(rows) if key[0] in kept]


def _golden_item(row: Mapping[str, Any], versions: Sequence[int]) -> TrialItem:
    synthetic = row["selection"] == SYNTHETIC
    graceful = row["expected_behaviour"] == "graceful_failure"
    return TrialItem(
        item_id=row["item_id"],
        item_revision=row["item_revision"],
        route=row["route"],
        subsets=(SYNTHETIC_SUBSET,) if synthetic else tuple(sorted(row["subsets"])),
        messages=_messages(row["messages"]),
        reference_response=good_reference(row),
        conversation_key=row["conversation_key"],
        source="synthetic" if synthetic else "golden",
        golden_versions=tuple(versions),
        expected_behaviour="graceful_failure" if graceful else "answer",
    )


def reserve_identity(interaction_id: str) -> str:
    """The item id of a reserve interaction: trials outlive the interaction, so it is a hash."""
    return f"{RESERVE_PREFIX}{fingerprint(interaction_id)[:16]}"


def reserve_names(interaction_id: str) -> tuple[str, str]:
    """The item id of a reserve interaction, and the one that trials of earlier versions have."""
    return reserve_identity(interaction_id), f"{RESERVE_PREFIX}{interaction_id}"


def reserve_items(
    reserve: pl.DataFrame, item_ids: Sequence[str], *, look: int, golden_version: int
) -> list[TrialItem]:
    """The named reserve interactions as items without reference, in the order of `item_ids`.

    `reserve`: STRATIFIED_INTERACTIONS joined with the messages of ANONYMISED_INTERACTIONS.
    """
    wanted = set(item_ids)
    places = {
        item_id: place
        for place, interaction_id in enumerate(reserve["interaction_id"])
        if (item_id := reserve_identity(interaction_id)) in wanted
    }
    rows = {item_id: reserve.row(place, named=True) for item_id, place in places.items()}
    return [
        TrialItem(
            item_id=item_id,
            item_revision=1,
            route=rows[item_id]["route"],
            subsets=tuple(sorted(rows[item_id]["subsets"])),
            messages=_messages(rows[item_id]["messages"]),
            reference_response=None,
            conversation_key=rows[item_id]["conversation_key"],
            source="reserve",
            golden_versions=(golden_version,),
            look=look,
        )
        for item_id in item_ids
    ]


def _messages(rows: Sequence[Mapping[str, str]]) -> tuple[Message, ...]:
    return tuple(Message(row["role"], row["content"]) for row in rows)
