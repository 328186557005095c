"""Addresses of machines and identifiers that machines hand out: IP, MAC, UUID."""

import ipaddress
import re
from collections.abc import Iterator, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured.rule import DIGIT, Rule

_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = re.compile(rf"[0-9](?<![\w.][0-9])[0-9]{{0,2}}(?:\.{_OCTET}){{3}}(?!\w|\.[0-9])")
_LARGEST_OCTET: Final = 255
_VERSION_BEFORE: Final = re.compile(r"(?:\bversions?|\brelease|\bv\.?|§)\s?$", re.IGNORECASE)
_COLONS: Final = re.compile(r":[0-9A-Fa-f]{0,4}:")
_IPV6_BACKWARDS: Final = re.compile(r"[0-9A-Fa-f:]{0,39}")
_IPV6_REST: Final = re.compile(r"[0-9A-Fa-f:]{1,45}(?:\.[0-9.]{5,11})?(?!\w|:[0-9A-Fa-f:])")
_LEAST_COLONS: Final = 2
_MOST_COLONS: Final = 8
"""Of an address in full with a port behind it."""
_LEAST_HEXADECIMAL: Final = 4


def _ipv4(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in _IPV4.finditer(text):
        if int(match.group().split(".", 1)[0]) > _LARGEST_OCTET:
            continue
        if not _VERSION_BEFORE.search(text, max(0, match.start() - 12), match.start()):
            yield Span(match.start(), match.end(), "IP", rule="ip: v4")


def _ipv6(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    position = 0
    while (colons := _COLONS.search(text, position)) is not None:
        at = colons.start()
        back = _IPV6_BACKWARDS.match(text[max(position, at - 39) : at][::-1])
        start = at - (back.end() if back else 0)
        rest = _IPV6_REST.match(text, at)
        position = rest.end() if rest else colons.end() - 1
        if rest is None or (start and (text[start - 1].isalnum() or text[start - 1] == "_")):
            continue
        found = text[start : rest.end()]
        if found.endswith(":") and not found.endswith("::"):
            found = found[:-1]
        if _is_ipv6(found) or (
            found.count(":") == _MOST_COLONS and _is_ipv6(found.rsplit(":", 1)[0])
        ):
            yield Span(start, start + len(found), "IP", rule="ip: v6")


def _is_ipv6(candidate: str) -> bool:
    digits = sum(character not in ":." for character in candidate)
    if candidate.count(":") < _LEAST_COLONS or digits < _LEAST_HEXADECIMAL:
        return False
    try:
        ipaddress.IPv6Address(candidate)
    except ValueError:
        return False
    return True


_MAC: Final = re.compile(
    r"[0-9A-Fa-f](?<![\w:\-][0-9A-Fa-f])(?:[0-9A-Fa-f]([:\-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}"
    r"|[0-9A-Fa-f]{3}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})(?![\w\-]|:\w)"
)


def _macs(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in _MAC.finditer(text):
        yield Span(match.start(), match.end(), "MAC", rule="mac")


_UUID: Final = re.compile(
    r"[0-9A-Fa-f](?<![0-9A-Za-z][0-9A-Fa-f])[0-9A-Fa-f]{7}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Za-z])"
)


def _uuids(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in _UUID.finditer(text):
        yield Span(match.start(), match.end(), "UUID", cued=True, rule="uuid")


IP_RULES: Final = (
    Rule(
        pattern=r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]", find=_ipv4, needs=DIGIT, near_digits=True
    ),
    Rule(pattern=r":(?:[0-9a-f]{1,4}:[0-9a-f]{1,4}:[0-9a-f]{1,4}:|:)", find=_ipv6),
)
MAC_RULES: Final = (
    Rule(
        pattern=r"[:-][0-9a-f]{2}[:-][0-9a-f]{2}[:-][0-9a-f]{2}[:-][0-9a-f]{2}[:-]"
        r"|\.[0-9a-f]{4}\.[0-9a-f]{4}",
        find=_macs,
    ),
)
UUID_RULES: Final = (Rule(pattern=r"-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-", find=_uuids),)
