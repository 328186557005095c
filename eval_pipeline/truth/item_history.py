"""What happened to golden items, as the manifests tell it."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from eval_pipeline.truth.manifest import ItemChange, Manifest, Tombstone
from eval_pipeline.truth.version_diff import ChangedItem, Recorded

ItemState = tuple[int, str | None]
"""An item's revision and its reference label in one version."""


@dataclass(frozen=True)
class ItemEvent:
    """One change of an item. `golden_version` recorded it, composed for `week`.

    `item_revision` and `reference_label` are those that it had from then on; for a retired item
    those that it had last. Erased: `golden_version` is the first that no longer holds it, and
    `detail` is the erasure's id.
    """

    golden_version: int
    week: str
    change: Literal["admitted", "retired", "revised", "erased"]
    reason: str
    detail: str | None
    item_revision: int | None
    reference_label: str | None

    def as_dict(self) -> dict[str, Any]:
        """The same as a plain dictionary, for JSON."""
        return asdict(self)


def item_history(
    item_id: str,
    manifests: Iterable[Manifest],
    *,
    state: Callable[[int, str], ItemState | None],
) -> list[ItemEvent]:
    """The item's events in the order of versions, an erasure last; empty if it is unknown.

    `manifests` come oldest first; `state` says how an item stood in a version, None if absent.
    """
    events: list[ItemEvent] = []
    erased: dict[str, ItemEvent] = {}
    stones: dict[int, Tombstone] = {}
    for manifest in manifests:
        version = manifest.version
        for stone in manifest.tombstones:
            if stone.item_id == item_id:
                stones[version] = stone
                erased.setdefault(stone.erasure_id, _erasure(manifest, stone))
        for event in _events(item_id, manifest):
            # A retired item is no longer in the version that retired it.
            standing = version - 1 if event.change == "retired" else version
            found = state(standing, item_id) or _as_state(stones.get(standing))
            events.append(
                replace(event, item_revision=found[0], reference_label=found[1]) if found else event
            )
    return [*events, *erased.values()]


def changes_of(manifests: Iterable[Manifest]) -> Recorded:
    """What the manifests say came, went and was revised, in their order."""
    listed = list(manifests)
    return {
        "admitted": [_changed(one, change) for one in listed for change in one.admitted],
        "retired": [_changed(one, change) for one in listed for change in one.retired],
        "revised": [_changed(one, change) for one in listed for change in one.revised],
    }


def _changed(manifest: Manifest, change: ItemChange) -> ChangedItem:
    return ChangedItem(change.item_id, manifest.version, change.reason, change.detail)


def _events(item_id: str, manifest: Manifest) -> list[ItemEvent]:
    changes: tuple[tuple[Literal["admitted", "retired", "revised"], Any], ...] = (
        ("retired", manifest.retired),
        ("admitted", manifest.admitted),
        ("revised", manifest.revised),
    )
    return [
        ItemEvent(manifest.version, manifest.week, change, one.reason, one.detail, None, None)
        for change, listed in changes
        for one in listed
        if one.item_id == item_id
    ]


def _erasure(manifest: Manifest, stone: Tombstone) -> ItemEvent:
    reasons = {reissue.erasure_id: reissue.reason for reissue in manifest.reissues}
    return ItemEvent(
        manifest.version,
        manifest.week,
        "erased",
        reasons[stone.erasure_id],
        stone.erasure_id,
        stone.item_revision,
        stone.reference_label,
    )


def _as_state(stone: Tombstone | None) -> ItemState | None:
    return None if stone is None else (stone.item_revision, stone.reference_label)
