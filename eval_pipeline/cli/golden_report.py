"""Golden versions as tables for the terminal."""

from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table as RichTable
from rich.text import Text

from eval_pipeline.flows.rebuilding import Rebuilt
from eval_pipeline.truth.item_history import ItemEvent
from eval_pipeline.truth.manifest import Manifest
from eval_pipeline.truth.version_diff import ChangedItem, VersionDiff

NAMED_ITEMS = 5
"""Items that one line names; the rest it counts. `--json` has them all."""


def versions_table(manifests: Sequence[Manifest]) -> RichTable:
    """One row per version."""
    table = RichTable("version", "week", "items", "admitted", "retired", "revised", "erased")
    table.add_column("content")
    for manifest in manifests:
        counts = (
            manifest.counts.items,
            len(manifest.admitted),
            len(manifest.retired),
            len(manifest.revised),
            len(manifest.tombstones),
        )
        table.add_row(
            str(manifest.version),
            manifest.week,
            *map(str, counts),
            manifest.content_fingerprint[:12],
        )
    return table


def manifest_tables(manifest: Manifest, *, manifest_hash: str) -> Iterator[RichTable]:
    """What a version is, its mix, its changes per reason, what it lacks and its re-issues."""
    yield _facts(manifest, manifest_hash=manifest_hash)
    mix = RichTable("mix", "name", "items")
    for of, counted in (
        ("kind", manifest.counts.per_kind),
        ("subset", manifest.counts.per_subset),
        ("label source", manifest.counts.per_label_source),
    ):
        for name, items in counted.items():
            mix.add_row(of, Text(name), str(items))
    yield mix
    changes = RichTable("change", "reason", "items")
    for change, listed in (
        ("admitted", manifest.admitted),
        ("retired", manifest.retired),
        ("revised", manifest.revised),
    ):
        for reason, items in _tally([one.reason for one in listed]).items():
            changes.add_row(change, Text(reason), str(items))
    for reason, items in manifest.left_out.items():
        changes.add_row("left out", Text(reason), str(items))
    yield changes
    if manifest.deficits:
        lacking = RichTable("deficit", "name", "required", "found")
        for gap in manifest.deficits:
            lacking.add_row(gap.of, Text(gap.name), str(gap.required), str(gap.found))
        yield lacking
    if manifest.reissues:
        again = RichTable("issued again", "erasure", "replaces the manifest")
        for one in manifest.reissues:
            again.add_row(Text(one.reason), Text(one.erasure_id), one.supersedes[:12])
        yield again


def difference_tables(difference: VersionDiff) -> Iterator[RichTable]:
    """The changes per reason with the first items of each, and the mix before and after."""
    changes = RichTable("change", "reason", "items", "which")
    for change, listed in (
        ("added", difference.added),
        ("retired", difference.retired),
        ("revised", difference.revised),
    ):
        for reason in _tally([one.reason or "not recorded" for one in listed]):
            those = [one for one in listed if (one.reason or "not recorded") == reason]
            changes.add_row(change, Text(reason), str(len(those)), Text(_which(those)))
    yield changes
    mix = RichTable("mix", "name", "items before", "items after", "share before", "share after")
    for shift in difference.shifts:
        mix.add_row(
            shift.of,
            Text(shift.name),
            str(shift.items_before),
            str(shift.items_after),
            f"{shift.share_before:.3f}",
            f"{shift.share_after:.3f}",
        )
    yield mix


def history_table(events: Sequence[ItemEvent]) -> RichTable:
    """One row per event."""
    table = RichTable("version", "week", "change", "reason", "detail", "revision", "label")
    for event in events:
        table.add_row(
            str(event.golden_version),
            event.week,
            event.change,
            Text(event.reason),
            Text(event.detail or ""),
            "" if event.item_revision is None else str(event.item_revision),
            event.reference_label or "",
        )
    return table


def rebuilt_line(rebuilt: Rebuilt) -> str:
    """How a version came out, with the first items that differ."""
    parts = [rebuilt.outcome + (", and its items file is restored" if rebuilt.restored else "")]
    if rebuilt.explanation and not rebuilt.restored:
        parts.append(rebuilt.explanation)
    parts += [
        f"{one.item_id} ({', '.join(one.columns) or 'on one side only'})"
        for one in rebuilt.differing[:NAMED_ITEMS]
    ]
    if len(rebuilt.differing) > NAMED_ITEMS:
        parts.append(f"and {len(rebuilt.differing) - NAMED_ITEMS} more items")
    return f"version {rebuilt.version}: {'; '.join(parts)}"


def _facts(manifest: Manifest, *, manifest_hash: str) -> RichTable:
    facts = RichTable.grid(padding=(0, 2))
    provenance = manifest.provenance
    rows: Mapping[str, str] = {
        "version": str(manifest.version),
        "parent": "none" if manifest.parent is None else str(manifest.parent),
        "week": manifest.week,
        "labels from": ", ".join(manifest.weeks),
        "items": f"{manifest.counts.items}, of them {manifest.counts.fresh} fresh",
        "erased": str(len(manifest.tombstones)),
        "judges": "; ".join(
            f"{judge}: {', '.join(models)}" for judge, models in provenance.judges.items()
        ),
        "agreement": ", ".join(
            f"{name} {'unknown' if value is None else f'{value:.3f}'}"
            for name, value in provenance.agreement.items()
        ),
        "policy": "unknown" if provenance.policy is None else provenance.policy.fingerprint,
        "made by": f"eval-pipeline {provenance.code_version}, run {provenance.run_id or 'unknown'}",
        "content": manifest.content_fingerprint,
        "manifest": manifest_hash,
        "canary": manifest.canary,
    }
    for name, value in rows.items():
        facts.add_row(name, Text(value))
    return facts


def _which(items: Sequence[ChangedItem]) -> str:
    named = [
        one.item_id + (f" ({one.detail})" if one.detail else "") for one in items[:NAMED_ITEMS]
    ]
    more = len(items) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _tally(names: Sequence[str]) -> dict[str, int]:
    return {name: names.count(name) for name in sorted(set(names))}
