"""What a conversation has given away so far: a value found once is known everywhere in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from eval_pipeline.anonymisation.names.lexicon import Listed, lexicon
from eval_pipeline.anonymisation.names.word_lists import entries
from eval_pipeline.anonymisation.spans import Span

_WORD: Final = re.compile(r"[^\W_]+")
_NARROW_GAP: Final = re.compile(r"[^\n]{0,3}|\s{1,4}")
_LONGEST_VALUE_WORDS: Final = 16
_SHORTEST_PLAIN: Final = 6
_SHORTEST_NUMBER: Final = 5
_SHORTEST_NAME: Final = 4
_FREQUENT_BANDS: Final = frozenset({1, 2, 3})
_CONTEXT_ONLY: Final = frozenset({"AGE", "DATE", "TITLE", "GROUP"})
"""Told by their context alone: 45 is nobody's age elsewhere."""

Words = tuple[str, ...]


@dataclass(frozen=True)
class _Value:
    kind: str
    capitalised_only: bool


@dataclass(repr=False)
class KnownValues:
    """The values found in one conversation."""

    _known: dict[Words, _Value] = field(default_factory=dict)
    _lengths: dict[str, list[int]] = field(default_factory=dict)
    learnt: int = 0
    """How many values have been added: grows whenever `find` may find more than before."""

    def learn(self, text: str, span: Span) -> None:
        """Remembers the value so that it is found where nothing around it gives it away."""
        if not span.cued or span.kind in _CONTEXT_ONLY:
            return
        value = text[span.start : span.end]
        words = _words(value)
        if not words or len(words) > _LONGEST_VALUE_WORDS:
            return
        if span.kind == "PERSON":
            self._learn_person(value, words)
        elif _tells_alone(words, kind=span.kind):
            self._add(words, _Value(span.kind, capitalised_only=False))

    def find(self, text: str) -> Iterator[Span]:
        """Every occurrence of a known value, whatever its case and spacing."""
        if not self._lengths:
            return
        lowered = text.casefold()
        if not any(first in lowered for first in self._lengths):
            return
        found = list(_WORD.finditer(text))
        folded = [match.group().casefold() for match in found]
        for index, first in enumerate(folded):
            for length in self._lengths.get(first, ()):
                words = tuple(folded[index : index + length])
                known = self._known.get(words) if len(words) == length else None
                if known is None or not _adjoin(text, found[index : index + length]):
                    continue
                if not known.capitalised_only or found[index].group()[0].isupper():
                    start, end = found[index].start(), found[index + length - 1].end()
                    yield Span(start, end, known.kind, cued=True, rule="known value")
                    break

    def _learn_person(self, value: str, words: Words) -> None:
        """A part of a name that is a plain word too is known by its capital only."""
        if len(words) > 1:
            self._add(words, _Value("PERSON", capitalised_only=False))
        for part in name_parts(value):
            folded = part.casefold()
            plain = is_plain_word(folded) or len(part) < _SHORTEST_NAME
            if not plain or part[0].isupper():
                self._add((folded,), _Value("PERSON", capitalised_only=plain))

    def _add(self, words: Words, known: _Value) -> None:
        held = self._known.get(words)
        if held is not None and not (held.capitalised_only and not known.capitalised_only):
            return
        self._known[words] = known
        self.learnt += 1
        lengths = self._lengths.setdefault(words[0], [])
        if len(words) not in lengths:
            lengths.append(len(words))
            lengths.sort(reverse=True)


def _words(value: str) -> Words:
    return tuple(match.group().casefold() for match in _WORD.finditer(value))


def name_parts(value: str) -> Iterator[str]:
    """The words of a name that stand for the person alone: no initials, no particles."""
    for match in _WORD.finditer(value):
        word = match.group()
        if len(word) > 1 and word.isalpha() and word.casefold() not in entries("parts_of_names"):
            yield word


def is_plain_word(folded: str) -> bool:
    """Whether readers of English take the word for a plain one before they take it for a name."""
    known = lexicon("en")
    if known.band(folded) in _FREQUENT_BANDS - {3}:
        return True
    names = Listed.FIRST | Listed.LAST
    return known.band(folded) in _FREQUENT_BANDS and not known.lists_of(folded) & names


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
    if kind == "ADDRESS" or (len(words) == 1 and is_plain_word(joined)):
        return len(words) > 1
    return len(words) > 1 or len(joined) >= _SHORTEST_PLAIN
