"""Check rules of national identity numbers, each by the publication of the state that issues it."""

import datetime as dt
import re
from typing import Final

from eval_pipeline.anonymisation.structured.check_digits import is_luhn, is_mod_11_10, weighted


def is_date(year: int, month: int, day: int) -> bool:
    """Whether the calendar has such a day."""
    try:
        dt.date(year, month, day)
    except ValueError:
        return False
    return True


def is_us(digits: str) -> bool:
    """US social security number, or taxpayer's (ITIN, from 900)."""
    if digits[0] == "9":
        return digits[3:5] >= "50" and digits[5:] != "0000"
    return digits[:3] not in {"000", "666"} and digits[3:5] != "00" and digits[5:] != "0000"


_DNI_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"


def is_dni(value: str) -> bool:
    """Spanish DNI (eight digits and a letter) or NIE (X, Y or Z, seven digits and a letter)."""
    compact = value.replace("-", "").replace(" ", "").upper()
    foreign = {"X": "0", "Y": "1", "Z": "2"}.get(compact[0], "")
    number = foreign + compact[1 if foreign else 0 : -1]
    return len(number) == 8 and _DNI_LETTERS[int(number) % 23] == compact[-1]  # noqa: PLR2004


def is_cpf(digits: str) -> bool:
    """Brazilian CPF of eleven digits."""
    for length in (9, 10):
        total = weighted(digits, range(length + 1, 1, -1)[:length])
        if total * 10 % 11 % 10 != int(digits[length]):
            return False
    return len(set(digits)) > 1


def is_nir(digits: str) -> bool:
    """French NIR of fifteen digits: sex, year, month, place, order, key."""
    month = int(digits[3:5])
    return (
        digits[0] in "123478"
        and (1 <= month <= 12 or 20 <= month <= 42 or month >= 50)  # noqa: PLR2004 - its table
        and 97 - int(digits[:13]) % 97 == int(digits[13:])
    )


def is_steuer_id(digits: str) -> bool:
    """German Steuer-ID: of its first ten digits one comes twice or three times."""
    counts = [digits[:10].count(digit) for digit in set(digits[:10])]
    repeated = sorted(count for count in counts if count > 1)
    return digits[0] != "0" and repeated in ([2], [3]) and is_mod_11_10(digits)


_PESEL_CENTURIES: Final = {80: 1800, 0: 1900, 20: 2000, 40: 2100, 60: 2200}


def is_pesel(digits: str) -> bool:
    """Polish PESEL: date of birth with the century in the month, order, check digit."""
    month = int(digits[2:4])
    century = _PESEL_CENTURIES[month // 20 * 20]
    total = weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1))
    return total % 10 == 0 and is_date(century + int(digits[:2]), month % 20, int(digits[4:6]))


def is_bsn(digits: str) -> bool:
    """Dutch BSN by its test of eleven."""
    return weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and len(set(digits)) > 1


def is_nhs(digits: str) -> bool:
    """British NHS number of ten digits."""
    check = 11 - weighted(digits, range(10, 1, -1)) % 11
    return check % 11 == int(digits[9]) and check != 10 and len(set(digits)) > 1  # noqa: PLR2004


def is_personnummer(digits: str) -> bool:
    """Swedish personnummer of ten or twelve digits; days above 60 are co-ordination numbers."""
    short = digits[-10:]
    day = int(short[4:6])
    year = int(digits[:4]) if len(digits) > len(short) else 2000 + int(short[:2])
    return is_luhn(short) and is_date(year, int(short[2:4]), day - 60 if day > 60 else day)  # noqa: PLR2004


def is_sin(digits: str) -> bool:
    """Canadian SIN of nine digits."""
    return digits[0] != "0" and is_luhn(digits)


_ODD: Final = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3,
         6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip


def is_codice_fiscale(value: str) -> bool:
    """Italian codice fiscale of sixteen characters, the last of them its check."""
    compact = re.sub(r"\s", "", value).upper()
    total = sum(
        int(character, 36) - (10 if character.isalpha() else 0) if index % 2 else _ODD[character]
        for index, character in enumerate(compact[:15])
    )
    return chr(65 + total % 26) == compact[15]
