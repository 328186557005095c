"""Which items a system may have seen beforehand: in its prompt, its examples, its training.

An item is looked for by its question and, in files, by its reference response. Findings name the
item, the source and the record, never a text.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

from eval_pipeline.anonymisation.text_matching import segments_of
from eval_pipeline.settings import ContaminationSettings, SystemSettings
from eval_pipeline.tables import CONTAMINATION_FINDINGS, good_reference
from eval_pipeline.tables.contamination import ANY, PROMPT, source_words
from eval_pipeline.truth.source_search import Hit, Matched, Passage, Search

SourceKind = Literal["prompt", "few_shot", "fine_tuning", "general"]


@dataclass(frozen=True)
class SoughtItem:
    """An item to look for. `questions`: what users wrote, in order; reserve items: no reference."""

    item_id: str
    subsets: tuple[str, ...]
    questions: tuple[str, ...]
    reference: str | None


@dataclass(frozen=True, order=True)
class Declared:
    """A source as the configuration names it; `pattern` is a path, or the prompt's own text."""

    system_id: str
    kind: SourceKind
    pattern: str


@dataclass(frozen=True)
class Searched:
    """A source that was searched, under the name that people know it by."""

    system_id: str
    kind: SourceKind
    source: str
    search: Search


def declared_sources(
    systems: Mapping[str, SystemSettings], *, policy: ContaminationSettings
) -> list[Declared]:
    """What the systems may have learnt from; `golden.contamination.sources` hold for any."""
    sources = {Declared(ANY, "general", pattern) for pattern in policy.sources}
    for system_id, system in systems.items():
        if system.prompt:
            sources.add(Declared(system_id, "prompt", system.prompt))
        sources.update(Declared(system_id, "few_shot", each) for each in system.few_shot_files)
        sources.update(
            Declared(system_id, "fine_tuning", each) for each in system.fine_tuning_files
        )
    return sorted(sources)


def sought_items(golden: pl.DataFrame) -> list[SoughtItem]:
    """The items of a GOLDEN_SET frame; the reference is what responses are held against."""
    return [
        SoughtItem(
            row["item_id"],
            tuple(sorted(row["subsets"])),
            user_texts(row["messages"]),
            good_reference(row),
        )
        for row in golden.iter_rows(named=True)
    ]


def user_texts(messages: Iterable[Mapping[str, str | None]]) -> tuple[str, ...]:
    """What users wrote in the messages, in order."""
    return tuple(part["content"] or "" for part in messages if part["role"] == "user")


def passages_of(item: SoughtItem, *, policy: ContaminationSettings) -> Iterator[Passage]:
    """The whole user side; its last message alone if it is as long as an n-gram; the reference.

    A reference of fewer than `verbatim_words` words is not looked for: "Is there anything else I
    can help you with?" stands everywhere and tells nothing of the item.
    """
    yield Passage(item.item_id, "question", item.questions)
    if len(item.questions) > 1:
        last = item.questions[-1]
        if _length(last) >= policy.ngram_words:
            yield Passage(item.item_id, "question", (last,))
    if item.reference and _length(item.reference) >= policy.verbatim_words:
        yield Passage(item.item_id, "reference", (item.reference,))


def findings(
    searched: Sequence[Searched],
    items: Sequence[SoughtItem],
    *,
    members: Mapping[str, frozenset[str]],
    policy: ContaminationSettings,
    golden_version: int,
) -> pl.DataFrame:
    """CONTAMINATION_FINDINGS of what was searched; `members`: canary to its version's item ids.

    A reference found in a prompt is no finding: an answer is what a prompt is there to give.
    """
    known = {item.item_id: item for item in items}
    thresholds: dict[str, float] = {
        "covered_share": policy.covered_share,
        "similarity": policy.similarity,
    }
    rows: list[dict[str, Any]] = []
    for one in searched:
        shared = {
            "system_id": one.system_id,
            "source_kind": one.kind,
            "source": one.source,
            "golden_version": golden_version,
        }
        rows += [{**shared, **row} for row in _source_rows(one.search)]
        rows += [
            {**shared, **_hit_row(hit), "threshold": thresholds[hit.measure]}
            for hit in one.search.best.values()
            if not (one.kind == PROMPT and hit.matched == "reference")
        ]
        rows += [{**shared, **row} for row in _canary_rows(one.search, members, known)]
    for row in rows:
        item = known.get(row["item_id"])
        row["subsets"] = [] if item is None else list(item.subsets)
    return CONTAMINATION_FINDINGS.conform(pl.DataFrame(rows, schema=CONTAMINATION_FINDINGS.schema))


def found_items(findings: pl.DataFrame) -> pl.DataFrame:
    """The findings about items; the others are about the sources."""
    return findings.filter(pl.col("item_id") != ANY)


def details(findings: pl.DataFrame) -> dict[str, str]:
    """Per contaminated item where it was found, for the record of its retirement."""
    told: dict[str, str] = {}
    for row in found_items(findings).sort(CONTAMINATION_FINDINGS.key).iter_rows(named=True):
        told.setdefault(row["item_id"], _detail(row))
    return told


def _detail(row: Mapping[str, Any]) -> str:
    source = source_words(row["source_kind"], row["source"])
    owner = "golden.contamination.sources" if row["system_id"] == ANY else f"'{row['system_id']}'"
    where = f"in {source} of {owner}"
    if row["measure"] == "canary":
        return f"the version's canary stands {where}, record {row['record']}"
    measure = row["measure"].replace("_", " ")
    return f"{row['matched']} {where}, record {row['record']} ({measure} {row['value']:.2f})"


def _source_rows(search: Search) -> Iterator[dict[str, Any]]:
    about = {"item_id": ANY, "matched": "source", "threshold": None}
    yield {**about, "measure": "records", "value": float(search.records), "record": None}
    if search.unreadable:
        yield {
            **about,
            "measure": "unreadable",
            "value": float(search.unreadable),
            "record": search.first_unreadable,
        }


def _hit_row(hit: Hit) -> dict[str, Any]:
    matched: Matched = hit.matched
    return {
        "item_id": hit.item_id,
        "matched": matched,
        "measure": hit.measure,
        "value": hit.value,
        "record": hit.record,
    }


def _canary_rows(
    search: Search, members: Mapping[str, frozenset[str]], known: Mapping[str, SoughtItem]
) -> Iterator[dict[str, Any]]:
    """An item of two versions whose canaries stand in the source is one row."""
    first: dict[str, int] = {}
    for canary, record in search.canaries.items():
        for item_id in members.get(canary, frozenset()) & known.keys():
            first[item_id] = min(record, first.get(item_id, record))
    for item_id, record in sorted(first.items()):
        yield {
            "item_id": item_id,
            "matched": "version",
            "measure": "canary",
            "value": 1.0,
            "threshold": 1.0,
            "record": record,
        }


def _length(text: str) -> int:
    """In words, placeholders not counted."""
    return sum(map(len, segments_of(text)))
