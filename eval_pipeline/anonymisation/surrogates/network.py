"""Addresses of machines and pages, from the ranges set aside for documentation."""

import ipaddress
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from eval_pipeline.anonymisation.surrogates.contract import WORD, compact
from eval_pipeline.anonymisation.surrogates.draws import Draws
from eval_pipeline.anonymisation.surrogates.shapes import in_case_of, overlay, same_shape

DOCUMENTATION_DOMAINS: Final = ("example.com", "example.net", "example.org")
"""RFC 2606, section 3."""

_IPV4_NETWORKS: Final = ("192.0.2.", "198.51.100.", "203.0.113.")  # RFC 5737
_IPV6_NETWORK: Final = int(ipaddress.IPv6Address("2001:db8::"))  # RFC 3849
_IPV6_BLOCKS: Final = 6
_HARDWARE: Final = "00005e0053"  # RFC 7042, section 2.1.2
_HARDWARE_LENGTH: Final = 12
_UUID_LENGTH: Final = 32
_IP: Final = re.compile(r"(?P<address>[0-9A-Fa-f:.]+)(?P<rest>(?:/[0-9]{1,3}|:[0-9]{1,5})?)")
_EXPLODED: Final = re.compile(r"[0-9A-Fa-f]{4}(?::[0-9A-Fa-f]{4}){7}")
_AT: Final = re.compile(r"@|\s+(?:at|\(at\)|\[at\])\s+", re.IGNORECASE)
_SPELT_DOT: Final = re.compile(r"\s+(?:dot|\(dot\)|\[dot\])\s+", re.IGNORECASE)
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_STRUCTURAL: Final = frozenset(
    {
        "api", "v1", "v2", "v3", "www", "users", "user", "u", "profile", "profiles", "people",
        "members", "member", "accounts", "account", "customers", "customer", "patients", "patient",
        "orders", "order", "invoices", "invoice", "in", "id", "q", "query", "page", "ref", "token",
        "session", "lang", "email", "name", "search", "login", "files", "images", "product",
        "products", "item", "items", "html", "htm", "php", "pdf", "json", "utm", "source", "medium",
        "campaign", "true", "false",
    }
)  # fmt: skip
"""Words of a path or query that tell what stands beside them, and of nobody anything."""


def email(value: str, draws: Draws, *, part: Callable[[str], str]) -> str | None:
    """`part` says what stands for a word of the local part, so that names agree with the text."""
    at = _AT.search(value)
    if at is None:
        return None
    domain = documentation_domain(value[at.end() :], draws)
    if dot := _SPELT_DOT.search(value, at.end()):
        domain = domain.replace(".", dot.group())
    return handle(value[: at.start()], draws, part=part) + at.group() + domain


def handle(value: str, draws: Draws, *, part: Callable[[str], str]) -> str:
    """A user name: words by `part` in ASCII, digits redrawn, marks as they are."""
    named = _LETTERS.sub(lambda word: in_case_of(word.group(), part(word.group())), value)
    pieces = re.split(r"([^\W\d_]+)", named)
    return "".join(
        piece if _LETTERS.fullmatch(piece) else same_shape(piece, draws) for piece in pieces
    )


def documentation_domain(value: str, draws: Draws) -> str:
    """A reserved domain, in capitals if the value is; `www.` and a port stay."""
    drawn = draws.choice(DOCUMENTATION_DOMAINS)
    prefix = value[:4] if value.lower().startswith("www.") else ""
    port = re.search(r":[0-9]{1,5}$", value)
    drawn = drawn.upper() if value.isupper() else drawn
    return prefix + drawn + (port.group() if port else "")


def is_documentation(value: str) -> bool:
    """Whether it is a reserved domain or one below it."""
    folded = value.casefold()
    return any(folded == known or folded.endswith(f".{known}") for known in DOCUMENTATION_DOMAINS)


def url(value: str, draws: Draws) -> str | None:
    """Scheme and structure stay, the host is reserved, all else is redrawn."""
    schemed = value if "://" in value else f"//{value}"
    try:
        split = urlsplit(schemed)
    except ValueError:
        return None
    credentials, at, host = split.netloc.rpartition("@")
    scheme = schemed[: schemed.index("//") + 2] if "://" in value else ""
    after = schemed[schemed.index("//") + 2 + len(split.netloc) :]
    told = same_shape(credentials, draws) + at + documentation_domain(host, draws)
    return scheme + told + WORD.sub(lambda word: _url_word(word.group(), draws), after)


def _url_word(word: str, draws: Draws) -> str:
    return word if word.lower() in _STRUCTURAL else same_shape(word, draws)


def ip_address(value: str, draws: Draws) -> str | None:
    """Of the version that the value has; a prefix length or port stays."""
    match = _IP.fullmatch(value)
    candidates = (match["address"], match["address"] + match["rest"]) if match else ()
    for candidate in candidates:
        try:
            address = ipaddress.ip_address(candidate)
        except ValueError:
            continue
        return _ip(address, draws, written=candidate) + value[len(candidate) :]
    return None


def _ip(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, draws: Draws, *, written: str
) -> str:
    if address.version == 4:  # noqa: PLR2004 - the version of the protocol
        return draws.choice(_IPV4_NETWORKS) + str(draws.between(1, 254))
    low = 0
    for _ in range(_IPV6_BLOCKS):
        low = low << 16 | draws.below(2**16)
    drawn = ipaddress.IPv6Address(_IPV6_NETWORK | low)
    told = drawn.exploded if _EXPLODED.fullmatch(written) else drawn.compressed
    return in_case_of(written, told)


def mac(value: str, draws: Draws) -> str | None:
    """Separators and case stay."""
    if len(compact(value)) != _HARDWARE_LENGTH:
        return None
    drawn = f"{_HARDWARE}{draws.below(256):02x}"
    return overlay(value, drawn.upper() if value == value.upper() else drawn)


def uuid(value: str, draws: Draws) -> str | None:
    """Version 4 (RFC 9562); separators and case stay."""
    if len(compact(value)) != _UUID_LENGTH:
        return None
    drawn = [f"{draws.below(16):x}" for _ in range(_UUID_LENGTH)]
    drawn[12], drawn[16] = "4", f"{8 + draws.below(4):x}"
    told = "".join(drawn)
    return overlay(value, told.upper() if value == value.upper() else told)
