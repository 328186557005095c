"""Coarse classes of words: how one is written, and what lists know of it."""

from typing import Final

from eval_pipeline.anonymisation.names.lexicon import Known, Lexicon

SHAPES: Final = (
    "edge", "lower", "Capital", "CAPITAL", "X", "X.x", "MixedCase", "1", "12", "123", "1234",
    "12345+", "newline", ".", ",", "-", "'s", "quote", "bracket", "@#", "mark",
    "placeholder",
)  # fmt: skip
SHAPE_NUMBERS: Final = {shape: number for number, shape in enumerate(SHAPES)}

_MARKS: Final = {
    "\n": "newline", ".": ".", "!": ".", "?": ".", ",": ",", ";": ",", ":": ",", "-": "-",
    "\u2013": "-", "\u2014": "-", "/": "-", '"': "quote", "'": "quote", "\u201c": "quote",
    "\u201d": "quote", "\u2018": "quote", "\u2019": "quote", "\u00ab": "quote",
    "\u00bb": "quote", "(": "bracket", ")": "bracket", "[": "bracket", "]": "bracket",
    "{": "bracket", "}": "bracket", "<": "bracket", ">": "bracket", "|": "bracket",
    "@": "@#", "#": "@#",
}  # fmt: skip
_LONGEST_NUMBER: Final = 5

LISTS: Final = (
    Known.FIRST, Known.LAST, Known.PLACE, Known.COUNTRY, Known.GROUP, Known.ORGANISATION,
    Known.STREET, Known.TITLE, Known.DATE,
)  # fmt: skip
_NAMES: Final = (Known.FIRST, Known.LAST, Known.PLACE)
KINDS: Final = 2 ** len(_NAMES) * 5 + 1
"""Numbers of `kind_of`: every set of the three largest lists times the bands, and the edge."""


def shape_of(word: str) -> str:
    """How the word is written: its case, its count of digits, or which mark it is."""
    first = word[0]
    if first.isdigit():
        return "12345+" if len(word) >= _LONGEST_NUMBER else "12345"[: len(word)]
    if not first.isalpha():
        if len(word) > 1:
            return "placeholder" if first == "[" else "'s"
        return _MARKS.get(first, "mark")
    if len(word) == 1:
        return "X" if first.isupper() else "lower"
    if word.islower():
        return "lower"
    if word.isupper():
        return "CAPITAL"
    if first.isupper() and word[1:].islower():
        return "X.x" if not word.isalpha() else "Capital"
    return "MixedCase" if any(c.isupper() for c in word) else "lower"


def kind_of(known: Known, *, band: int) -> int:
    """The word's coarse kind by the largest lists and its frequency, from 1; 0 is the edge."""
    lists = sum(1 << bit for bit, flag in enumerate(_NAMES) if flag in known)
    return 1 + lists * 5 + band


def classes_of(word: str, *, lexicon: Lexicon) -> tuple[str, str, Known, int]:
    """The case-folded word, its shape, what lists know of it and its band of frequency."""
    folded = word.casefold()
    known = lexicon.known.get(folded, Known.NOTHING)
    return folded, shape_of(word), known, lexicon.band(folded)
