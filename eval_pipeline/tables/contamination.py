"""What systems may know of the golden set beforehand; no text stands here."""

from typing import Final

import polars as pl

from eval_pipeline.tables.table import NAMES, Table, schema_of

ANY: Final = "*"
"""As a system: any of them. As an item: none, the row is about the source itself."""

PROMPT: Final = "prompt"
_WORDS: Final = {"few_shot": "few-shot file", "fine_tuning": "fine-tuning file", "general": "file"}

_SCHEMA: Final = schema_of(
    {
        "system_id": pl.String,  # '*' for a source that any system may have learnt from
        "source_kind": pl.String,  # prompt | few_shot | fine_tuning | general
        "source": pl.String,  # the file, as the configuration's folder sees it, or 'prompt'
        "item_id": pl.String,  # '*' where the row is about the source itself
        "matched": pl.String,  # question | reference | version (its canary) | source
        "measure": pl.String,  # covered_share | similarity | canary | records | unreadable
        "value": pl.Float64,
        "threshold": pl.Float64,  # null where the row is about the source itself
        "record": pl.Int64,  # from 1: a line, or a row; the first unreadable one
        "subsets": NAMES,
        "golden_version": pl.Int64,
    }
)
_KEY: Final = ("system_id", "source_kind", "source", "item_id", "matched", "measure")
_REQUIRED: Final = frozenset({"value", "subsets", "golden_version"})

CONTAMINATION_FINDINGS: Final = Table(
    name="contamination_findings",
    job="publish",
    grain="one row per source of any system, and per item of the week's version found in it",
    partitioned_by="week",
    key=_KEY,
    required=_REQUIRED,
    schema=_SCHEMA,
)


CANDIDATE_CONTAMINATION: Final = Table(
    name="candidate_contamination",
    job="evaluate",
    grain="one row per source of either arm, and per item of its evaluation found in it",
    partitioned_by="candidate",
    key=_KEY,
    required=_REQUIRED,
    schema=_SCHEMA,
)


def source_words(source_kind: str, source: str) -> str:
    """The source as sentences name it: "fine-tuning file 'train.jsonl'"."""
    return "the prompt" if source_kind == PROMPT else f"{_WORDS[source_kind]} '{source}'"
