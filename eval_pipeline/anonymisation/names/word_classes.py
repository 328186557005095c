"""Coarse classes of words: how one is written, and how familiar it is."""

from typing import Final

from eval_pipeline.anonymisation.names.lexicon import BANDS, Listed

SHAPES: Final = (
    "edge", "lower", "Capital", "CAPITAL", "X", "X.x", "MixedCase", "1", "12", "123", "1234",
    "12345+", "newline", ".", ",", "-", "'s", "quote", "bracket", "@#", "mark",
    "placeholder",
)  # fmt: skip
"""Every shape that `shape_of` tells, and `edge` for what lies outside of the text."""

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

_NAMES: Final = (Listed.FIRST, Listed.LAST, Listed.PLACE)
_BANDS: Final = len(BANDS) + 1

UNSEEN: Final = 0
"""The familiarity of what lies outside of the text."""

FAMILIARITIES: Final = (1 << len(_NAMES)) * _BANDS + 1
"""How many numbers `familiarity` and `UNSEEN` are."""


def shape_of(word: str) -> str:
    """How a token is written: its case, its count of digits, or which mark it is."""
    first = word[0]
    if first.isdigit():
        return "12345+" if len(word) >= _LONGEST_NUMBER else "12345"[: len(word)]
    if first.isalpha():
        return _case_of(word)
    if len(word) > 1:
        return "placeholder" if first == "[" else "'s"
    return _MARKS.get(first, "mark")


def _case_of(word: str) -> str:
    if len(word) == 1:
        return "X" if word.isupper() else "lower"
    if word.islower() or word.isupper():
        return "lower" if word.islower() else "CAPITAL"
    if word[0].isupper() and word[1:].islower():
        return "Capital" if word.isalpha() else "X.x"
    return "MixedCase" if any(c.isupper() for c in word) else "lower"


def familiarity(listed: Listed, *, band: int) -> int:
    """How familiar a word is as a name and as a plain word, from 1 to below `FAMILIARITIES`.

    One number for every set of the three largest lists (first names, last names, places) with every
    band of frequency.
    """
    names = sum(1 << bit for bit, flag in enumerate(_NAMES) if flag in listed)
    return 1 + names * _BANDS + band
