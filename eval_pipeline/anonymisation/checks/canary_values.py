"""Invented personal values of every kind, seeded, from ranges reserved for invention if there are.

Reserved: e-mail and URL (RFC 2606), IPv4 (RFC 5737), IPv6 (RFC 3849), MAC (RFC 7042), phone
numbers for fiction (Ofcom, NANPA, Bundesnetzagentur, Arcep). National ids and IBANs have no such
range that their check digits accept: those are drawn freely and belong to nobody but by chance.
"""

import datetime as dt
import random
import string
import uuid
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from faker import Faker

from eval_pipeline.anonymisation.structured.check_digits import is_luhn
from eval_pipeline.settings import Language

_LOCALES: Final[Mapping[Language, tuple[str, ...]]] = MappingProxyType(
    {"en": ("en_GB", "en_US"), "de": ("de_DE",), "fr": ("fr_FR",), "es": ("es_ES",)}
)
_ONSETS: Final = ("B", "D", "Dr", "F", "G", "Gw", "K", "L", "M", "N", "P", "R", "T", "Th", "V", "Z")
_VOWELS: Final = ("a", "e", "i", "o", "u", "ae", "io", "ue")
_CODAS: Final = ("n", "l", "r", "sh", "v", "m", "nd", "sk", "th", "x")
_TODAY: Final = dt.date(2026, 1, 1)
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_ALPHANUMERIC: Final = string.ascii_letters + string.digits


