"""Marks that stand in for values while recognisers still read: they look like placeholders.

A recogniser that read an invented name or card would find it again. So masking works on marks,
which every scan leaves alone, and the stand-ins are written once nothing more is found.
"""

from collections import defaultdict

from eval_pipeline.anonymisation.spans import PLACEHOLDER
from eval_pipeline.anonymisation.surrogates.contract import MemoryOnly, Surrogates


class Marks(MemoryOnly):
    """One mark per kind and spelling of a value in one conversation."""

    def __init__(self, surrogates: Surrogates) -> None:
        self._surrogates = surrogates
        self._marks: dict[tuple[str, str], str] = {}
        self._values: dict[str, tuple[str, str]] = {}
        self._counts: defaultdict[str, int] = defaultdict(int)

    def reserve(self, text: str) -> None:
        """Keeps marks apart from the placeholders of the text itself, which stay as they are."""
        self._surrogates.reserve(text)
        if "[" in text:
            for match in PLACEHOLDER.finditer(text):
                self._counts[match[1]] = max(self._counts[match[1]], int(match[2]))

    def mark(self, kind: str, value: str) -> str:
        """What stands for the value as it is spelt here until `written` replaces it."""
        mark = self._marks.get((kind, value))
        if mark is None:
            self._counts[kind] += 1
            mark = f"[{kind}_{self._counts[kind]}]"
            self._marks[kind, value] = mark
            self._values[mark] = (kind, value)
        return mark

    def written(self, text: str) -> str:
        """The text with a stand-in for every mark, each spelt as its value was.

        To be asked of a conversation's texts in their order: placeholders are numbered by it.
        """
        if "[" not in text:
            return text
        return PLACEHOLDER.sub(lambda match: self._stand_in(match.group()), text)

    def _stand_in(self, mark: str) -> str:
        known = self._values.get(mark)
        return mark if known is None else self._surrogates.stand_in(*known)
