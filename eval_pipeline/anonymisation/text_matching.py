"""Masked and raw texts compared: as words, whatever their case, punctuation and spacing."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import PLACEHOLDER

CUT: Final = "\x00"
"""Stands among the words where a placeholder stood: no run of words goes across it."""

LEAST_WORDS: Final = 4
"""A stretch of fewer words ("thank you very much" has four) is too common to be looked for."""

SHINGLE_WORDS: Final = 3

_UNSEEN: Final = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_APOSTROPHES: Final = "'\u2019\u02bc"
_IDEOGRAPHS: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORDS: Final = re.compile(f"\x00|[{_IDEOGRAPHS}]|[^\\W_{_IDEOGRAPHS}]+")

Gram = tuple[str, ...]


def words_of(text: str) -> list[str]:
    """The text's words under NFKC and case folding, with `CUT` for every placeholder.

    A word is a run of letters and digits, apostrophes left out; a Chinese or Japanese character is
    a word of its own.
    """
    if "[" in text:
        text = PLACEHOLDER.sub(CUT, text)
    if text.isascii():
        return _WORDS.findall(text.replace("'", "").lower())
    folded = unicodedata.normalize("NFKC", _without(text, _UNSEEN)).casefold()
    folded = _without(unicodedata.normalize("NFKC", folded), _APOSTROPHES)
    return _WORDS.findall(folded)


def segments_of(text: str) -> list[list[str]]:
    """The words between placeholders; empty stretches are left out."""
    segments: list[list[str]] = [[]]
    for word in words_of(text):
        if word == CUT:
            segments.append([])
        else:
            segments[-1].append(word)
    return [segment for segment in segments if segment]


def units_of(text: str, *, ngram_words: int) -> set[Gram]:
    """What of a text is looked for: every n-gram inside a segment.

    A segment shorter than an n-gram is looked for as a whole, from `LEAST_WORDS` words on.
    """
    units: set[Gram] = set()
    for segment in segments_of(text):
        if len(segment) >= ngram_words:
            units.update(grams_of(segment, size=ngram_words))
        elif len(segment) >= LEAST_WORDS:
            units.add(tuple(segment))
    return units


def shingles_of(words: Sequence[str]) -> set[Gram]:
    """The distinct runs of `SHINGLE_WORDS` words that no placeholder cuts."""
    return {gram for gram in grams_of(words, size=SHINGLE_WORDS) if CUT not in gram}


def grams_of(words: Sequence[str], *, size: int) -> Iterator[Gram]:
    """Every run of `size` words, in order."""
    return zip(*(words[start:] for start in range(size)), strict=False)


def _without(text: str, characters: str) -> str:
    for character in characters:  # six quick looks cost less than one translation
        if character in text:
            text = text.replace(character, "")
    return text
