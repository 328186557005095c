"""What lists know of a word: whether it is somebody's name, a place, or plain and frequent."""

import bz2
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag
from functools import cache
from importlib.resources import files
from typing import Final

from eval_pipeline.fingerprint import content_hash, fingerprint
from eval_pipeline.settings import Language


class Known(IntFlag):
    """What a case-folded word stands in a list of; a word may stand in several."""

    NOTHING = 0
    FIRST = 1
    LAST = 2
    PLACE = 4
    COUNTRY = 8
    GROUP = 16
    ORGANISATION = 32
    STREET = 64
    TITLE = 128
    DATE = 256


LETTERS: Final[Mapping[str, Known]] = {
    "f": Known.FIRST, "l": Known.LAST, "p": Known.PLACE, "c": Known.COUNTRY, "g": Known.GROUP,
    "o": Known.ORGANISATION, "s": Known.STREET, "t": Known.TITLE, "d": Known.DATE,
}  # fmt: skip
"""How the lists' file spells what is known."""

BANDS: Final = (300, 2_000, 8_000, 30_000)
"""A word is in band 1 if among the 300 most frequent of its language, and so on; else in 0."""


@dataclass(frozen=True)
class Lexicon:
    """Case-folded words."""

    known: Mapping[str, Known]
    ranks: Mapping[str, int]  # of the language's frequent words, from 0
    fingerprint: str = ""  # of the files that they were read from

    def band(self, folded: str) -> int:
        """How frequent the word is: 1 (most) to 4, or 0 where it is rare or unknown."""
        rank = self.ranks.get(folded)
        if rank is None:
            return 0
        return next((band for band, most in enumerate(BANDS, start=1) if rank < most), 0)


def parse_lists(text: str) -> dict[str, Known]:
    """The words of a lists' file: a word, a tab, letters of `LETTERS`; one word a line."""
    known = {}
    for line in text.splitlines():
        word, _, letters = line.partition("\t")
        flags = Known.NOTHING
        for letter in letters:
            flags |= LETTERS[letter]
        known[word] = flags
    return known


@cache
def lexicon(language: Language) -> Lexicon:
    """The shipped lists, with the frequent words of the language."""
    folder = files("eval_pipeline.anonymisation.names") / "models"
    lists = (folder / "lists.tsv.bz2").read_bytes()
    frequent = (folder / f"frequent_{language}.txt.bz2").read_bytes()
    words = bz2.decompress(frequent).decode().splitlines()
    return Lexicon(
        known=parse_lists(bz2.decompress(lists).decode()),
        ranks={word: rank for rank, word in enumerate(words)},
        fingerprint=fingerprint([content_hash(lists), content_hash(frequent)]),
    )
