"""Stand-ins that say what stood there and which one it was: [PERSON_1]."""

from collections import defaultdict

from eval_pipeline.anonymisation.propagation import name_parts
from eval_pipeline.anonymisation.spans import PLACEHOLDER
from eval_pipeline.anonymisation.surrogates.contract import MemoryOnly, words_of


class PlaceholderSurrogates(MemoryOnly):
    """Numbers each kind by first appearance; a part of a name shares its bearer's number."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, tuple[str, ...]], str] = {}
        self._counts: defaultdict[str, int] = defaultdict(int)

    def reserve(self, text: str) -> None:
        """Keeps the numbers of placeholders that stand in the text already."""
        if "[" in text:
            for match in PLACEHOLDER.finditer(text):
                self._counts[match[1]] = max(self._counts[match[1]], int(match[2]))

    def stand_in(self, kind: str, value: str) -> str:
        """The value's placeholder, whatever its case and spacing."""
        key = (kind, words_of(value) or (value,))
        written = self._written.get(key)
        if written is None:
            self._counts[kind] += 1
            written = f"[{kind}_{self._counts[kind]}]"
            self._written[key] = written
            if kind == "PERSON":
                for part in name_parts(value):
                    self._written.setdefault((kind, words_of(part)), written)
        return written

    def is_stand_in(self, kind: str, value: str) -> bool:
        """Whether it is a placeholder, also one of another kind or of the text itself."""
        del kind
        return PLACEHOLDER.fullmatch(value) is not None
