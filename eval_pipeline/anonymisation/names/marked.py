"""A text with its names marked, and what careless typing makes of one."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_SENTENCE_MARKS: Final = re.compile(r"[.,!?](?=\s|$)")


@dataclass(frozen=True)
class Marked:
    """A text and where names stand in it: start, end (exclusive), one of `generation.LABELS`.

    Spans ascend and do not overlap.
    """

    text: str
    spans: tuple[tuple[int, int, str], ...]


def recased(marked: Marked, case: Callable[[str], str]) -> Marked:
    """The text in another case; as it was where that would move what follows."""
    changed = case(marked.text)
    return Marked(changed, marked.spans) if len(changed) == len(marked.text) else marked


def names_lowered(marked: Marked) -> Marked:
    """The text with its names in lower case, but for those that would change their length."""
    text = marked.text
    for start, end, _ in marked.spans:
        lowered = text[start:end].lower()
        if len(lowered) == end - start:
            text = text[:start] + lowered + text[end:]
    return Marked(text, marked.spans)


def without_marks(marked: Marked) -> Marked:
    """The text with a space for every full stop, comma and the like."""
    return Marked(_SENTENCE_MARKS.sub(" ", marked.text), marked.spans)


def around_names(marked: Marked) -> list[str]:
    """The letters of the text that belong to no name."""
    around = list(marked.text)
    for start, end, _ in marked.spans:
        around[start:end] = " " * (end - start)
    return [character for character in around if character.isalpha()]


def appended(marked: Marked, follower: Marked, *, gap: str) -> Marked:
    """Both in one, with the gap between them."""
    shift = len(marked.text) + len(gap)
    moved = tuple((start + shift, end + shift, label) for start, end, label in follower.spans)
    return Marked(f"{marked.text}{gap}{follower.text}", marked.spans + moved)
