"""Names of people in the many ways people write them, for the texts that the model learns from."""

import random
from collections.abc import Mapping, Sequence
from typing import Final

from eval_pipeline.anonymisation.names.invention import invented
from eval_pipeline.anonymisation.names.sources import first_names, last_names
from eval_pipeline.anonymisation.names.ways import EVERY, Ways, filled, way_of
from eval_pipeline.anonymisation.names.word_lists import entries
from eval_pipeline.settings import Language

_HOME: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": ("en_US", "en_GB", "en_IE", "en_NZ"),
    "de": ("de_DE", "de_AT", "de_CH"),
    "fr": ("fr_FR", "fr_BE", "fr_CH"),
    "es": ("es_ES", "es_MX", "es_AR", "es_CO", "es_CL"),
}
_EVERYDAY_FIRST: Final = 0.08
_INVENTED_FIRST: Final = 0.12
_INVENTED_LAST: Final = 0.18
_HOME_UNTIL: Final = 0.55
_DOUBLE_LAST: Final[Mapping[Language, float]] = {"en": 0.05, "de": 0.05, "fr": 0.05, "es": 0.5}
"""Share of two last names side by side."""

_WHOLE: Final[Ways[str]] = (
    (0.56, "{first} {last}"),
    (0.68, "{first} {initial} {last}"),
    (0.73, "{first} {second} {last}"),
    (0.77, "{initial} {last}"),
    (0.79, "{initial}{initial} {last}"),
    (0.82, "{last}, {first}"),
    (0.84, "{first} {last} {suffix}"),
    (0.86, "{first}-{second} {last}"),
    (0.88, "{last} {first}"),
    (0.95, "{first}"),
    (EVERY, "{last}"),
)


class People:
    """Draws names; `language` says whose names are the most frequent, not the only ones."""

    def __init__(self, language: Language, *, draws: random.Random) -> None:
        self._draws = draws
        self._honorifics = entries("honorifics", language)
        home = _HOME[language]
        self._first = (first_names(*home), first_names())
        self._last = (last_names(*home), last_names())
        short = (name.capitalize() for name in entries("short_first_names"))
        self._everyday = (*short, *entries("names_that_are_words"))
        double = _DOUBLE_LAST[language]
        self._last_ways: Ways[str] = (
            (double, "{name} {home}"),
            (double + 0.05, "{name}-{any}"),
            (double + 0.09, "{particle} {name}"),
            (double + 0.12, "{front}{name}"),
            (EVERY, "{name}"),
        )

    def first(self) -> str:
        """A first name, some invented, some short, some a word or a place too."""
        if self._draws.random() < _EVERYDAY_FIRST:
            return self._draws.choice(self._everyday)
        return self._one(self._first, invented_share=_INVENTED_FIRST)

    def last(self) -> str:
        """A last name, some invented, some of two words."""
        draws = self._draws
        name = self._one(self._last, invented_share=_INVENTED_LAST)
        slots = {
            "name": lambda: name,
            "home": lambda: draws.choice(self._last[0]),
            "any": lambda: draws.choice(self._last[1]),
            "particle": lambda: draws.choice(entries("particles")),
            "front": lambda: draws.choice(entries("last_name_fronts")),
        }
        return filled(way_of(draws.random(), self._last_ways), slots)

    def whole(self) -> str:
        """A whole name; the ways are weighted as texts show them."""
        roll = self._draws.random()
        first, last = self.first(), self.last()
        slots = {
            "first": lambda: first,
            "last": lambda: last,
            "second": self.first,
            "initial": self._initial,
            "suffix": lambda: self._draws.choice(entries("name_suffixes")),
        }
        return filled(way_of(roll, _WHOLE), slots)

    def honorific(self) -> str:
        """Mr., Dr., Frau."""
        return self._draws.choice(self._honorifics)

    def username(self) -> str:
        """A name as systems know people, in lower case, half of them with a number."""
        draws = self._draws
        first, last = self.first().lower(), self.last().lower().replace(" ", "")
        name = draws.choice((f"{first}_{last}", f"{first}.{last}", f"{first[0]}{last}"))
        return name + draws.choice(("", str(draws.randint(1, 9999))))

    def _one(self, names: tuple[Sequence[str], Sequence[str]], *, invented_share: float) -> str:
        """A name of the language's own, of anybody's, or a new one."""
        home, every = names
        roll = self._draws.random()
        if roll < invented_share:
            return invented(every, draws=self._draws)
        return self._draws.choice(home if roll < _HOME_UNTIL else every)

    def _initial(self) -> str:
        letter = self._draws.choice("ABCDEFGHIJKLMNOPRSTVWZ")
        return letter + self._draws.choice((".", ".", ""))
