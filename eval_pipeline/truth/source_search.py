"""What is looked for, where, and what was found."""

from dataclasses import dataclass, field
from typing import Literal

from eval_pipeline.canary import canaries_in

Matched = Literal["question", "reference"]
Measure = Literal["covered_share", "similarity"]


@dataclass(frozen=True)
class Passage:
    """Texts of an item that are looked for together."""

    item_id: str
    matched: Matched
    texts: tuple[str, ...]


@dataclass(frozen=True)
class SourceRecord:
    """One record of a source; words run on from one text to the next.

    `number` counts from 1; where the texts are lines of a file, it is the first line's. `problem`
    says why a record, or a part of it, could not be read.
    """

    number: int
    texts: tuple[str, ...]
    lines: bool = False
    problem: str | None = None


@dataclass(frozen=True)
class Hit:
    """A passage found: by which measure, how much of it, and in which record."""

    item_id: str
    matched: Matched
    measure: Measure
    value: float
    record: int


@dataclass
class Search:
    """What one source holds: per item, kind of passage and measure the best hit, or the first."""

    records: int = 0
    words: int = 0
    unreadable: int = 0
    first_unreadable: int | None = None
    best: dict[tuple[str, Matched, Measure], Hit] = field(default_factory=dict)
    canaries: dict[str, int] = field(default_factory=dict)
    """The first record that holds it, per canary."""

    def note_canaries(self, record: SourceRecord) -> None:
        """Notes the first record that holds a version's canary, for each."""
        for number, text in enumerate(record.texts):
            for canary in canaries_in(text):
                where = record.number + (number if record.lines else 0)
                self.canaries.setdefault(canary, where)

    def add(self, hit: Hit) -> None:
        """Keeps the hit if it is better than what is known."""
        key = (hit.item_id, hit.matched, hit.measure)
        known = self.best.get(key)
        if known is None or (-hit.value, hit.record) < (-known.value, known.record):
            self.best[key] = hit
