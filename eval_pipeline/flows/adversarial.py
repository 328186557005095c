"""The week's synthetic items: made from masked text, and scanned before they are kept.

Names are looked for where they can be: in the sources, which are masked, and nowhere else, because
templates hold none and a mutation only spells what is there another way. A model of names reads
odd letters as one long name; asked again, it would leave of such a question nothing but
placeholders. What a pattern can see (a secret, a number, an address of any kind) is asked again.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import polars as pl

from eval_pipeline.anonymisation.finding import Passage
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import (
    ADJUDICATIONS,
    ANONYMISED_INTERACTIONS,
    PANEL_VERDICTS,
    STRATIFIED_INTERACTIONS,
    SYNTHETIC_ITEMS,
)
from eval_pipeline.truth.synthetic_items import SOURCE_COLUMNS, synthetic_items

Messages = list[dict[str, str]]


@dataclass(frozen=True)
class SyntheticWeek:
    """The week's items; `masked`: changed by masking, `dropped`: unfit after it, by reason."""

    items: pl.DataFrame
    masked: int
    dropped: dict[str, int]

    @property
    def told(self) -> str:
        """In words, what masking did to them."""
        reasons = [f"{count} {reason}" for reason, count in sorted(self.dropped.items())]
        return f"{self.masked} changed by masking; left out: {', '.join(reasons) or 'none'}"


def synthesise_week(pipeline: Pipeline, *, week: str) -> SyntheticWeek:
    """Mutates sampled questions of the week, and keeps those that hold nothing new to mask.

    Where patterns see more in an item than in its source, its masked form is taken. What still
    holds something, has become its source again, or no longer fits the limit is left out.
    """
    sources = _sources(pipeline, week=week)
    policy = pipeline.settings.golden.adversarial
    made = synthetic_items(sources, passed=_passed(pipeline, week=week), policy=policy, week=week)
    before = dict(sources.select("interaction_id", "messages").iter_rows())
    kept: list[dict[str, Any]] = []
    dropped: Counter[str] = Counter()
    masked = 0
    for row in made.to_dicts():
        source = before[row["source_interaction_id"]]
        messages, clean = _scanned(pipeline, row, source=source)
        reason = _unfit(messages, clean=clean, source=source, limit=policy.limit_characters)
        if reason is not None:
            dropped[reason] += 1
            continue
        masked += messages != row["messages"]
        kept.append({**row, "messages": messages})
    frame = SYNTHETIC_ITEMS.conform(pl.DataFrame(kept, schema=SYNTHETIC_ITEMS.schema))
    return SyntheticWeek(frame, masked, dict(dropped))


def _sources(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    text = pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week)
    strata = pipeline.lake.read(STRATIFIED_INTERACTIONS, partition=week)
    return (
        strata.filter(pl.col("selection") == "sample")
        .join(text.select("interaction_id", "messages", "user_key"), on="interaction_id")
        .select(SOURCE_COLUMNS)
    )


def _passed(pipeline: Pipeline, *, week: str) -> list[str]:
    """Whose logged response passed: as people or the log settled it, else as the panel did."""
    settled = pipeline.lake.read(ADJUDICATIONS, partition=week).select("interaction_id", "label")
    judged = pipeline.lake.read(PANEL_VERDICTS, partition=week)
    verdicts = judged.select("interaction_id", "panel_verdict")
    known = verdicts.join(settled, on="interaction_id", how="full", coalesce=True)
    label = pl.coalesce("label", "panel_verdict")
    return known.filter(label == "pass")["interaction_id"].sort().to_list()


def _scanned(pipeline: Pipeline, row: dict[str, Any], *, source: Messages) -> tuple[Messages, bool]:
    """The item's messages, masked if patterns see in them more than in the source; and if clean."""
    allowed = _hits(pipeline, source, route=row["route"])
    messages: Messages = row["messages"]
    if _hits(pipeline, messages, route=row["route"]) <= allowed:
        return messages, True
    passages = [Passage(message["content"], row["route"]) for message in messages]
    (result,) = pipeline.anonymiser.mask_conversations(
        [passages], identities=[row["source_interaction_id"]]
    )
    written = [
        {"role": message["role"], "content": text}
        for message, text in zip(messages, result.texts, strict=True)
    ]
    return written, not any(result.residual)


def _hits(pipeline: Pipeline, messages: Messages, *, route: str) -> Counter[str]:
    """What patterns see, by kind; realistic stand-ins look like values and are seen too."""
    finder = pipeline.anonymiser.finder
    return Counter(
        span.kind
        for message in messages
        for span in finder.residual(Passage(message["content"] or "", route), thorough=True)
    )


def _unfit(messages: Messages, *, clean: bool, source: Messages, limit: int) -> str | None:
    """Why an item cannot be kept; None if it can."""
    if not clean:
        return "with something left to mask"
    if messages == source:
        return "the same as their source"
    if sum(len(message["content"]) for message in messages) > limit:
        return "longer than the limit"
    return None
