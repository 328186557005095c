"""Cards, bank accounts and national ids: valid or invalid by design, and nobody's."""

import re
from typing import Final

from eval_pipeline.anonymisation.structured.check_digits import modulo_97
from eval_pipeline.anonymisation.surrogates.contract import compact
from eval_pipeline.anonymisation.surrogates.draws import Draws
from eval_pipeline.anonymisation.surrogates.shapes import overlay, same_shape

_TEST_PREFIXES: Final = (
    (re.compile(r"3[47]"), "378282"),
    (re.compile(r"3(?:0[0-5]|[689])"), "305693"),
    (re.compile(r"35"), "353011"),
    (re.compile(r"4"), "400000"),
    (re.compile(r"5[1-5]|2[2-7]"), "555555"),
    (re.compile(r"6(?:011|4|5)"), "601111"),
    (re.compile(r"62"), "620000"),
    (re.compile(r"5[06-9]|6"), "676770"),
)
"""By the scheme's first digits: those of the test numbers that acquirers publish."""

_NO_SCHEME: Final = "999999"


def card(value: str, draws: Draws) -> str | None:
    """Length and grouping stay, the first digits are a test range's; passes Luhn's check."""
    digits = compact(value)
    if not digits.isdigit():
        return None
    prefix = next((test for form, test in _TEST_PREFIXES if form.match(digits)), _NO_SCHEME)
    prefix = prefix[: max(len(digits) - 1, 0)]
    body = prefix + draws.digits(len(digits) - len(prefix) - 1)
    return overlay(value, body + luhn_digit(body))


def luhn_digit(body: str) -> str:
    """The digit that makes the number pass (ISO/IEC 7812-1, annex B)."""
    doubled = (int(digit) * (2 - index % 2) for index, digit in enumerate(reversed(body)))
    return str(-sum(value - 9 * (value > 9) for value in doubled) % 10)  # noqa: PLR2004


_IBAN: Final = re.compile(r"[a-z]{2}[0-9]{2}[a-z0-9]{8,30}")
_BANK_STARTS_AT: Final = {"it": 1, "sm": 1}
_BANK_LENGTH: Final = 4


def iban(value: str, draws: Draws) -> str | None:
    """Country, length and grouping stay; the bank code is nines or Zs, which no bank is known by.

    Passes the check of ISO 13616; the country's own check digits it does not keep.
    """
    written = compact(value)
    if _IBAN.fullmatch(written) is None:
        return None
    start = _BANK_STARTS_AT.get(written[:2], 0)
    account = "".join(
        _nobody(character) if 0 <= index - start < _BANK_LENGTH else same_shape(character, draws)
        for index, character in enumerate(written[4:])
    )
    remainder = modulo_97(account + written[:2] + "00")
    drawn = f"{written[:2]}{98 - remainder:02}{account}"
    return _in_its_case(value, drawn)


def _nobody(character: str) -> str:
    return "9" if character.isdigit() else "z"


_SSN: Final = re.compile(r"[0-9]{3}([\- ]?)[0-9]{2}\1[0-9]{4}")
_NINO: Final = re.compile(r"[a-z]{2}[0-9]{6}[a-d]")
_DNI: Final = re.compile(r"[xyz]?[0-9]{7,8}[a-z]")
_DNI_LETTERS: Final = "trwagmyfpdxbnjzsqvhlcke"
_CPF: Final = re.compile(r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}")
_CPF_BODY: Final = 9
_NIR: Final = re.compile(r"[12](?: ?[0-9]){14}")
_NIR_BODY: Final = 13


def national_id(value: str, draws: Draws) -> str:
    """A number that its country does not give out; of unknown countries, the shape alone.

    US: area 9xx with a middle group under 50 (neither SSN nor ITIN); UK: prefix QQ; Spain, Brazil
    and France: a wrong check.
    """
    written = compact(value)
    if _SSN.fullmatch(value):
        area, group = draws.between(900, 999), draws.between(1, 49)
        return overlay(value, f"{area}{group:02}{draws.between(1, 9999):04}")
    if _NINO.fullmatch(written):
        return _in_its_case(value, "qq" + draws.digits(6) + draws.choice("abcd"))
    if _DNI.fullmatch(written):
        body = same_shape(written[:-1].lstrip("xyz"), draws)
        letter = draws.choice("xyz") if written[0].isalpha() else ""
        whole = int({"x": "0", "y": "1", "z": "2"}.get(letter, "") + body)
        wrong = _DNI_LETTERS[(whole + draws.between(1, 22)) % 23]
        return _in_its_case(value, letter + body + wrong)
    if _CPF.fullmatch(value):
        body = draws.digits(_CPF_BODY)
        return overlay(value, body + f"{(_cpf_check(body) + draws.between(1, 99)) % 100:02}")
    if _NIR.fullmatch(value):
        body = written[0] + draws.digits(_NIR_BODY - 1)
        right = 97 - int(body) % 97
        return overlay(value, f"{body}{(right + draws.between(1, 96)) % 97 or 97:02}")
    return same_shape(value, draws)


def _cpf_check(body: str) -> int:
    digits = [int(digit) for digit in body]
    for length in (9, 10):
        total = sum(digit * (length + 1 - index) for index, digit in enumerate(digits[:length]))
        digits.append(total * 10 % 11 % 10)
    return digits[9] * 10 + digits[10]


def _in_its_case(value: str, drawn: str) -> str:
    return overlay(value, drawn.upper() if value.upper() == value else drawn)
