"""Texts with their names marked, made from templates: what the model learns from and is held to."""

import random
import re
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from eval_pipeline.anonymisation.names.dates import dates_of
from eval_pipeline.anonymisation.names.fillers import Structured
from eval_pipeline.anonymisation.names.groups import GROUPS, OCCUPATIONS, plural_of
from eval_pipeline.anonymisation.names.organisations import Organisations
from eval_pipeline.anonymisation.names.people import People
from eval_pipeline.anonymisation.names.places import Places
from eval_pipeline.anonymisation.names.sources import jobs
from eval_pipeline.fingerprint import seed_for
from eval_pipeline.settings import Language

LABELS: Final = (
    "PERSON", "PLACE", "ORGANISATION", "ADDRESS", "GROUP", "TITLE", "AGE", "DATE",
)  # fmt: skip

SLOTS: Final[Mapping[str, str | None]] = {
    "person": "PERSON", "first": "PERSON", "last": "PERSON", "honorific": "TITLE",
    "occupation": "TITLE", "place": "PLACE", "country": "PLACE", "region": "PLACE",
    "organisation": "ORGANISATION", "address": "ADDRESS", "street": "ADDRESS",
    "postcode": "ADDRESS", "group": "GROUP", "groups": "GROUP", "age": "AGE", "date": "DATE",
    "year": "DATE", "weekday": "DATE", "month": "DATE", "email": None, "phone": None,
    "card": None, "iban": None, "id": None, "ip": None, "url": None, "handle": None,
    "username": None, "number": None, "money": None, "time": None, "product": None,
    "reference": None,
}  # fmt: skip
"""Every slot and the label of what fills it; None: no name."""


_MASKED_SHARE: Final = 0.04
"""Of slots filled with a placeholder: masked text is read again, and holds no names there."""

_TELLING_LETTERS: Final = 8
_NEVER_MASKED: Final = frozenset({"number", "money", "time", "product", "reference"})


@dataclass(frozen=True)
class Marked:
    """A text and where names stand in it: start, end (exclusive), one of `LABELS`."""

    text: str
    spans: tuple[tuple[int, int, str], ...]


def templates(language: Language, *, held_out: bool) -> tuple[str, ...]:
    """The language's templates: those to learn from, or those that are never learnt from."""
    folder = files("eval_pipeline.anonymisation.names") / "templates" / language
    lines: list[str] = []
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".txt") and file.name.startswith("held_out") == held_out:
            lines += file.read_text(encoding="utf-8").splitlines()
    return tuple(line.replace("\\n", "\n") for line in lines if line and not line.startswith("# "))


