"""Stretches of text that hold personal data, and how overlapping finds become one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Final

PLACEHOLDER: Final = re.compile(r"\[([A-Z][A-Z_]*)_([0-9]{1,9})\]")
"""What stands in place of a masked value; never itself masked."""

_RANK: Final = {
    kind: rank
    for rank, kind in enumerate(
        ("SECRET", "URL", "EMAIL", "IBAN", "CARD", "NATIONAL_ID", "UUID", "MAC", "IP",
         "DATE_OF_BIRTH", "PHONE", "COORDINATES", "ADDRESS", "DATE", "AGE", "HANDLE", "USER",
         "PERSON", "ORGANISATION", "PLACE", "GROUP", "TITLE")
    )
}  # fmt: skip


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """Characters `start` to `end` (exclusive) hold a value of `kind`.

    `cued` says that the words around it named it, so it may be masked elsewhere without them.
    `rule` names what found it, for those who ask why; it takes no part in comparisons.
    """

    start: int
    end: int
    kind: str
    cued: bool = False
    rule: str = field(default="", compare=False)


def lowered_in_place(text: str) -> str:
    """The text in lower case with every character where it was; some lower to two."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(c if len(c.lower()) != 1 else c.lower() for c in text)


def context_before(text: str, start: int, *, width: int = 40) -> str:
    """The lower-case text just before a find, where its cue would stand."""
    return text[max(0, start - width) : start].lower()


_PLACE: Final = attrgetter("start", "end", "kind")


def disjoint(spans: Iterable[Span], *, text: str) -> list[Span]:
    """Overlapping finds joined into one that covers them all, placeholders left out, in order.

    The kind is that of the longest find, then of the most telling; a custom kind yields to none.
    """
    joined: list[list[Span]] = []
    reach = -1
    for span in sorted(spans, key=_PLACE):
        if joined and span.start < reach:
            joined[-1].append(span)
        else:
            joined.append([span])
        reach = max(reach, span.end)
    merged = [_union(group) for group in joined]
    standing = [match.span() for match in PLACEHOLDER.finditer(text)] if "[" in text else []
    if not standing:
        return [span for span in merged if span.end > span.start]
    return _without(merged, standing=standing, text=text)


def _union(group: list[Span]) -> Span:
    if len(group) == 1:
        return group[0]
    telling = min(group, key=lambda span: (span.start - span.end, _RANK.get(span.kind, -1)))
    return Span(
        min(span.start for span in group),
        max(span.end for span in group),
        telling.kind,
        cued=any(span.cued for span in group),
        rule=" + ".join(dict.fromkeys(span.rule for span in group if span.rule)),
    )


def _without(spans: list[Span], *, standing: list[tuple[int, int]], text: str) -> list[Span]:
    """The parts of the spans outside of placeholders that hold a letter or digit."""
    pieces: list[Span] = []
    first = 0
    for span in spans:
        while first < len(standing) and standing[first][1] <= span.start:
            first += 1
        start = span.start
        index = first
        while index < len(standing) and standing[index][0] < span.end:
            pieces.append(replace(span, start=start, end=min(standing[index][0], span.end)))
            start = standing[index][1]
            index += 1
        pieces.append(replace(span, start=start))
    return [
        piece
        for piece in pieces
        if piece.end > piece.start and any(c.isalnum() for c in text[piece.start : piece.end])
    ]
