"""What was masked, counted: no text, and the same however the records were divided."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Final

from eval_pipeline.adapters.text_files.field_paths import FieldNames, Path
from eval_pipeline.adapters.text_files.records import Record
from eval_pipeline.anonymisation.anonymiser import MaskedConversation
from eval_pipeline.anonymisation.spans import PLACEHOLDER

_NUMBERS_TOLD: Final = 10


@dataclass
class Tally:
    """Counts over records; no text. Two tallies add up in any order."""

    records: int = 0
    texts: int = 0
    characters: int = 0
    characters_masked: int = 0
    blanked: int = 0
    bad_lines: Counter[str] = field(default_factory=Counter)
    bad_numbers: list[int] = field(default_factory=list)
    masked: Counter[str] = field(default_factory=Counter)
    masked_by_field: Counter[tuple[str, str]] = field(default_factory=Counter)
    residual: Counter[str] = field(default_factory=Counter)
    residual_conversations: int = 0
    residual_numbers: list[int] = field(default_factory=list)
    keys: Counter[str] = field(default_factory=Counter)
    """Personal data in keys of objects, by kind; once per distinct key and batch."""
    seen: set[Path] = field(default_factory=set)

    def count(
        self,
        group: Sequence[Record],
        masked: MaskedConversation,
        *,
        names: FieldNames,
        realistic: bool,
    ) -> None:
        """Counts the records of one conversation."""
        for record in group:
            if record.problem is None:
                self.records += 1
            else:
                self.bad_lines[record.problem] += 1
                self.bad_numbers = [*self.bad_numbers, record.number][:_NUMBERS_TOLD]
        strings = [found for record in group for found in record.found]
        self.texts += len(strings)
        for found, text, kinds in zip(strings, masked.texts, masked.masked, strict=True):
            self.characters += len(found.text)
            self.characters_masked += 0 if realistic else _characters_masked(found.text, text)
            name = names.of(found.path) if kinds else ""
            for kind, count in kinds.items():
                self.masked[kind.lower()] += count
                self.masked_by_field[name, kind.lower()] += count
        if realistic:
            self.characters_masked += sum(len(each.value) for each in masked.replacements)
        self._count_residual(group[0].number, masked)

    def _count_residual(self, number: int, masked: MaskedConversation) -> None:
        for kinds in masked.residual:
            self.residual.update({kind.lower(): count for kind, count in kinds.items()})
        if any(masked.residual):
            self.residual_conversations += 1
            self.residual_numbers = [*self.residual_numbers, number][:_NUMBERS_TOLD]

    def add(self, other: "Tally") -> None:
        """Adds the counts of other records; the first few numbers are kept."""
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(other, each.name)
            if isinstance(mine, list):
                setattr(self, each.name, sorted([*mine, *theirs])[:_NUMBERS_TOLD])
            elif isinstance(mine, set):
                mine |= theirs
            elif isinstance(mine, Counter):
                mine.update(theirs)
            else:
                setattr(self, each.name, mine + theirs)


def _characters_masked(original: str, text: str) -> int:
    """How many characters of the original are gone; placeholders that stood in it are kept."""
    if text == original:
        return 0
    added = _placeholder_characters(text) - _placeholder_characters(original)
    return max(0, len(original) - len(text) + added)


def _placeholder_characters(text: str) -> int:
    return sum(match.end() - match.start() for match in PLACEHOLDER.finditer(text))
