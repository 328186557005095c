"""Whether digits are a telephone number in some country's plan, by the data of `phonenumbers`.

The library's own parser takes a tenth of a millisecond for each country asked; this asks its
patterns directly, compiled once.
"""

import re
from functools import cache
from typing import Any, Final

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

_REGIONS: Final = (
    "US", "GB", "DE", "FR", "ES", "IT", "AU", "IN", "BR", "NL", "SE", "CH", "PL", "AT", "BE",
    "MX", "PT", "DK", "NO", "FI", "IE", "CZ", "HU", "ZA", "NZ", "JP",
)  # fmt: skip
"""Whose national way of writing is known; written with `+`, every country's is."""

_TYPES: Final = (
    "fixed_line", "mobile", "toll_free", "shared_cost", "personal_number", "voip", "uan",
)  # fmt: skip
_LONGEST_COUNTRY_CODE: Final = 3


@cache
def _plans() -> tuple[tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]], ...]:
    """Per region: what precedes a number at home, the form of all, the form of each type."""
    plans = []
    for region in _REGIONS:
        metadata: Any = PhoneMetadata.metadata_for_region(region)
        types = [getattr(metadata, name) for name in _TYPES]
        patterns = [kind.national_number_pattern for kind in types if kind is not None]
        plans.append(
            (
                re.compile(metadata.national_prefix_for_parsing or "(?!)"),
                re.compile(metadata.general_desc.national_number_pattern),
                re.compile("|".join(f"(?:{pattern})" for pattern in patterns if pattern)),
            )
        )
    return tuple(plans)


def is_valid_somewhere(digits: str) -> bool:
    """Whether the digits, written as at home, are a number that a known country assigns."""
    for prefix, form, assigned in _plans():
        without = prefix.match(digits)
        for national in (digits, digits[without.end() :] if without else ""):
            if form.fullmatch(national) and assigned.fullmatch(national):
                return True
    return False


def is_possible_abroad(digits: str) -> bool:
    """Whether the digits after `+` start with a country's code; people mistype the rest."""
    return any(
        int(digits[:length]) in COUNTRY_CODE_TO_REGION_CODE
        for length in range(1, _LONGEST_COUNTRY_CODE + 1)
    )
