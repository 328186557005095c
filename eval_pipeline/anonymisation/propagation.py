"""What a conversation has given away so far: a value found once is known everywhere in it."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from eval_pipeline.anonymisation.names.cues import name_parts
from eval_pipeline.anonymisation.names.word_lists import AMBIGUOUS, gazetteer
from eval_pipeline.anonymisation.spans import PLACEHOLDER, Span

_WORD: Final = re.compile(r"[^\W_]+")
_NARROW_GAP: Final = re.compile(r"[^\n]{0,3}|\s{1,4}")
_LONGEST_VALUE_WORDS: Final = 16
_SHORTEST_PLAIN: Final = 6
_SHORTEST_NUMBER: Final = 5
_SHORTEST_NAME: Final = 4

Words = tuple[str, ...]


@dataclass(frozen=True)
class _Known:
    kind: str
    capitalised_only: bool


@dataclass
class KnownValues:
    """The values found in one conversation and the placeholders that stand for them.

    Placeholders are numbered by first appearance; a part of a name shares its bearer's.
    """

    _placeholders: dict[tuple[str, Words], str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _known: dict[Words, _Known] = field(default_factory=dict)
    _lengths: dict[str, list[int]] = field(default_factory=dict)

    def reserve(self, text: str) -> None:
        """Keeps the numbers of placeholders that stand in the text already."""
        if "[" in text:
            for match in PLACEHOLDER.finditer(text):
                self._counts[match[1]] = max(self._counts[match[1]], int(match[2]))

    def learn(self, text: str, span: Span) -> None:
        """Remembers the value so that it is found where nothing around it gives it away."""
        value = text[span.start : span.end]
        words = _words(value)
        if not words or len(words) > _LONGEST_VALUE_WORDS:
            return
        if span.kind == "PERSON":
            self._learn_person(value, words, cued=span.cued)
        elif _tells_alone(words, kind=span.kind):
            self._add(words, _Known(span.kind, capitalised_only=False))

    def find(self, text: str) -> Iterator[Span]:
        """Every occurrence of a known value, whatever its case and spacing."""
        if not self._known:
            return
        found = list(_WORD.finditer(text))
        folded = [match.group().casefold() for match in found]
        for index, first in enumerate(folded):
            for length in self._lengths.get(first, ()):
                known = self._known.get(tuple(folded[index : index + length]))
                if known is None or not _adjoin(text, found[index : index + length]):
                    continue
                if not known.capitalised_only or found[index].group()[0].isupper():
                    last = found[index : index + length][-1]
                    yield Span(found[index].start(), last.end(), known.kind, cued=True)
                    break

    def placeholder(self, text: str, span: Span) -> str:
        """What stands for the span's value; the same value always gets the same."""
        value = text[span.start : span.end]
        key = (span.kind, _words(value) or (value,))
        known = self._placeholders.get(key)
        if known is None:
            self._counts[span.kind] += 1
            known = f"[{span.kind}_{self._counts[span.kind]}]"
            self._placeholders[key] = known
            if span.kind == "PERSON":
                for part in name_parts(value):
                    self._placeholders.setdefault((span.kind, _words(part)), known)
        return known

    def _learn_person(self, value: str, words: Words, *, cued: bool) -> None:
        """Parts that may be plain words are known by their capital only."""
        names = gazetteer()
        if len(words) > 1:
            self._add(words, _Known("PERSON", capitalised_only=False))
        for part in name_parts(value):
            plain = part.casefold() in AMBIGUOUS or len(part) < _SHORTEST_NAME
            known = cued or names.is_first(part) or names.is_last(part)
            capitalised_only = part[0].isupper() and (plain or not known)
            self._add(_words(part), _Known("PERSON", capitalised_only=capitalised_only))

    def _add(self, words: Words, known: _Known) -> None:
        held = self._known.get(words)
        if held is not None and not (held.capitalised_only and not known.capitalised_only):
            return
        self._known[words] = known
        lengths = self._lengths.setdefault(words[0], [])
        if len(words) not in lengths:
            lengths.append(len(words))
            lengths.sort(reverse=True)


def _words(value: str) -> Words:
    return tuple(match.group().casefold() for match in _WORD.finditer(value))


def _adjoin(text: str, matches: list[re.Match[str]]) -> bool:
    return all(
        _NARROW_GAP.fullmatch(text, before.end(), after.start())
        for before, after in pairwise(matches)
    )


def _tells_alone(words: Words, *, kind: str) -> bool:
    """Whether the value means this person wherever it stands; "economy" or "42" do not."""
    joined = "".join(words)
    if any(character.isdigit() for character in joined):
        return len(joined) >= _SHORTEST_NUMBER
    if kind == "ADDRESS":
        return len(words) > 1
    return len(words) > 1 or len(joined) >= _SHORTEST_PLAIN
