"""Which words of two answers differ, for marking them side by side."""

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from typing import Final, NamedTuple

LEAST_ALIKE: Final = 0.15
"""Below it two texts share little but small words, and marks would only disturb."""
_WORDS: Final = re.compile(r"\w+|\s+|[^\w\s]")


class Part(NamedTuple):
    """A stretch of text, and whether the other text lacks it."""

    text: str
    only_here: bool


def marked(before: str, after: str) -> tuple[list[Part], list[Part]]:
    """Both texts in parts; nothing is marked in texts that are equal or have little in common."""
    first, second = _WORDS.findall(before), _WORDS.findall(after)
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    if before == after or _alike(first, second) < LEAST_ALIKE:
        return [Part(before, only_here=False)], [Part(after, only_here=False)]
    codes = matcher.get_opcodes()
    return (
        _joined(("".join(first[code[1] : code[2]]), code[0] != "equal") for code in codes),
        _joined(("".join(second[code[3] : code[4]]), code[0] != "equal") for code in codes),
    )


def _alike(first: list[str], second: list[str]) -> float:
    """How much two texts share, spaces left out: every text shares those."""
    one, other = ([word for word in text if not word.isspace()] for text in (first, second))
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _joined(stretches: Iterable[tuple[str, bool]]) -> list[Part]:
    """Neighbours of a kind together; a space between two marked words is marked with them."""
    parts: list[Part] = []
    for text, differs in stretches:
        if not text:
            continue
        stretch = text
        if len(parts) > 1 and differs and parts[-1].text.isspace() and parts[-2].only_here:
            stretch = parts.pop().text + text
        if parts and parts[-1].only_here == differs:
            parts[-1] = Part(parts[-1].text + stretch, only_here=differs)
        else:
            parts.append(Part(stretch, only_here=differs))
    return parts
