"""What lists know of a word: whether it is somebody's name, a place, or plain and frequent."""

import bz2
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag
from functools import cache
from typing import Final

from eval_pipeline.anonymisation.names.shipped import LISTS, frequent_file, read_shipped
from eval_pipeline.fingerprint import content_hash, fingerprint
from eval_pipeline.settings import Language


class Listed(IntFlag):
    """The lists that a word stands in; a word may stand in several."""

    NOWHERE = 0
    FIRST = 1
    LAST = 2
    PLACE = 4
    COUNTRY = 8
    GROUP = 16
    ORGANISATION = 32
    STREET = 64
    TITLE = 128
    DATE = 256


LETTERS: Final[Mapping[str, Listed]] = {
    "f": Listed.FIRST, "l": Listed.LAST, "p": Listed.PLACE, "c": Listed.COUNTRY,
    "g": Listed.GROUP, "o": Listed.ORGANISATION, "s": Listed.STREET, "t": Listed.TITLE,
    "d": Listed.DATE,
}  # fmt: skip
"""How the lists' file spells the lists."""

BANDS: Final = (300, 2_000, 8_000, 30_000)
"""A word is in band 1 if among the 300 most frequent of its language, and so on; else in 0."""


@dataclass(frozen=True)
class Lexicon:
    """What is known of words, all of them case-folded.

    `listed` holds the words of all languages; `ranks` the frequent words of one, from 0.
    """

    listed: Mapping[str, Listed]
    ranks: Mapping[str, int]
    fingerprint: str = ""  # of the files that they were read from

    def lists_of(self, folded: str) -> Listed:
        """The lists that hold the word."""
        return self.listed.get(folded, Listed.NOWHERE)

    def band(self, folded: str) -> int:
        """How frequent the word is: 1 (most) to 4, or 0 where it is rare or unknown."""
        rank = self.ranks.get(folded)
        if rank is None:
            return 0
        return next((band for band, most in enumerate(BANDS, start=1) if rank < most), 0)


def parse_lists(text: str) -> dict[str, Listed]:
    """The words of a lists' file: a word, a tab, letters of `LETTERS`; one word a line.

    Raises `KeyError` for a letter that stands for no list.
    """
    listed = {}
    for line in text.splitlines():
        word, _, letters = line.partition("\t")
        flags = Listed.NOWHERE
        for letter in letters:
            flags |= LETTERS[letter]
        listed[word] = flags
    return listed


def parse_lexicon(lists: bytes, *, frequent: bytes) -> Lexicon:
    """The lexicon of two files, as `lists` and `frequent` of `building.build` spell them."""
    words = bz2.decompress(frequent).decode().splitlines()
    return Lexicon(
        listed=parse_lists(bz2.decompress(lists).decode()),
        ranks={word: rank for rank, word in enumerate(words)},
        fingerprint=fingerprint([content_hash(lists), content_hash(frequent)]),
    )


@cache
def lexicon(language: Language) -> Lexicon:
    """The shipped lists, with the frequent words of the language."""
    return parse_lexicon(read_shipped(LISTS), frequent=read_shipped(frequent_file(language)))
