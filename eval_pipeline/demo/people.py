"""Invented customers with personal data of every kind, as people really write it down.

Names, addresses and numbers belong to nobody; cards pass Luhn and IBANs their check digits, so
that only a recogniser that validates finds them for the right reason.
"""

import base64
import json
import random
import string
from dataclasses import dataclass
from typing import Final

from eval_pipeline.demo.draws import stream

CONTACT_KINDS: Final = ("name", "email", "phone", "address", "date_of_birth")
PAYMENT_KINDS: Final = ("card", "iban")
TECHNICAL_KINDS: Final = ("ip", "api_key", "jwt", "customer_number")
KINDS: Final = (*CONTACT_KINDS, *PAYMENT_KINDS, *TECHNICAL_KINDS)

_COMMON_SHARE: Final = 0.6
_IPV6_SHARE: Final = 0.2

_COMMON_FIRST: Final = (
    "Jennifer",
    "Michael",
    "Stephanie",
    "Christopher",
    "Rebecca",
    "Patrick",
    "Melissa",
    "Gregory",
    "Katherine",
    "Jonathan",
    "Deborah",
    "Timothy",
    "Samantha",
    "Benjamin",
    "Victoria",
    "Raymond",
)
_COMMON_LAST: Final = (
    "Alvarez",
    "Thompson",
    "Henderson",
    "Whitaker",
    "Patterson",
    "Gallagher",
    "Richardson",
    "Castillo",
    "Montgomery",
    "Fitzgerald",
    "Sullivan",
    "Hernandez",
    "Donaldson",
    "Bradshaw",
    "Cunningham",
    "Villarreal",
)
_RARE_FIRST: Final = (
    "Oluwaseun",
    "Thandeka",
    "Xiadani",
    "Þórunn",
    "Nnamdi",
    "Ksenija",
    "Aberash",
    "Tomasz-Piotr",
    "Zoltánka",
    "Ifeoma",
    "Makoaniani",
    "Ruairíona",
    "Siobhánna",
    "Kwabenata",
    "Ngozika",
    "Vytautėla",
)
_RARE_LAST: Final = (
    "Adebayo-Quist",
    "Mthembu",
    "Tlalpanec",
    "Hallgrimsdottir",
    "Ezeigbonam",
    "Vukotićeva",
    "Tessemara",
    "Brzęczyk",
    "Szilvássyne",
    "Okonkwoli",
    "Kealohanui",
    "Fjeldstadby",
    "Ó Maolchatha",
    "Nkansahene",
    "Uzoamakali",
    "Žemaitytka",
)
_STREETS: Final = (
    "Maple Hollow Drive",
    "Thornbury Lane",
    "Elmcroft Avenue",
    "Quarry Ridge Road",
    "Saltmarsh Street",
    "Larkspur Court",
    "Old Foundry Road",
    "Willowmere Avenue",
    "Copperfield Street",
    "Juniper Bluff Drive",
)
_CITIES: Final = (
    "Bristol",
    "Leeds",
    "Portland",
    "Denver",
    "Galway",
    "Norwich",
    "Tucson",
    "Albany",
)
_MAIL_DOMAINS: Final = ("example.com", "example.org", "example.net")
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@dataclass(frozen=True)
class Customer:
    """One invented person; `common_name` says that both names stand in every list of names."""

    user_id: str
    full_name: str
    common_name: bool
    personal: tuple[tuple[str, str], ...]

    @property
    def named_by_user_id(self) -> bool:
        """Whether the user id itself gives the person away."""
        return not self.user_id.startswith("u-")

    def value(self, kind: str) -> str:
        """The person's value of a kind, exactly as it is always written."""
        return dict(self.personal)[kind]


