"""Words that a route never masks, such as the names of its products."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span

EVERY_ROUTE: Final = "*"


class Allowance:
    """The allowed words per route; those under `*` hold on every route."""

    def __init__(self, words: Mapping[str, Sequence[str]]) -> None:
        everywhere = tuple(words.get(EVERY_ROUTE, ()))
        self._patterns = {
            route: _pattern((*everywhere, *allowed) if route != EVERY_ROUTE else allowed)
            for route, allowed in words.items()
        }
        self._everywhere = _pattern(everywhere)

    def kept(self, spans: Iterable[Span], *, text: str, route: str) -> list[Span]:
        """The spans that are not wholly made of allowed words; "Dove Smith" is no Dove."""
        found = list(spans)
        pattern = self._patterns.get(route, self._everywhere)
        if pattern is None or not found:
            return found
        allowed = [match.span() for match in pattern.finditer(text)]
        starts = [start for start, _ in allowed]
        return [
            span
            for span in found
            if not _is_covered(span, text=text, allowed=allowed, starts=starts)
        ]


def _is_covered(
    span: Span, *, text: str, allowed: Sequence[tuple[int, int]], starts: Sequence[int]
) -> bool:
    """Whether every letter and digit of the span lies in allowed words, one after another."""
    position = span.start
    while position < span.end:
        nearest = bisect_right(starts, position) - 1
        if nearest >= 0 and position < allowed[nearest][1]:
            position = allowed[nearest][1]
        elif text[position].isalnum():
            return False
        else:
            position += 1
    return True


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    spelt = [
        r"\s+".join(re.escape(part) for part in word.split())
        for word in sorted(words, key=len, reverse=True)
        if word.strip()
    ]
    return re.compile(rf"(?<!\w)(?:{'|'.join(spelt)})(?!\w)", re.IGNORECASE) if spelt else None
