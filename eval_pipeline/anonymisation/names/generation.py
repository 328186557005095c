"""Texts with their names marked, made from templates: what the model learns from and is held to."""

import random
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Final

from eval_pipeline.anonymisation.names.addresses import Addresses
from eval_pipeline.anonymisation.names.facts import Facts
from eval_pipeline.anonymisation.names.local_fakers import LocalFakers
from eval_pipeline.anonymisation.names.marked import (
    Marked,
    appended,
    around_names,
    names_lowered,
    recased,
    without_marks,
)
from eval_pipeline.anonymisation.names.nameless import Nameless
from eval_pipeline.anonymisation.names.organisations import Organisations
from eval_pipeline.anonymisation.names.people import People
from eval_pipeline.anonymisation.names.places import Places
from eval_pipeline.anonymisation.names.ways import EVERY, Slots, Ways, way_of
from eval_pipeline.anonymisation.names.word_lists import read_entries
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

_NEVER_MASKED: Final = frozenset({"number", "money", "time", "product", "reference"})
_JOINED_SHARE: Final = 0.25
_GAPS: Final = (" ", " ", "\n", "\n\n")
_TELLING_LETTERS: Final = 8
_NAMES_AS_AROUND: Final = 0.6


def templates(language: Language, *, held_out: bool) -> tuple[str, ...]:
    """The language's templates: those to learn from, or those that are never learnt from.

    In the order of their files' names and lines; slots are those of `SLOTS`, in braces. A line of
    `held_out_*.txt` that another file holds too is learnt from, so it is not held out.
    """
    if not held_out:
        return _lines(language, held_out=False)
    learnt_from = frozenset(_lines(language, held_out=False))
    return tuple(line for line in _lines(language, held_out=True) if line not in learnt_from)


def _lines(language: Language, *, held_out: bool) -> tuple[str, ...]:
    folder = files("eval_pipeline.anonymisation.names") / "templates" / language
    lines: list[str] = []
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        if file.name.endswith(".txt") and file.name.startswith("held_out") == held_out:
            lines += read_entries(file.read_text(encoding="utf-8"))
    return tuple(lines)


def slots_of(language: Language, *, draws: random.Random) -> Slots:
    """What draws the value of each slot of `SLOTS`, all from one stream of draws."""
    people = People(language, draws=draws)
    fakers = LocalFakers(language, draws=draws)
    places = Places(language, fakers=fakers, draws=draws)
    addresses = Addresses(places, fakers=fakers, draws=draws)
    organisations = Organisations(language, people=people, places=places, draws=draws)
    nameless = Nameless(draws=draws)
    facts = Facts(language, draws=draws)
    return {
        "person": people.whole, "first": people.first, "last": people.last,
        "honorific": people.honorific, "username": people.username,
        "occupation": facts.occupation, "place": places.place, "country": places.country,
        "region": places.region, "organisation": organisations.organisation,
        "address": addresses.address, "street": addresses.street, "postcode": places.postcode,
        "group": facts.group, "groups": facts.groups, "age": facts.age, "date": facts.date,
        "year": facts.year, "weekday": facts.weekday, "month": facts.month,
        "email": nameless.email, "phone": nameless.phone, "card": nameless.card,
        "iban": nameless.iban, "ip": nameless.ip, "url": nameless.url, "handle": nameless.handle,
        "id": nameless.identity, "number": nameless.number, "money": nameless.money,
        "time": nameless.time, "product": nameless.product, "reference": nameless.reference,
    }  # fmt: skip


class Generator:
    """Fills templates by one stream of draws: the same seed gives the same texts."""

    def __init__(
        self, language: Language, *, seed: str, masked_share: float = _MASKED_SHARE
    ) -> None:
        self._draws = random.Random(seed_for("names", language, seed))  # noqa: S311 - no secret
        self._masked_share = masked_share
        self._slots = slots_of(language, draws=self._draws)

    def fill(self, template: str) -> Marked:
        """The template with every slot drawn anew; raises `KeyError` for a slot not in `SLOTS`."""
        pieces: list[str] = []
        spans: list[tuple[int, int, str]] = []
        length = 0
        for literal, slot, _, _ in string.Formatter().parse(template):
            pieces.append(literal)
            length += len(literal)
            if slot is None:
                continue
            value, label = self._value(slot)
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
                yield self._careless(self._as_around(filled)) if careless else filled

    def joined(self, texts: Iterator[Marked]) -> Iterator[Marked]:
        """Texts as they come, a quarter of them with the next one in the same, as messages are."""
        for text in texts:
            whole = text
            while self._draws.random() < _JOINED_SHARE:
                follower = next(texts, None)
                if follower is None:
                    break
                whole = appended(whole, follower, gap=self._draws.choice(_GAPS))
            yield whole

    def _value(self, slot: str) -> tuple[str, str | None]:
        """What fills the slot and its label; a placeholder has none."""
        value, label = self._slots[slot](), SLOTS[slot]
        if self._draws.random() < self._masked_share and slot not in _NEVER_MASKED:
            return f"[{label or slot.upper()}_{self._draws.randint(1, 9)}]", None
        return value, label

    def _careless(self, filled: Marked) -> Marked:
        """Some texts all lower or upper case, without marks, or without their last full stop."""
        return way_of(self._draws.random(), _CARELESS)(filled)

    def _as_around(self, filled: Marked) -> Marked:
        """Who types a line in one case mostly types its names so too."""
        letters = around_names(filled)
        if len(letters) < _TELLING_LETTERS:
            return filled
        if all(letter.isupper() for letter in letters):
            return recased(filled, str.upper)
        lower = all(letter.islower() for letter in letters)
        if lower and self._draws.random() < _NAMES_AS_AROUND:
            return names_lowered(filled)
        return filled


def _without_last_stop(filled: Marked) -> Marked:
    """The text without its last full stop; one that has none gets its names lowered."""
    if filled.text.endswith("."):
        return Marked(filled.text[:-1], filled.spans)
    return names_lowered(filled)


_CARELESS: Final[Ways[Callable[[Marked], Marked]]] = (
    (0.10, lambda filled: recased(filled, str.lower)),
    (0.14, lambda filled: recased(filled, str.upper)),
    (0.18, without_marks),
    (0.26, _without_last_stop),
    (0.29, names_lowered),
    (EVERY, lambda filled: filled),
)
