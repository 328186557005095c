"""Values redrawn character by character: the shape stays, nothing of what it says does."""

import re
from collections.abc import Iterable
from string import ascii_lowercase, ascii_uppercase, digits, hexdigits
from typing import Final

from eval_pipeline.anonymisation.surrogates.draws import Draws

_HEXADECIMAL_LETTERS: Final = "abcdef"
_LEAST_HEXADECIMAL: Final = 16
_PREFIX: Final = re.compile(
    r"sk-(?:proj-|ant-|or-)?|(?:sk|pk|rk)_(?:live|test)_|gh[pousr]_|github_pat_|glpat-|xox[abeoprs]-"
    r"|xapp-|(?:AKIA|ASIA|ABIA|ACCA)(?=[A-Z0-9]{16}$)|AIza|ya29\.|SG\.|npm_|pypi-|hf_"
    r"|shp(?:at|ca|pa|ss)_|dop_v1_|hv[sb]\.|key-(?=[0-9a-f]{32}$)|(?:AC|SK)(?=[0-9a-f]{32}$)"
    r"|sq0(?:atp|csp)-|eyJ(?=[\w\-]+\.)",
    re.ASCII,
)
_ARMOUR: Final = re.compile(r"-----(?:BEGIN|END) [A-Z0-9 ]{0,40}-----")


def same_shape(value: str, draws: Draws) -> str:
    """Each letter by an ASCII letter of its case, each digit by a digit, never by itself."""
    return "".join(_other(character, draws) for character in value)


def secret(value: str, draws: Draws) -> str:
    """Prefix of the provider, armour, length and classes of characters stay; the rest is drawn."""
    pieces: list[str] = []
    position = 0
    for match in _ARMOUR.finditer(value):
        pieces += [_body(value[position : match.start()], draws), match.group()]
        position = match.end()
    if not pieces and (prefix := _PREFIX.match(value)) is not None:
        pieces, position = [prefix.group()], prefix.end()
    return "".join([*pieces, _body(value[position:], draws)])


def _body(value: str, draws: Draws) -> str:
    held = {character for character in value if character.isalnum()}
    upper = value == value.upper()
    mixed = not upper and value != value.lower()
    if len(value) < _LEAST_HEXADECIMAL or mixed or not held <= set(hexdigits):
        return same_shape(value, draws)
    alphabet = digits + (_HEXADECIMAL_LETTERS.upper() if upper else _HEXADECIMAL_LETTERS)
    return "".join(
        _unlike(character, alphabet, draws) if character.isalnum() else character
        for character in value
    )


def _other(character: str, draws: Draws) -> str:
    if character.isdigit():
        return _unlike(character, digits, draws)
    if character.isalnum():
        return _unlike(
            character, ascii_uppercase if character.isupper() else ascii_lowercase, draws
        )
    return character


def _unlike(character: str, alphabet: str, draws: Draws) -> str:
    """One draw, whatever the character: spellings of one value take the same draws."""
    drawn = draws.below(len(alphabet) - 1)
    at = alphabet.find(character)
    return alphabet[drawn + (at >= 0 and drawn >= at)]


def in_case_of(original: str, replacement: str) -> str:
    """The replacement in lower case, capitals or with a capital, as the original is written."""
    if original.islower():
        return replacement.lower()
    if original.isupper() and sum(character.isalpha() for character in original) > 1:
        return replacement.upper()
    if original[:1].isupper():
        return replacement[:1].upper() + replacement[1:]
    return replacement


def overlay(value: str, drawn: Iterable[str]) -> str:
    """The letters and digits of `value` replaced one by one; what groups them stays."""
    rest = iter(drawn)
    return "".join(next(rest) if character.isalnum() else character for character in value)
