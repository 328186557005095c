"""Searches what systems may have learnt from for items of the golden set and of the reserve."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import polars as pl

from eval_pipeline.adapters.known_texts import files_named, read_records, text_record
from eval_pipeline.errors import StaleScreeningError
from eval_pipeline.evaluation.trial_items import TrialItem, golden_items, reserve_identity
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.recorded import recorded_answers
from eval_pipeline.flows.reserve import newest_version, reserve_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings import SystemSettings
from eval_pipeline.tables import CANDIDATE_CONTAMINATION, CONTAMINATION_FINDINGS
from eval_pipeline.tables.contamination import ANY, PROMPT
from eval_pipeline.truth.contamination import (
    Declared,
    Searched,
    SoughtItem,
    SourceKind,
    declared_sources,
    details,
    findings,
    found_items,
    passages_of,
    sought_items,
    user_texts,
)
from eval_pipeline.truth.item_index import ItemIndex


def contaminated_items(
    pipeline: Pipeline,
    items: pl.DataFrame,
    systems: Mapping[str, SystemSettings] | None = None,
) -> Mapping[str, str]:
    """Of a GOLDEN_SET frame, the items that a system may know, each with where it was found.

    Every configured system unless `systems` says otherwise. Raises `SettingsError` where a source
    names no file or a damaged one.
    """
    sought = sought_items(items)
    return details(_screened(pipeline, sought, systems=systems, golden_version=0))


def source_files(pipeline: Pipeline) -> list[Path]:
    """The files that the configured systems may have learnt from, none of them read.

    Raises `SettingsError` where a source names no file.
    """
    policy = pipeline.settings.golden.contamination
    return sorted(_files(pipeline, declared_sources(pipeline.settings.systems, policy=policy)))


def screen_week(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    """CONTAMINATION_FINDINGS of the week's golden version; without one, of the newest.

    Raises `MissingPartitionError` before the first version.
    """
    version = pipeline.golden.for_week(week) or newest_version(pipeline)
    return screen_version(pipeline, version=version)


def screen_version(pipeline: Pipeline, *, version: int) -> pl.DataFrame:
    """CONTAMINATION_FINDINGS of a version's items, and of those that it retired from its parent."""
    parent = pipeline.golden.manifest(version).parent
    frames = [pipeline.golden.items(version)]
    if parent is not None:
        frames.append(pipeline.golden.items(parent))
    items = pl.concat(frames).unique("item_id", keep="first", maintain_order=True)
    return _screened(pipeline, sought_items(items), systems=None, golden_version=version)


def screen_candidate(pipeline: Pipeline, candidate: Candidate) -> pl.DataFrame:
    """CANDIDATE_CONTAMINATION: both arms' sources against every item they could be asked."""
    systems = {
        candidate.baseline_id: candidate.baseline,
        candidate.candidate_id: candidate.system,
    }
    version = newest_version(pipeline)
    if candidate.recorded_week is None:
        asked = golden_items(pipeline.golden.items(version), golden_version=version)
        sought = [*map(_sought, asked), *_reserve_items(pipeline, version=version)]
    else:
        asked, _ = recorded_answers(pipeline, candidate.baseline_id, week=candidate.recorded_week)
        sought = [*map(_sought, asked)]
    return CANDIDATE_CONTAMINATION.conform(
        _screened(pipeline, sought, systems=systems, golden_version=version)
    )


def known_items(pipeline: Pipeline, candidate: Candidate, *, version: int) -> pl.DataFrame:
    """The findings that keep items out of the candidate's evaluation on a golden version.

    Raises `MissingPartitionError` where the sources have not been searched, and
    `StaleScreeningError` where that was for another version.
    """
    found = pipeline.lake.read(CANDIDATE_CONTAMINATION, partition=candidate.candidate_id)
    versions = found["golden_version"].unique().sort().to_list()
    if candidate.recorded_week is None and versions not in ([], [version]):
        raise StaleScreeningError(candidate.candidate_id, versions, version)
    return found


def known_of(pipeline: Pipeline, candidate: Candidate, reserve: pl.DataFrame) -> list[str]:
    """Ids of the reserve items, with `messages`, that a candidate's or its baseline's sources hold.

    For items that its own screening did not cover, because they came later.
    """
    systems = {
        candidate.baseline_id: candidate.baseline,
        candidate.candidate_id: candidate.system,
    }
    sought = _sought_reserve(reserve)
    return excluded_ids(_screened(pipeline, sought, systems=systems, golden_version=0))


