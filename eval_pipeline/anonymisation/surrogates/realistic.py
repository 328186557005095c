"""Stand-ins that look like what they replace and belong to nobody, for tasks that need the form."""

from collections.abc import Callable, Mapping
from typing import Final

from eval_pipeline.anonymisation.surrogates import accounts, network, places, shapes, traits
from eval_pipeline.anonymisation.surrogates.contract import MemoryOnly, compact, words_of
from eval_pipeline.anonymisation.surrogates.dates import Calendar
from eval_pipeline.anonymisation.surrogates.draws import Draws
from eval_pipeline.anonymisation.surrogates.people import FakePeople
from eval_pipeline.anonymisation.surrogates.phones import phone, phone_identity
from eval_pipeline.anonymisation.surrogates.placeholders import PlaceholderSurrogates

Maker = Callable[[str, Draws], str | None]

DATE_KINDS: Final = frozenset({"DATE", "DATE_OF_BIRTH", "DATE_TIME", "TIMESTAMP"})
_SPELT: Final = frozenset({"EMAIL", "URL", "DOMAIN"})
"""Kinds whose marks tell one value from another."""

_BY_WORDS: Final = frozenset({"ADDRESS", "PLACE", "ORGANISATION"})
"""Kinds of which a later scan may find a part."""

_SAME_KIND: Final = {
    "LOCATION": "PLACE", "CITY": "PLACE", "COUNTRY": "PLACE", "ORGANIZATION": "ORGANISATION",
    "COMPANY": "ORGANISATION", "HANDLE": "USER", "USERNAME": "USER", "POSTAL_ADDRESS": "ADDRESS",
    "IP_ADDRESS": "IP", "CREDIT_CARD": "CARD", "NATIONALITY": "GROUP", "OCCUPATION": "TITLE",
}  # fmt: skip
_TRIES: Final = 64
_LONGEST: Final = {"SECRET": 20_000, "URL": 2_500}
_LONGEST_OTHERWISE: Final = 300


class RealisticSurrogates(MemoryOnly):
    """The realistic stand-ins of one conversation.

    Each follows from HMAC-SHA-256 over `key`, `scope`, the conversation, the kind and the value:
    repeatable by who holds the key, unlike in every other conversation and scope (a golden version,
    a week). What cannot be given a stand-in that differs from the value, from the other stand-ins
    and from what the conversation says already gets a placeholder, and so does what is too long
    to be such a value.
    """

    def __init__(
        self, key: bytes, conversation: str, *, language: str = "en", scope: str = ""
    ) -> None:
        self._key = key
        self._told = (scope, conversation)
        self._language = language
        self._placeholders = PlaceholderSurrogates()
        self._people = FakePeople(self._draws, language=language, taken=self._is_said)
        self._calendar = Calendar(self._draws("DATE"), language=language)
        self._said: set[str] = set()
        self._attempts: dict[tuple[str, str], int | None] = {}
        self._issued: dict[str, tuple[str, str]] = {}
        self._issued_words: set[str] = set()
        self._makers = self._by_kind()

    def reserve(self, text: str) -> None:
        """Remembers the text's words, its placeholders and how it writes its dates."""
        self._placeholders.reserve(text)
        self._calendar.note(text)
        self._said.update(words_of(text))

    def stand_in(self, kind: str, value: str) -> str:
        """A value of the same form; it neither is nor holds `value`, weekday names excepted."""
        if len(value) > _LONGEST.get(kind, _LONGEST_OTHERWISE):
            return self._placeholders.stand_in(kind, value)
        if kind in DATE_KINDS:
            moved = self._calendar.moved(value)
            if moved is not None:
                self._issued[moved.casefold()] = (kind, "")
            return self._placeholders.stand_in(kind, value) if moved is None else moved
        family = _SAME_KIND.get(kind, kind)
        identity = (family, self._identity(family, value))
        if identity not in self._attempts:
            self._attempts[identity] = self._settled(identity, value)
        attempt = self._attempts[identity]
        drawn = None if attempt is None else self._drawn(identity, value, attempt=attempt)
        if drawn is None or _holds(drawn, value):
            return self._placeholders.stand_in(kind, value)
        self._issued[drawn.casefold()] = identity
        if family in _BY_WORDS:
            self._issued_words.update(words_of(drawn))
        return drawn

    def is_stand_in(self, kind: str, value: str) -> bool:
        """Of any kind, for a scan may take one for another; of names and addresses also a part."""
        if value.casefold() in self._issued or self._placeholders.is_stand_in(kind, value):
            return True
        family = _SAME_KIND.get(kind, kind)
        if family in {"URL", "DOMAIN"} and network.is_documentation(value):
            return True
        words = words_of(value)
        in_parts = family in _BY_WORDS and bool(words) and self._issued_words.issuperset(words)
        return in_parts or (family == "PERSON" and self._people.is_stand_in(value))

    def _settled(self, identity: tuple[str, str], value: str) -> int | None:
        """The first attempt that gives a stand-in nobody else has; None if there is none."""
        for attempt in range(_TRIES):
            drawn = self._drawn(identity, value, attempt=attempt)
            if drawn is None:
                return None
            if identity[0] in {"PERSON", "AGE", "GROUP", "TITLE"}:
                return attempt  # Names see to it by part; the others have too few to choose from.
            owner = self._issued.get(drawn.casefold(), identity)
            if not _holds(drawn, value) and owner == identity and not self._is_said(drawn):
                return attempt
        return None

    def _drawn(self, identity: tuple[str, str], value: str, *, attempt: int) -> str | None:
        draws = self._draws(*identity, str(attempt))
        return self._makers.get(identity[0], shapes.same_shape)(value, draws)

    def _draws(self, *purpose: str) -> Draws:
        return Draws(self._key, *self._told, *purpose)

    def _is_said(self, drawn: str) -> bool:
        words = words_of(drawn)
        return bool(words) and self._said.issuperset(words)

    def _identity(self, kind: str, value: str) -> str:
        if kind == "PHONE":
            return phone_identity(value, language=self._language)
        return value.casefold() if kind in _SPELT else compact(value) or value

    def _by_kind(self) -> Mapping[str, Maker]:
        language, part = self._language, self._people.ascii_part
        return {
            "PERSON": lambda value, _: self._people.name(value),
            "EMAIL": lambda value, draws: network.email(value, draws, part=part),
            "USER": lambda value, draws: network.handle(value, draws, part=part),
            "URL": network.url,
            "DOMAIN": network.documentation_domain,
            "IP": network.ip_address,
            "MAC": network.mac,
            "UUID": network.uuid,
            "SECRET": lambda value, draws: (
                network.url(value, draws) if "://" in value else shapes.secret(value, draws)
            ),
            "CARD": accounts.card,
            "IBAN": accounts.iban,
            "NATIONAL_ID": accounts.national_id,
            "PHONE": lambda value, draws: phone(value, draws, language=language),
            "ADDRESS": lambda value, draws: places.address(value, draws, language=language),
            "PLACE": lambda value, draws: places.place(value, draws, language=language),
            "ORGANISATION": lambda value, draws: places.organisation(
                value, draws, language=language
            ),
            "COORDINATES": places.coordinates,
            "AGE": traits.age,
            "GROUP": traits.group,
            "TITLE": lambda value, draws: traits.title(value, draws, language=language),
        }


def _holds(drawn: str, value: str) -> bool:
    """Whether the stand-in says the value, however grouped."""
    return value.casefold() in drawn.casefold() or (
        compact(value) != "" and compact(value) in compact(drawn)
    )
