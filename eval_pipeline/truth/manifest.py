"""A golden version's manifest: what it holds, what it came from, and the hashes that prove it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from eval_pipeline.errors import CorruptFileError
from eval_pipeline.fingerprint import content_hash, fingerprint
from eval_pipeline.truth.golden_set import Change, Composition
from eval_pipeline.truth.version_diff import count_names

SCHEMA_VERSION: Final = 1


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
    """Items that the policy wanted of a subset or kind, and those it got."""

    of: Literal["subset", "kind"]
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


class Provenance(Part):
    """Where the labels came from. `judges`: judge to the models that the provider says it ran."""

    salt: str
    anonymiser_fingerprint: str
    judges: dict[str, tuple[str, ...]]
    agreement: dict[str, float | None]
    code_version: str
    run_id: str | None


class Manifest(Part):
    """Everything about a version but its items. It holds no time, so equal runs give equal bytes.

    `content_fingerprint` ignores `run_id`, `code_version` and the number: it says whether two
    publications rest on the same items and the same provenance. `erased` names items that were
    removed after publication because a person asked for it.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    version: int
    parent: int | None
    parent_manifest_hash: str | None
    week: str
    files: dict[str, FileEntry]
    counts: Counts
    admitted: tuple[ItemChange, ...]
    retired: tuple[ItemChange, ...]
    revised: tuple[ItemChange, ...]
    left_out: dict[str, int]
    deficits: tuple[DeficitEntry, ...]
    provenance: Provenance
    content_fingerprint: str
    erased: tuple[str, ...] = ()

    @property
    def items_file(self) -> str:
        """The name of the file that holds the items."""
        return next(iter(self.files))


def describe(
    composition: Composition,
    provenance: Provenance,
    *,
    files: Mapping[str, FileEntry],
    parent_manifest_hash: str | None,
) -> Manifest:
    """The manifest of a composition; its parent is the version before."""
    return Manifest(
        version=composition.version,
        parent=composition.version - 1 or None,
        parent_manifest_hash=parent_manifest_hash,
        week=composition.week,
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
        content_fingerprint=content_fingerprint(
            composition.items, provenance, week=composition.week
        ),
    )


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
    facts = provenance.model_dump(mode="json", exclude={"run_id", "code_version"})
    plain = [
        {**row, **{day: str(row[day]) for day in ("admitted_on", "labelled_on")}} for row in rows
    ]
    return fingerprint([week, plain, facts])


def manifest_bytes(manifest: Manifest) -> bytes:
    """The manifest as it is stored: JSON for people, keys sorted, the same on every machine."""
    tree = manifest.model_dump(mode="json")
    return (json.dumps(tree, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def parse_manifest(data: bytes, *, path: str) -> Manifest:
    """The manifest in `data`; raises `CorruptFileError` naming `path`."""
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"]) or "the whole file"
        raise CorruptFileError(
            path,
            f"it is not a manifest of schema version {SCHEMA_VERSION} ({where}: {first['msg']})",
            "Restore it from a backup: published versions are never written again.",
        ) from None


def item_problems(manifest: Manifest, items: pl.DataFrame) -> list[str]:
    """Where the items contradict their manifest."""
    problems = []
    recorded = manifest.files[manifest.items_file].rows
    if items.height != recorded:
        problems.append(f"the items file has {items.height} rows, the manifest says {recorded}")
    if counts_of(items, fresh=manifest.counts.fresh) != manifest.counts:
        problems.append("the counts per subset, kind or label source are not those of the items")
    found = content_fingerprint(items, manifest.provenance, week=manifest.week)
    if found != manifest.content_fingerprint:
        problems.append("the content fingerprint is not that of the items and their provenance")
    return problems


def chain_problems(
    manifest: Manifest,
    items: Sequence[str],
    *,
    parent_manifest: bytes | None,
    parent_items: Sequence[str],
) -> list[str]:
    """Where a version does not follow from its parent: the hash, or the items that came and went.

    `items` and `parent_items` are item ids.
    """
    problems = []
    expected = None if parent_manifest is None else content_hash(parent_manifest)
    if manifest.parent_manifest_hash != expected:
        problems.append(f"the manifest of version {manifest.parent} is not the one it was built on")
    admitted = {change.item_id for change in manifest.admitted}
    retired = {change.item_id for change in manifest.retired}
    erased = set(manifest.erased)
    if (set(parent_items) - retired) | (admitted - erased) != set(items):
        problems.append("its items are not its parent's, less the retired, plus the admitted")
    return problems


def _entries(changes: Sequence[Change]) -> tuple[ItemChange, ...]:
    return tuple(
        ItemChange(item_id=one.item_id, reason=one.reason, detail=one.detail) for one in changes
    )


def published_schema() -> dict[str, Any]:
    """The JSON Schema of `manifest.json`, for other tools."""
    return Manifest.model_json_schema()
