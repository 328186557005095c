"""Check digits by the schemes that several kinds of numbers share."""

from collections.abc import Sequence
from typing import Final


def is_luhn(digits: str) -> bool:
    """Whether the last digit is right by Luhn (ISO/IEC 7812-1)."""
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + index % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - the digit sum of two digits
    return total % 10 == 0


def modulo_97(compact: str) -> int:
    """The remainder of ISO 7064 mod 97-10; letters count from A = 10."""
    return int("".join(str(int(character, 36)) for character in compact)) % 97


def weighted(digits: str, weights: Sequence[int]) -> int:
    """The sum of the first digits, each times its weight."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


_DIHEDRAL: Final = tuple(
    tuple(
        (a + b) % 5 if a < 5 and b < 5  # noqa: PLR2004 - the ten symmetries of a pentagon
        else (a + b - 5) % 5 + 5 if a < 5  # noqa: PLR2004
        else (a - 5 - b) % 5 + 5 if b < 5  # noqa: PLR2004
        else (a - b) % 5
        for b in range(10)
    )
    for a in range(10)
)  # fmt: skip
_PERMUTED: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def is_verhoeff(digits: str) -> bool:
    """Whether the last digit is right by Verhoeff (1969)."""
    check = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit)
        for _ in range(position % 8):
            value = _PERMUTED[value]
        check = _DIHEDRAL[check][value]
    return check == 0


def is_mod_11_10(digits: str) -> bool:
    """Whether the last digit is right by ISO 7064, MOD 11,10."""
    product = 10
    for digit in digits[:-1]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[-1])
