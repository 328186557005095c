"""Names of people by names: each part of a name has one stand-in wherever it appears."""

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from eval_pipeline.anonymisation.names.lexicon import Listed, lexicon
from eval_pipeline.anonymisation.names.word_lists import entries
from eval_pipeline.anonymisation.surrogates.contract import MemoryOnly
from eval_pipeline.anonymisation.surrogates.draws import Draws
from eval_pipeline.anonymisation.surrogates.name_lists import name_lists
from eval_pipeline.anonymisation.surrogates.shapes import in_case_of

HONORIFICS: Final = frozenset(
    {
        "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "professor", "doctor", "sir", "madam",
        "herr", "frau", "señor", "señora", "sr", "sra", "srta", "don", "doña", "mme", "mlle",
        "monsieur", "madame", "jr", "phd", "md", "esq", "ii", "iii", "iv",
    }
)  # fmt: skip
_WORD: Final = re.compile(r"[^\W\d_]+")
_LETTERS: Final = "ABCDEFGHJKLMNPRSTW"
_POSSESSIVE: Final = re.compile(r"['\u2019][sS]$")
_TRIES: Final = 200


class FakePeople(MemoryOnly):
    """The invented names of one conversation; `draws` gives a stream per purpose and value."""

    def __init__(
        self,
        draws: Callable[..., Draws],
        *,
        language: str,
        taken: Callable[[str], bool],
    ) -> None:
        self._draws = draws
        self._lists = name_lists(language)
        self._taken = taken
        self._parts: dict[str, str] = {}
        self._initials: dict[str, str] = {}
        self._issued: set[str] = set()

    def name(self, value: str) -> str:
        """The whole name: titles, particles, initials, order and case as they were written."""
        words = list(_WORD.finditer(value))
        bearing = [word for word in words if not _is_kept(word, value)]
        surname_first = "," in value[bearing[0].end() :] if len(bearing) > 1 else False
        pieces: list[str] = []
        position = 0
        for word in words:
            pieces.append(value[position : word.start()])
            position = word.end()
            if word not in bearing:
                pieces.append(word.group())
                continue
            last = len(bearing) > 1 and word is (bearing[0] if surname_first else bearing[-1])
            pieces.append(self._word(word.group(), last=last or _joined(word, bearing, value)))
        return "".join([*pieces, value[position:]])

    def part(self, word: str) -> str:
        """The stand-in of one word of a name, with a capital; of a letter, an initial."""
        return self._word(word.capitalize(), last=None)

    def ascii_part(self, word: str) -> str:
        """The same without marks, as addresses and user names spell it."""
        plain = unicodedata.normalize("NFKD", self.part(word).replace("ß", "ss"))
        return plain.encode("ascii", "ignore").decode() or "X"

    def is_stand_in(self, value: str) -> bool:
        """Whether every word is an invented name, or a title, particle or initial beside one."""
        words = [word.group() for word in _WORD.finditer(_POSSESSIVE.sub("", value))]
        told = [word for word in words if len(word) > 1 and not _is_word_kept(word)]
        return bool(told) and all(word.casefold() in self._issued for word in told)

    def _word(self, word: str, *, last: bool | None) -> str:
        folded = word.casefold()
        if len(word) == 1:
            return in_case_of(word, self._initial(folded))
        if folded not in self._parts:
            self._parts[folded] = self._new_part(word, last=last)
            self._initials.setdefault(folded[0], self._parts[folded][0])
        return in_case_of(word, self._parts[folded])

    def _initial(self, letter: str) -> str:
        if letter not in self._initials:
            others = [other for other in _LETTERS if other.casefold() != letter]
            self._initials[letter] = self._draws("INITIAL", letter).choice(others)
        return self._initials[letter]

    def _new_part(self, word: str, *, last: bool | None) -> str:
        draws = self._draws("PERSON", word.casefold())
        options = self._options(word, last=last)
        for _ in range(_TRIES):
            drawn = draws.choice(options)
            folded = drawn.casefold()
            if (
                folded not in self._issued
                and folded[0] != word[0].casefold()
                and word.casefold() not in folded
                and not self._taken(folded)
            ):
                break
        else:  # More people than names: two in one, and more if need be.
            while drawn.casefold() in self._issued or self._taken(drawn.casefold()):
                drawn += draws.choice(options).casefold()
        self._issue(drawn)
        return drawn

    def _issue(self, drawn: str) -> None:
        plain = unicodedata.normalize("NFKD", drawn.casefold()).encode("ascii", "ignore").decode()
        self._issued |= {drawn.casefold(), drawn.upper().casefold(), plain}

    def _options(self, word: str, *, last: bool | None) -> tuple[str, ...]:
        lists = self._lists
        if last or (last is None and _reads_as_last(word)):
            return lists.last
        title = word.capitalize()
        female, male = title in lists.female, title in lists.male
        if female != male:
            return lists.female if female else lists.male
        return lists.first


def _reads_as_last(word: str) -> bool:
    lists = lexicon("en").lists_of(word.casefold())
    return Listed.LAST in lists and Listed.FIRST not in lists


def _is_word_kept(word: str) -> bool:
    return word.casefold() in HONORIFICS or word.casefold() in entries("parts_of_names")


def _is_kept(word: re.Match[str], value: str) -> bool:
    """Titles and particles stay; a possessive's s is no initial, "M." is one unless it leads."""
    text, folded = word.group(), word.group().casefold()
    if _POSSESSIVE.fullmatch(value, max(0, word.start() - 1)) is not None:
        return True
    if len(text) == 1:
        return folded in entries("parts_of_names") and text.islower()
    return folded in HONORIFICS or (
        folded in entries("parts_of_names") and (text.islower() or word.start() > 0)
    )


def _joined(word: re.Match[str], bearing: list[re.Match[str]], value: str) -> bool:
    """Whether a hyphen joins the word to the last: both are then the surname."""
    return value[word.end() : bearing[-1].start()] == "-"
