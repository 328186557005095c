"""A golden version's manifest: what it holds, what it came from, and the hashes that prove it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

from eval_pipeline.canary import canary_of
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.settings import GoldenSettings
from eval_pipeline.truth.golden_set import Change, Composition
from eval_pipeline.truth.version_diff import count_names

SCHEMA_VERSION: Final = 1
NOT_OF_CONTENT = frozenset({"run_id", "code_version", "policy"})


class Part(BaseModel):
    """A frozen part of the manifest that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEntry(Part):
    """One file of the version; `sha256` is of its bytes."""

    sha256: str
    bytes: int
    rows: int


class ItemChange(Part):
    """One item and why it was admitted, retired or revised."""

    item_id: str
    reason: str
    detail: str | None = None


class DeficitEntry(Part):
    """Items that the policy wanted of a subset, kind or other part, and those it got."""

    of: Literal["subset", "kind", "fresh"]
    name: str
    required: int
    found: int


class Counts(Part):
    """Items in all and per name; an item of several subsets counts in each."""

    items: int
    fresh: int
    per_subset: dict[str, int]
    per_kind: dict[str, int]
    per_label_source: dict[str, int]
    per_annotator_kind: dict[str, int]


class PolicyEntry(Part):
    """The policy that the version was composed under; `fingerprint` is of the other two."""

    fingerprint: str
    golden: dict[str, Any]
    subsets: tuple[str, ...]


class Provenance(Part):
    """Where the labels came from. `judges`: judge to the models that the provider says it ran.

    `policy` is null for a version that was composed outside of a configured pipeline.
    """

    salt: str
    anonymiser_fingerprint: str
    judges: dict[str, tuple[str, ...]]
    agreement: dict[str, float | None]
    code_version: str
    run_id: str | None
    policy: PolicyEntry | None = None


class Tombstone(Part):
    """What stays of an erased item: neither text nor the key of a person or conversation."""

    item_id: str
    item_revision: int
    route: str
    kind: str
    subsets: tuple[str, ...]
    reference_label: str | None
    label_source: str
    erasure_id: str


class Reissue(Part):
    """One time that the manifest was issued again, and the SHA-256 of the file it replaced."""

    reason: str
    erasure_id: str
    supersedes: str


class Manifest(Part):
    """Everything about a version but its items. It holds no time, so equal runs give equal bytes.

    `weeks` are those whose labels were drawn on, `newest_week` is the newest of this version and
    all before. `parent_manifest_hash` is the SHA-256 of the parent's manifest file; `canary` was
    derived from it at publication and never changes. `content_fingerprint` ignores `run_id`,
    `code_version`, `policy` and the number: it says whether two publications rest on the same
    items and the same provenance.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    version: int
    parent: int | None
    parent_manifest_hash: str | None
    week: str
    weeks: tuple[str, ...]
    newest_week: str
    as_of: dt.date
    canary: str
    files: dict[str, FileEntry]
    counts: Counts
    admitted: tuple[ItemChange, ...]
    retired: tuple[ItemChange, ...]
    revised: tuple[ItemChange, ...]
    left_out: dict[str, int]
    deficits: tuple[DeficitEntry, ...]
    provenance: Provenance
    content_fingerprint: str
    tombstones: tuple[Tombstone, ...] = ()
    reissues: tuple[Reissue, ...] = ()

    @property
    def items_file(self) -> str:
        """The name of the file that holds the items."""
        return next(iter(self.files))


def describe(
    composition: Composition,
    provenance: Provenance,
    *,
    files: Mapping[str, FileEntry],
    parent: Manifest | None,
    parent_manifest_hash: str | None,
) -> Manifest:
    """The manifest of a composition; its parent is the version before."""
    week = composition.week
    return Manifest(
        version=composition.version,
        parent=composition.version - 1 or None,
        parent_manifest_hash=parent_manifest_hash,
        week=week,
        weeks=tuple(sorted({week, *composition.weeks})),
        newest_week=week if parent is None else max(week, parent.newest_week),
        as_of=composition.as_of,
        canary=canary_of(parent_manifest_hash, week=week),
        files=dict(files),
        counts=counts_of(composition.items, fresh=composition.fresh),
        admitted=_entries(composition.admitted),
        retired=_entries(composition.retired),
        revised=_entries(composition.revised),
        left_out=dict(composition.left_out),
        deficits=tuple(
            DeficitEntry(of=gap.of, name=gap.name, required=gap.required, found=gap.found)
            for gap in composition.deficits
        ),
        provenance=provenance,
        content_fingerprint=content_fingerprint(composition.items, provenance, week=week),
    )


def policy_entry(policy: GoldenSettings, subsets: Sequence[str]) -> PolicyEntry:
    """The policy as the manifest records it."""
    golden, names = policy.model_dump(mode="json"), tuple(sorted(subsets))
    return PolicyEntry(fingerprint=fingerprint([golden, list(names)]), golden=golden, subsets=names)


def counts_of(items: pl.DataFrame, *, fresh: int) -> Counts:
    """The counts of a version's items."""
    return Counts(
        items=items.height,
        fresh=fresh,
        per_subset=count_names(items, "subsets"),
        per_kind=count_names(items, "kind"),
        per_label_source=count_names(items, "label_source"),
        per_annotator_kind=count_names(items, "annotator_kind"),
    )


def content_fingerprint(items: pl.DataFrame, provenance: Provenance, *, week: str) -> str:
    """Equal for a week that is published again from the same inputs, whatever its number."""
    rows = items.drop("admitted_in").sort("item_id").to_dicts()
    facts = provenance.model_dump(mode="json", exclude=set(NOT_OF_CONTENT))
    plain = [
        {**row, **{day: str(row[day]) for day in ("admitted_on", "labelled_on")}} for row in rows
    ]
    return fingerprint([week, plain, facts])


def _entries(changes: Sequence[Change]) -> tuple[ItemChange, ...]:
    return tuple(
        ItemChange(item_id=one.item_id, reason=one.reason, detail=one.detail) for one in changes
    )
