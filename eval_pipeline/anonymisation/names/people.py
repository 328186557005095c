"""Names of people in the many ways people write them, for the texts that the model learns from."""

import random
from collections.abc import Mapping
from typing import Final

from eval_pipeline.anonymisation.names.invention import invented
from eval_pipeline.anonymisation.names.sources import first_names, last_names
from eval_pipeline.settings import Language

_HOME: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": ("en_US", "en_GB", "en_IE", "en_NZ"),
    "de": ("de_DE", "de_AT", "de_CH"),
    "fr": ("fr_FR", "fr_BE", "fr_CH"),
    "es": ("es_ES", "es_MX", "es_AR", "es_CO", "es_CL"),
}
HONORIFICS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": (
        "Mr.", "Mrs.", "Ms.", "Dr.", "Mr", "Mrs", "Ms", "Dr", "Miss", "Prof.", "Professor", "Sir",
        "Lady", "Lord", "Father", "Sister", "Rev.", "Captain", "Judge", "Doctor", "mr", "mrs",
        "dr", "ms.", "Mx.", "Sgt.", "Madam", "Col.", "Lt.", "Hon.",
    ),
    "de": ("Herr", "Frau", "Herrn", "Dr.", "Prof.", "Prof. Dr.", "Fräulein", "Hr.", "Fr.", "herr", "frau"),
    "fr": ("M.", "Mme", "Mlle", "Monsieur", "Madame", "Mademoiselle", "Dr", "Docteur", "Pr", "Me", "Maître", "mme", "monsieur"),
    "es": ("Sr.", "Sra.", "Srta.", "Don", "Doña", "D.", "D.ª", "Dr.", "Dra.", "señor", "señora", "Sr", "Sra", "sr.", "sra."),
}  # fmt: skip
_PARTICLES: Final = (
    "van der", "van", "von", "de", "de la", "del", "di", "da", "dos", "el", "al", "bin", "ben", "le",
    "van den", "ter", "du", "della", "Mac", "St.", "De", "Van", "La", "Di", "Du", "Le", "Al", "El",
)  # fmt: skip
_SUFFIXES: Final = ("Jr.", "Sr.", "III", "II", "IV", "PhD", "MD", "Jr", "Esq.")
_GLUED: Final = (
    "Mc",
    "Mac",
    "O'",
    "D'",
    "Le",
    "De",
    "La",
    "Fitz",
    "Di",
    "Van",
    "Al-",
    "El-",
    "O\u2019",
)
_ROYAL_SHARE: Final = 0.12


class People:
    """Draws names; `language` says whose names are the most frequent, not the only ones."""

    def __init__(self, language: Language, *, draws: random.Random) -> None:
        self._draws = draws
        self._honorifics = HONORIFICS[language]
        self._double = 0.5 if language == "es" else 0.05
        home = _HOME[language]
        self._first = (first_names(*home), first_names())
        self._last = (last_names(*home), last_names())

    def first(self) -> str:
        """A first name."""
        roll = self._draws.random()
        if roll < _ROYAL_SHARE:
            return invented(self._first[1], draws=self._draws)
        return self._draws.choice(self._first[0 if roll < 0.55 else 1])

    def last(self) -> str:
        """A last name, some of two words."""
        draws = self._draws
        roll = draws.random()
        if roll < _ROYAL_SHARE * 1.5:
            name = invented(self._last[1], draws=draws)
        else:
            name = draws.choice(self._last[0 if roll < 0.55 else 1])
        roll = draws.random()
        if roll < self._double:
            return f"{name} {draws.choice(self._last[0])}"
        if roll < self._double + 0.05:
            return f"{name}-{draws.choice(self._last[1])}"
        if roll < self._double + 0.09:
            return f"{draws.choice(_PARTICLES)} {name}"
        if roll < self._double + 0.12:
            return draws.choice(_GLUED) + name
        return name

    def whole(self) -> str:
        """A whole name; the ways are weighted as texts show them."""
        draws = self._draws
        roll = draws.random()
        first, last = self.first(), self.last()
        if roll < 0.56:
            return f"{first} {last}"
        if roll < 0.68:
            return f"{first} {self._initial()} {last}"
        if roll < 0.73:
            return f"{first} {self.first()} {last}"
        if roll < 0.77:
            return f"{self._initial()} {last}"
        if roll < 0.79:
            return f"{self._initial()}{self._initial()} {last}"
        if roll < 0.82:
            return f"{last}, {first}"
        if roll < 0.84:
            return f"{first} {last} {draws.choice(_SUFFIXES)}"
        if roll < 0.86:
            return f"{first}-{self.first()} {last}"
        if roll < 0.88:
            return f"{last} {first}"
        if roll < 0.95:
            return first
        return last

    def honorific(self) -> str:
        """Mr., Dr., Frau."""
        return self._draws.choice(self._honorifics)

    def username(self) -> str:
        """A name as systems know people."""
        draws = self._draws
        first, last = self.first().lower(), self.last().lower().replace(" ", "")
        return draws.choice(
            (f"{first}_{last}", f"{first}.{last}", f"{first[0]}{last}")
        ) + draws.choice(("", str(draws.randint(1, 9999))))

    def _initial(self) -> str:
        letter = self._draws.choice("ABCDEFGHIJKLMNOPRSTVWZ")
        return letter + self._draws.choice((".", ".", ""))
