"""What every export says of an item, whatever the tool: its input, what to expect, its origin."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from eval_pipeline.fingerprint import content_hash
from eval_pipeline.tables import GOLDEN_SET, good_reference
from eval_pipeline.truth.manifest import Manifest
from eval_pipeline.truth.manifest_file import manifest_bytes

GRACEFUL_FAILURE: Final = (
    "The answer declines the request or hands it over to a person, and invents nothing. "
    "Any such answer passes."
)
"""What is expected where no answer would be right; a criterion, never to be compared as text."""

NO_EXPECTATION: Final = "no_expectation"
ROLE_UNKNOWN: Final = "role_unknown"
ROLES: Final = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
"""The roles that other tools know, by those of logs."""


@dataclass(frozen=True)
class Origin:
    """The version that an export is of."""

    version: int
    week: str
    manifest_sha256: str
    canary: str


@dataclass(frozen=True)
class ExportRecord:
    """One item. `facts` is JSON-ready and holds nothing that a model should be asked.

    `expectation` is a good answer, or a criterion; `facts["expectation_is"]` says which. None
    where nobody knows a good answer: a failed response never stands in for one. `messages` are
    None where a message has a role that other tools do not know.
    """

    item_id: str
    messages: tuple[Mapping[str, str], ...] | None
    expectation: str | None
    facts: Mapping[str, Any]

    @property
    def graceful(self) -> bool:
        """Whether a refusal or a hand-over is what is right."""
        return bool(self.facts["expected_behaviour"] == "graceful_failure")

    @property
    def lacks(self) -> str | None:
        """Why a tool that needs messages and an expectation cannot take it, if so."""
        if self.messages is None:
            return ROLE_UNKNOWN
        return NO_EXPECTATION if self.expectation is None else None


def origin_of(manifest: Manifest) -> Origin:
    """The version's number, the SHA-256 of its manifest's bytes, and its canary."""
    return Origin(
        version=manifest.version,
        week=manifest.week,
        manifest_sha256=content_hash(manifest_bytes(manifest)),
        canary=manifest.canary,
    )


def export_records(items: pl.DataFrame, origin: Origin) -> Iterator[ExportRecord]:
    """One record per row of GOLDEN_SET, by item id."""
    for row in items.sort("item_id").iter_rows(named=True):
        expectation, what = _expectation(row)
        yield ExportRecord(
            item_id=row["item_id"],
            messages=_messages(row["messages"]),
            expectation=expectation,
            facts={
                "item_id": row["item_id"],
                "item_revision": row["item_revision"],
                "golden_version": origin.version,
                "golden_week": origin.week,
                "manifest_sha256": origin.manifest_sha256,
                "canary": origin.canary,
                "route": row["route"],
                "kind": row["kind"],
                "subsets": sorted(row["subsets"]),
                "selection": row["selection"],
                "expected_behaviour": row["expected_behaviour"],
                "expectation_is": what,
                "reference_label": row["reference_label"],
                "label_source": row["label_source"],
                "conversation_key": row["conversation_key"],
            },
        )


def plain_frame(items: pl.DataFrame, origin: Origin) -> pl.DataFrame:
    """GOLDEN_SET by item id, with the version's origin and without the people's keys.

    `reference_response` is the good reference, null where none is known.
    """
    rows = items.sort("item_id").to_dicts()
    good = pl.Series([good_reference(row) for row in rows], dtype=pl.String)
    return items.sort("item_id").select(
        pl.lit(origin.version, dtype=pl.Int64).alias("golden_version"),
        pl.lit(origin.manifest_sha256).alias("manifest_sha256"),
        pl.lit(origin.canary, dtype=pl.String).alias("canary"),
        *(
            good.alias(name) if name == "reference_response" else pl.col(name)
            for name in GOLDEN_SET.schema
            if name != "user_key"
        ),
    )


def json_text(value: Any) -> str:
    """JSON as people read it: keys in the order given, no escapes but the necessary ones."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _expectation(
    row: Mapping[str, Any],
) -> tuple[str | None, Literal["reference", "criterion"] | None]:
    if row["expected_behaviour"] == "graceful_failure":
        return GRACEFUL_FAILURE, "criterion"
    reference = good_reference(row)
    return reference, None if reference is None else "reference"


def _messages(rows: list[Mapping[str, str | None]]) -> tuple[Mapping[str, str], ...] | None:
    known = [(ROLES.get(row["role"] or ""), row["content"] or "") for row in rows]
    if not known or any(role is None for role, _ in known):
        return None
    return tuple({"role": str(role), "content": content} for role, content in known)