def customer(number: int, *, seed: int) -> Customer:
    """The customer of that number; the same seed always invents the same person."""
    draws = stream("demo-customer", str(seed), str(number))
    common = draws.random() < _COMMON_SHARE
    first = draws.choice(_COMMON_FIRST if common else _RARE_FIRST)
    last = draws.choice(_COMMON_LAST if common else _RARE_LAST)
    letters = "".join(letter for letter in f"{first}.{last}".lower() if letter.isascii())
    mailbox = "".join(letter for letter in letters if letter.isalpha() or letter == ".")
    email = f"{mailbox}{number}@{draws.choice(_MAIL_DOMAINS)}"
    handle = f"{mailbox.replace('.', '_')}_{number}"
    personal = {
        "name": f"{first} {last}",
        "email": email,
        "phone": _phone(draws),
        "address": f"{draws.randrange(101, 9999)} {draws.choice(_STREETS)}",
        "city": draws.choice(_CITIES),
        "date_of_birth": _date_of_birth(draws),
        "card": _card(draws),
        "iban": _iban(draws),
        "ip": _ip(draws),
        "api_key": _api_key(draws),
        "jwt": _jwt(draws, subject=email),
        "customer_number": f"KD-{draws.randrange(10**6, 10**7)}-{draws.randrange(10, 100)}",
        "handle": handle,
    }
    user_id = (email, handle, f"u-{number:06d}")[number % 3]
    return Customer(user_id, personal["name"], common, tuple(personal.items()))


def luhn_valid(digits: str) -> bool:
    """Whether a card number's last digit checks the others."""
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(digits[::-1])]
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0


def iban_valid(iban: str) -> bool:
    """Whether an IBAN's check digits fit (mod 97)."""
    return _iban_remainder(iban.replace(" ", "")) == 1


def _iban_remainder(plain: str) -> int:
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97


def _phone(draws: random.Random) -> str:
    line = draws.randrange(1000)
    match draws.randrange(5):
        case 0:
            return f"+1 ({draws.choice((212, 415, 303))}) 555-0{draws.randrange(100, 200)}"
        case 1:
            return f"+44 20 7946 {draws.randrange(10_000):04d}"
        case 2:
            return f"+49 30 23125 {line:03d}"
        case 3:
            return f"+31 20 794 {draws.randrange(10_000):04d}"
        case _:
            return (
                f"+33 6 12 {line // 10:02d} {draws.randrange(100):02d} {draws.randrange(100):02d}"
            )


def _date_of_birth(draws: random.Random) -> str:
    day, month, year = draws.randrange(1, 29), draws.randrange(1, 13), draws.randrange(1938, 2003)
    match draws.randrange(3):
        case 0:
            return f"{day:02d}/{month:02d}/{year}"
        case 1:
            return f"{year}-{month:02d}-{day:02d}"
        case _:
            return f"{day} {_MONTHS[month - 1]} {year}"


def _card(draws: random.Random) -> str:
    body = draws.choice(("4539", "5425", "4024")) + _digits(draws, 11)
    check = next(digit for digit in string.digits if luhn_valid(body + digit))
    number = body + check
    separator = draws.choice((" ", "-", ""))
    return separator.join(number[start : start + 4] for start in range(0, 16, 4))


def _iban(draws: random.Random) -> str:
    country, bank = draws.choice((("DE", _digits(draws, 18)), ("GB", "NWBK" + _digits(draws, 14))))
    # ISO 7064: with the check digits at 00, they are 98 less the remainder.
    plain = f"{country}{98 - _iban_remainder(f'{country}00{bank}'):02d}{bank}"
    if draws.choice((True, False)):
        return plain
    return " ".join(plain[start : start + 4] for start in range(0, len(plain), 4))


def _ip(draws: random.Random) -> str:
    if draws.random() < _IPV6_SHARE:
        groups = [f"{draws.randrange(4096, 65536):x}" for _ in range(5)]
        return f"2001:db8:{groups[0]}:" + ":".join((*groups[1:], f"{draws.randrange(1, 9)}a3"))
    return ".".join(str(draws.randrange(*span)) for span in ((81, 96), *[(100, 254)] * 3))


def _api_key(draws: random.Random) -> str:
    match draws.randrange(3):
        case 0:
            return "sk-proj-" + _letters(draws, 40)
        case 1:
            return "AKIA" + _letters(draws, 16, alphabet=string.ascii_uppercase + "234567")
        case _:
            return "ghp_" + _letters(draws, 36)


def _jwt(draws: random.Random, *, subject: str) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": subject, "n": draws.randrange(10**9)})
    encoded = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts
    ]
    return ".".join((*encoded, _letters(draws, 43)))


def _digits(draws: random.Random, count: int) -> str:
    return "".join(draws.choice(string.digits) for _ in range(count))


def _letters(
    draws: random.Random, count: int, *, alphabet: str = string.ascii_letters + string.digits
) -> str:
    return "".join(draws.choice(alphabet) for _ in range(count))
