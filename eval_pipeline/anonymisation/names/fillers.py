"""What fills the slots that hold no name: contact data, numbers, things."""

import random
import string
from collections.abc import Callable, Mapping
from typing import Final

from faker import Faker

_PRODUCTS: Final = tuple(
    """
    headphones|laptop|the blue jacket|a pair of boots|washing machine|coffee maker|phone case|sofa|
    running shoes|bike helmet|TV|router|dishwasher|printer|monitor|backpack|vitamin D|ibuprofen|
    aspirin|paracetamol|face cream|shampoo|protein bars|dog food|concert tickets|gift card|annual plan|
    premium subscription|savings account|travel insurance|credit card|checking account|data plan|
    return ticket|double room|pizza|salad|sandwich|oat milk|red wine|blender|desk lamp|mattress|
    iPhone 14|Galaxy S23|PlayStation 5|Xbox|MacBook Air|Kindle|Windows 11|Model 3|Air Max 90|AirPods
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)


class Structured:
    """Draws what patterns find and what nobody looks for."""

    def __init__(self, *, draws: random.Random) -> None:
        self._draws = draws
        self._faker = Faker("en_US")
        self._faker.seed_instance(draws.getrandbits(64))

    def fillers(self) -> Mapping[str, Callable[[], str]]:
        """By slot."""
        faker, draws = self._faker, self._draws
        return {
            "email": lambda: str(faker.email()),
            "phone": lambda: str(faker.phone_number()),
            "card": lambda: str(faker.credit_card_number()),
            "iban": lambda: str(faker.iban()),
            "ip": lambda: str(faker.ipv4()),
            "url": lambda: str(faker.url()),
            "handle": lambda: "@" + str(faker.user_name()),
            "id": lambda: draws.choice((faker.ssn, lambda: self._code("A0000000")))(),
            "number": lambda: str(draws.choice((draws.randint(1, 12), draws.randint(1, 999)))),
            "money": self._money,
            "time": self._time,
            "product": lambda: draws.choice(_PRODUCTS),
            "reference": lambda: self._code(
                draws.choice(("AA-000000", "#0000000", "0000000000", "AAA000", "AA 0000"))
            ),
        }

    def _money(self) -> str:
        amount = self._draws.choice(
            (
                f"{self._draws.randint(1, 999)}",
                f"{self._draws.randint(1, 999)}.{self._draws.randint(0, 99):02}",
                f"{self._draws.randint(1, 99)},{self._draws.randint(0, 999):03}",
            )
        )
        return self._draws.choice(
            ("${}", "{} dollars", "€{}", "{} EUR", "£{}", "{} euros", "{} bucks")
        ).format(amount)

    def _time(self) -> str:
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

    def _code(self, shape: str) -> str:
        digit, letter = string.digits, string.ascii_uppercase
        pick = self._draws.choice
        return "".join(pick(digit) if c == "0" else pick(letter) if c == "A" else c for c in shape)