def unknown_trials(
    pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame, *, version: int
) -> pl.DataFrame:
    """The rows of `trials`, with `item_id`, of items that neither arm may know beforehand."""
    known = excluded_ids(known_items(pipeline, candidate, version=version))
    return trials.filter(~pl.col("item_id").is_in(known))


def excluded_ids(found: pl.DataFrame) -> list[str]:
    """The ids of the items that findings name, sorted."""
    return sorted(set(found_items(found)["item_id"]))


def canary_members(pipeline: Pipeline, canaries: Collection[str]) -> dict[str, frozenset[str]]:
    """The item ids of the versions whose canaries these are; other canaries are left out."""
    members: dict[str, frozenset[str]] = {}
    for number in pipeline.golden.numbers() if canaries else ():
        canary = pipeline.golden.manifest(number).canary
        if canary in canaries:
            members[canary] = frozenset(pipeline.golden.items(number)["item_id"])
    return members


def _screened(
    pipeline: Pipeline,
    items: Sequence[SoughtItem],
    *,
    systems: Mapping[str, SystemSettings] | None,
    golden_version: int,
) -> pl.DataFrame:
    policy = pipeline.settings.golden.contamination
    named = pipeline.settings.systems if systems is None else systems
    declared = declared_sources(named, policy=policy)
    if not declared:
        return CONTAMINATION_FINDINGS.empty()
    passages = [passage for item in items for passage in passages_of(item, policy=policy)]
    index = ItemIndex(passages, policy=policy)
    searched = _searched(pipeline, index, declared)
    leaked = {canary for one in searched for canary in one.search.canaries}
    return findings(
        searched,
        items,
        members=canary_members(pipeline, leaked),
        policy=policy,
        golden_version=golden_version,
    )


def _searched(pipeline: Pipeline, index: ItemIndex, declared: Sequence[Declared]) -> list[Searched]:
    """Every source once, however many systems name it."""
    found = []
    for source in declared:
        if source.kind == PROMPT:
            search = index.search([text_record(source.pattern)])
            found.append(Searched(source.system_id, source.kind, PROMPT, search))
    files = _files(pipeline, declared)
    for done, (path, owners) in enumerate(sorted(files.items())):
        if pipeline.report is not None:
            pipeline.report(done, len(files), "searching sources for golden items")
        search = index.search(read_records(path))
        name = _name(pipeline, path)
        found += [Searched(system_id, kind, name, search) for system_id, kind in sorted(owners)]
    return found


def _files(
    pipeline: Pipeline, declared: Sequence[Declared]
) -> dict[Path, set[tuple[str, SourceKind]]]:
    """Who names each file, and as what."""
    files: dict[Path, set[tuple[str, SourceKind]]] = {}
    for source in declared:
        if source.kind != PROMPT:
            located = pipeline.project.locate(source.pattern)
            for path in files_named(source.pattern, located=located, setting=_setting(source)):
                files.setdefault(path, set()).add((source.system_id, source.kind))
    return files


def _setting(source: Declared) -> str:
    if source.system_id == ANY:
        return "golden.contamination.sources"
    return f"{source.kind}_files` of system `{source.system_id}"


def _name(pipeline: Pipeline, path: Path) -> str:
    """The path from the configuration's folder, or whole where it lies elsewhere."""
    folder = pipeline.project.folder
    normal = Path(os.path.normpath(path))
    return normal.relative_to(folder).as_posix() if normal.is_relative_to(folder) else str(normal)


def _sought(item: TrialItem) -> SoughtItem:
    questions = tuple(part.content or "" for part in item.messages if part.role == "user")
    return SoughtItem(item.item_id, item.subsets, questions, item.reference_response)


def _reserve_items(pipeline: Pipeline, *, version: int) -> list[SoughtItem]:
    return _sought_reserve(reserve_of(pipeline, version=version))


def _sought_reserve(reserve: pl.DataFrame) -> list[SoughtItem]:
    return [
        SoughtItem(
            reserve_identity(row["interaction_id"]),
            tuple(sorted(row["subsets"])),
            user_texts(row["messages"]),
            None,
        )
        for row in reserve.iter_rows(named=True)
    ]
