"""Words, numbers, marks and line breaks: what the model of names reads."""

import re
from collections.abc import Sequence
from typing import Final

_TOKEN: Final = re.compile(
    r"\[[A-Z][A-Z_]*_[0-9]{1,9}\]|[^\W\d_]+(?:['\u2019](?![sS]\b)[^\W\d_]+)*|['\u2019][sS]\b|[0-9]+|\n|[^\w\s]|_|\w"
)

Extent = tuple[int, int]


def tokenise(text: str) -> tuple[list[str], list[Extent]]:
    """The tokens and where each stands; a line break or placeholder is one, spaces are none."""
    words: list[str] = []
    extents: list[Extent] = []
    for match in _TOKEN.finditer(text):
        words.append(match.group())
        extents.append(match.span())
    return words, extents


_INVISIBLE: Final = frozenset("\n")


def words_of(text: str) -> list[str]:
    """The tokens alone, which is all that reading needs; where they stand is asked of few texts."""
    return _TOKEN.findall(text)


def windows(words: Sequence[str], *, longest: int, margin: int) -> list[tuple[int, int, int, int]]:
    """Stretches of at most `longest` tokens: (read from, keep from, keep to, read to).

    What is kept of each covers all tokens once; `margin` more on both sides are read for context.
    Cuts fall after a line break or a full stop where the second half of a stretch holds one.
    """
    if len(words) <= longest:
        return [(0, 0, len(words), len(words))] if words else []
    found = []
    start = 0
    while start < len(words):
        end = min(start + longest, len(words))
        if end < len(words):
            end = _cut(words, start + longest // 2, end)
        found.append((max(0, start - margin), start, end, min(len(words), end + margin)))
        start = end
    return found


def _cut(words: Sequence[str], earliest: int, latest: int) -> int:
    for mark in (_INVISIBLE, frozenset(".!?;")):
        for index in range(latest - 1, earliest, -1):
            if words[index] in mark:
                return index + 1
    return latest
