"""What fills the slots that hold no name: contact data, codes, amounts, things."""

import random
import string
from typing import Final

from faker import Faker

from eval_pipeline.anonymisation.names.word_lists import entries

_CODES: Final = (
    "AA-000000", "#0000000", "0000000000", "AAA000", "AA 0000", "000000", "#000000", "00000",
    "#00000", "00000000", "A-000", "000-0000000-0000000",
)  # fmt: skip
_PASSPORT: Final = "A0000000"
_MONEY: Final = ("${}", "{} dollars", "€{}", "{} EUR", "£{}", "{} euros", "{} bucks")
_SIGNS: Final = {"0": string.digits, "A": string.ascii_uppercase}


class Nameless:
    """Draws what patterns find and what nobody looks for."""

    def __init__(self, *, draws: random.Random) -> None:
        self._draws = draws
        self._faker = Faker("en_US")
        self._faker.seed_instance(draws.getrandbits(64))

    def email(self) -> str:
        """An e-mail address."""
        return str(self._faker.email())

    def phone(self) -> str:
        """A telephone number as Americans write it."""
        return str(self._faker.phone_number())

    def card(self) -> str:
        """A card's number."""
        return str(self._faker.credit_card_number())

    def iban(self) -> str:
        """An account's number."""
        return str(self._faker.iban())

    def ip(self) -> str:
        """An address of four numbers."""
        return str(self._faker.ipv4())

    def url(self) -> str:
        """A page's address."""
        return str(self._faker.url())

    def handle(self) -> str:
        """A name on a network, with its @."""
        return f"@{self._faker.user_name()}"

    def identity(self) -> str:
        """A national number or one of a passport."""
        passport = self._draws.choice((False, True))
        return self._code(_PASSPORT) if passport else str(self._faker.ssn())

    def reference(self) -> str:
        """An order's or a booking's number."""
        return self._code(self._draws.choice(_CODES))

    def number(self) -> str:
        """A count, half of them up to twelve."""
        most = self._draws.choice((12, 12, 999, 5000))
        return str(self._draws.randint(1, most))

    def money(self) -> str:
        """An amount with its currency."""
        draws = self._draws
        amount = draws.choice(
            (
                f"{draws.randint(1, 999)}",
                f"{draws.randint(1, 999)}.{draws.randint(0, 99):02}",
                f"{draws.randint(1, 99)},{draws.randint(0, 999):03}",
            )
        )
        return draws.choice(_MONEY).format(amount)

    def time(self) -> str:
        """A time of day."""
        hour, minute = self._draws.randint(1, 12), self._draws.choice((0, 15, 30, 45, 5))
        return self._draws.choice(
            (
                f"{hour}:{minute:02}",
                f"{hour} pm",
                f"{hour}am",
                f"{hour + 11}:{minute:02}",
                f"{hour}:{minute:02} PM",
                f"{hour} o'clock",
            )
        )

    def product(self) -> str:
        """A thing, with or without a brand."""
        return self._draws.choice(entries("products"))

    def _code(self, shape: str) -> str:
        """The shape with a digit for each 0 and a capital for each A."""
        pick = self._draws.choice
        return "".join(pick(_SIGNS[sign]) if sign in _SIGNS else sign for sign in shape)