class Generator:
    """Fills templates by one stream of draws: the same seed gives the same texts."""

    def __init__(
        self, language: Language, *, seed: str, masked_share: float = _MASKED_SHARE
    ) -> None:
        self._draws = random.Random(seed_for("names", language, seed))  # noqa: S311 - no secret
        self._masked_share = masked_share
        people = People(language, draws=self._draws)
        places = Places(language, draws=self._draws)
        organisations = Organisations(language, people=people, places=places, draws=self._draws)
        structured = Structured(draws=self._draws)
        dates = dates_of(language)
        self._fillers: dict[str, Callable[[], str]] = {
            "person": people.whole,
            "first": people.first,
            "last": people.last,
            "honorific": people.honorific,
            "username": people.username,
            "occupation": lambda: self._occupation(language),
            "place": places.place,
            "country": places.country,
            "region": places.region,
            "organisation": organisations.organisation,
            "address": places.address,
            "street": places.street,
            "postcode": places.postcode,
            "group": lambda: self._draws.choice(GROUPS[language]),
            "groups": lambda: plural_of(self._draws.choice(GROUPS[language]), language=language),
            "age": lambda: str(self._draws.randint(1, 99)),
            "date": lambda: dates.date(self._draws),
            "year": lambda: str(self._draws.randint(1930, 2029)),
            "weekday": lambda: self._draws.choice(dates.weekdays),
            "month": lambda: self._draws.choice(dates.months),
            **structured.fillers(),
        }

    def fill(self, template: str) -> Marked:
        """The template with every slot drawn anew."""
        pieces: list[str] = []
        spans: list[tuple[int, int, str]] = []
        length = 0
        for literal, slot, _, _ in string.Formatter().parse(template):
            pieces.append(literal)
            length += len(literal)
            if slot is None:
                continue
            value = self._fillers[slot]()
            label = SLOTS[slot]
            if self._draws.random() < self._masked_share and slot not in _NEVER_MASKED:
                value, label = f"[{label or slot.upper()}_{self._draws.randint(1, 9)}]", None
            if label is not None:
                spans.append((length, length + len(value), label))
            pieces.append(value)
            length += len(value)
        return Marked("".join(pieces), tuple(spans))

    def texts(
        self, lines: Sequence[str], *, rounds: int, careless: bool = True
    ) -> Iterator[Marked]:
        """Each template filled `rounds` times, in shuffled order; some typed without care."""
        for _ in range(rounds):
            for line in self._draws.sample(lines, len(lines)):
                filled = self.fill(line)
                if careless:
                    filled = self._careless(self._as_around(filled))
                yield filled

    def joined(self, texts: Iterator[Marked]) -> Iterator[Marked]:
        """Texts as they come, a third of them two or three in one, as messages are."""
        for text in texts:
            while self._draws.random() < 0.25:  # noqa: PLR2004 - a share
                follower = next(texts, None)
                if follower is None:
                    break
                text = _appended(text, follower, gap=self._draws.choice((" ", " ", "\n", "\n\n")))
            yield text

    def _careless(self, filled: Marked) -> Marked:
        """Some texts all lower or upper case, without marks, or without their last full stop."""
        roll = self._draws.random()
        if roll < 0.10:
            return _recased(filled, str.lower)
        if roll < 0.14:
            return _recased(filled, str.upper)
        if roll < 0.18:
            marks = re.compile(r"[.,!?](?=\s|$)")
            return Marked(marks.sub(" ", filled.text), filled.spans)
        if roll < 0.26 and filled.text.endswith("."):
            return Marked(filled.text[:-1], filled.spans)
        if roll < 0.29:
            return self._names_lowered(filled)
        return filled

    def _as_around(self, filled: Marked) -> Marked:
        """Who types a line in one case mostly types its names so too."""
        around = list(filled.text)
        for start, end, _ in filled.spans:
            around[start:end] = " " * (end - start)
        letters = [character for character in around if character.isalpha()]
        if len(letters) < _TELLING_LETTERS:
            return filled
        if all(character.isupper() for character in letters):
            return _recased(filled, str.upper)
        if all(character.islower() for character in letters) and self._draws.random() < 0.6:
            return self._names_lowered(filled)
        return filled

    def _names_lowered(self, filled: Marked) -> Marked:
        text = filled.text
        for start, end, _ in filled.spans:
            lowered = text[start:end].lower()
            if len(lowered) == end - start:
                text = text[:start] + lowered + text[end:]
        return Marked(text, filled.spans)

    def _occupation(self, language: Language) -> str:
        if language != "en" or self._draws.random() < 0.6:  # noqa: PLR2004 - a share
            return self._draws.choice(OCCUPATIONS[language])
        listed = self._draws.choice(jobs("en_US"))
        name = listed.split(" (")[0]
        first, comma, rest = name.partition(", ")
        name = f"{rest} {first.lower()}" if comma else name
        return name if self._draws.random() < 0.4 else name.lower()  # noqa: PLR2004 - a share


def _recased(filled: Marked, case: Callable[[str], str]) -> Marked:
    changed = case(filled.text)
    return Marked(changed, filled.spans) if len(changed) == len(filled.text) else filled


def _appended(text: Marked, follower: Marked, *, gap: str) -> Marked:
    shift = len(text.text) + len(gap)
    moved = tuple((start + shift, end + shift, label) for start, end, label in follower.spans)
    return Marked(f"{text.text}{gap}{follower.text}", text.spans + moved)
