"""Golden versions without one person: the only place that asks `GoldenVersions` to forget."""

from dataclasses import dataclass

from eval_pipeline.flows.erasure.inventory import Inventory, is_theirs
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import GOLDEN_SET


@dataclass(frozen=True)
class Held:
    """A version with items of the person, and the hash of its items file."""

    version: int
    place: str
    items: int
    sha256: str


def holding_versions(pipeline: Pipeline, inventory: Inventory) -> list[Held]:
    """The versions that hold items of the person, oldest first."""
    held = []
    for version in pipeline.golden.numbers():
        items = pipeline.golden.items(version).filter(is_theirs(GOLDEN_SET, inventory)).height
        if items:
            place = pipeline.golden.items_path(version)
            held.append(Held(version, place, items, items_hash(pipeline, version)))
    return held


def items_hash(pipeline: Pipeline, version: int) -> str:
    """The hash that the version's manifest gives of its items file."""
    manifest = pipeline.golden.manifest(version)
    return manifest.files[manifest.items_file].sha256


def forget_in_versions(pipeline: Pipeline, inventory: Inventory, *, reason: str) -> None:
    """Issues every version again without the person's items; the chain of hashes is kept.

    Tombstones stand in their place, and each manifest names the one that it supersedes and why.
    """
    pipeline.golden.forget(
        user_key=inventory.person.user_key,
        conversation_keys=inventory.conversation_keys,
        reason=reason,
        erasure_id=inventory.person.erasure_id,
    )