class CanaryValues:
    """Draws values; the same `draws` and languages give the same values."""

    def __init__(self, draws: random.Random, *, languages: Sequence[Language]) -> None:
        self._draws = draws
        self._fakers: list[Any] = []
        for locale in [name for language in languages for name in _LOCALES[language]]:
            faker: Any = Faker(locale)
            faker.seed_instance(draws.getrandbits(64))
            self._fakers.append(faker)

    def of(self, kind: str) -> str:
        """One value of a kind of `KINDS`."""
        return _MAKERS[kind](self)

    @property
    def _faker(self) -> Any:
        return self._draws.choice(self._fakers)

    def _digits(self, count: int) -> str:
        return "".join(self._draws.choices(string.digits, k=count))

    def _letters(self, count: int) -> str:
        return "".join(self._draws.choices(_ALPHANUMERIC, k=count))

    def _hex(self, count: int) -> str:
        return "".join(self._draws.choices("0123456789abcdef", k=count))

    def person(self) -> str:
        """First and last name from public lists, which recognisers may know too."""
        faker = self._faker
        return f"{faker.first_name()} {faker.last_name()}"

    def unlisted_person(self) -> str:
        """A name put together from syllables, which no list holds."""
        return " ".join(self._syllables() for _ in range(2))

    def _syllables(self) -> str:
        pick = self._draws.choice
        made = pick(_ONSETS) + pick(_VOWELS) + pick(_CODAS) + pick(_VOWELS) + pick(_CODAS)
        return made.capitalize()

    def email(self) -> str:
        """An address at a reserved domain, in one of the usual shapes."""
        name = self._draws.choice(
            [
                f"{self._syllables()}.{self._syllables()}".lower(),
                f"{self._syllables()}{self._digits(3)}".lower(),
                f"{self._syllables()}+{self._syllables()}".lower(),
            ]
        )
        domain = self._draws.choice(("example.org", "mail.example.com", "example.net"))
        return f"{name}@{domain}"

    def phone(self) -> str:
        """A number for fiction as people write it, with or without its country."""
        two = self._digits(2), self._digits(2)
        return self._draws.choice(
            [
                f"+44 20 7946 0{self._digits(3)}",
                f"020 7946 0{self._digits(3)}",
                f"(202) 555-01{two[0]}",
                f"+1 312-555-01{two[0]}",
                f"+4930 23125{self._digits(3)}",
                f"+33 1 99 00 {two[0]} {two[1]}",
                f"+331.99.00.{two[0]}.{two[1]}",
            ]
        )

    def card(self) -> str:
        """A number of sixteen digits that passes Luhn's check, grouped or not."""
        body = self._draws.choice(("4000", "5105", "6011")) + self._digits(11)
        number = next(body + last for last in string.digits if is_luhn(body + last))
        groups = [number[start : start + 4] for start in range(0, 16, 4)]
        return self._draws.choice(("", " ", "-")).join(groups)

    def iban(self) -> str:
        """A number that passes the remainder check, grouped or not."""
        number = str(self._faker.iban())
        groups = [number[start : start + 4] for start in range(0, len(number), 4)]
        return self._draws.choice((number, " ".join(groups)))

    def ipv4(self) -> str:
        """An address of a documentation range."""
        range_ = self._draws.choice(("192.0.2", "198.51.100", "203.0.113"))
        return f"{range_}.{self._draws.randrange(1, 255)}"

    def ipv6(self) -> str:
        """An address of the documentation range, shortened or whole."""
        groups = [self._hex(4) for _ in range(6)]
        return self._draws.choice((f"2001:db8::{groups[0]}", ":".join(("2001", "0db8", *groups))))

    def mac(self) -> str:
        """An address of the documentation range."""
        return self._draws.choice((":", "-")).join(("00", "00", "5e", "00", "53", self._hex(2)))

    def uuid(self) -> str:
        """Random, version 4."""
        return str(uuid.UUID(int=self._draws.getrandbits(128), version=4))

    def national_id(self) -> str:
        """A US or British number, or the French one where French is configured."""
        pick = self._draws.randrange
        made = [
            f"{pick(100, 666)}-{pick(10, 100)}-{pick(1000, 10_000)}",
            f"JG {self._digits(2)} {self._digits(2)} {self._digits(2)} C",
        ]
        french = [faker for faker in self._fakers if faker.locales == ["fr_FR"]]
        return self._draws.choice([*made, *(str(faker.ssn()) for faker in french)])

    def secret(self) -> str:
        """In the shape of a provider's key or token."""
        return self._draws.choice(
            [
                f"sk-{self._letters(40)}",
                f"ghp_{self._letters(36)}",
                f"AKIA{''.join(self._draws.choices(string.ascii_uppercase + '234567', k=16))}",
                f"xoxb-{self._digits(12)}-{self._letters(24)}",
            ]
        )

    def url(self) -> str:
        """A link that names a person in its path or its query."""
        name = f"{self._syllables()}-{self._syllables()}".lower()
        return self._draws.choice(
            [f"https://example.org/profile/{name}", f"https://www.example.com/in?account={name}"]
        )

    def handle(self) -> str:
        """A user name in a social network."""
        return f"@{self._syllables().lower()}_{self._digits(4)}"

    def address(self) -> str:
        """Street, number, postcode and town on one line."""
        faker = self._faker
        street = str(faker.street_address()).replace("\n", ", ")
        return f"{street}, {faker.postcode()} {faker.city()}"

    def date(self) -> str:
        """A day of this century, in one of the usual ways to write it."""
        return self._written(_TODAY - dt.timedelta(days=self._draws.randrange(9_000)))

    def date_of_birth(self) -> str:
        """A day eighteen to ninety years back, in one of the usual ways to write it."""
        return self._written(_TODAY - dt.timedelta(days=self._draws.randrange(6_600, 32_900)))

    def _written(self, day: dt.date) -> str:
        month = _MONTHS[day.month - 1]
        return self._draws.choice(
            [
                day.isoformat(),
                f"{day.day} {month} {day.year}",
                f"{month} {day.day}, {day.year}",
                f"{day.day:02}/{day.month:02}/{day.year}",
                f"{day.day}.{day.month}.{day.year}",
            ]
        )

    def age(self) -> str:
        """Years, in digits."""
        return str(self._draws.randrange(18, 96))

    def place(self) -> str:
        """A town."""
        return str(self._faker.city())

    def organisation(self) -> str:
        """A company."""
        return str(self._faker.company())


_MAKERS: Final[Mapping[str, Callable[[CanaryValues], str]]] = MappingProxyType(
    {
        "person": CanaryValues.person,
        "unlisted_person": CanaryValues.unlisted_person,
        "email": CanaryValues.email,
        "phone": CanaryValues.phone,
        "card": CanaryValues.card,
        "iban": CanaryValues.iban,
        "ipv4": CanaryValues.ipv4,
        "ipv6": CanaryValues.ipv6,
        "mac": CanaryValues.mac,
        "uuid": CanaryValues.uuid,
        "national_id": CanaryValues.national_id,
        "secret": CanaryValues.secret,
        "url": CanaryValues.url,
        "handle": CanaryValues.handle,
        "address": CanaryValues.address,
        "date_of_birth": CanaryValues.date_of_birth,
        "date": CanaryValues.date,
        "age": CanaryValues.age,
        "place": CanaryValues.place,
        "organisation": CanaryValues.organisation,
    }
)
KINDS: Final = tuple(_MAKERS)
"""Every kind of value that a canary can have; `unlisted_person` is a person too."""
