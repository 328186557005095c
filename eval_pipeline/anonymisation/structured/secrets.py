"""E-mail addresses, IP addresses, URLs that say who, and secrets."""

import ipaddress
import re
from collections.abc import Iterator
from typing import Final

from eval_pipeline.anonymisation.spans import Span

_EMAIL: Final = re.compile(
    r"(?<![\w.%+\-])[\w%+](?:[\w.%+'\-]{0,62}[\w%+\-])?@(?:[\w\-]{1,63}\.){1,8}[^\W\d_][\w\-]{0,61}[^\W_]"
)
_SPELT_EMAIL: Final = re.compile(
    r"(?<!\w)[\w.+\-]{2,64}\s{1,3}(?:at|\(at\)|\[at\])\s{1,3}(?:[\w\-]{2,40}\s{1,3}"
    r"(?:dot|\(dot\)|\[dot\])\s{1,3}){1,3}(?:com|org|net|edu|gov|io|co|uk|de|fr|es|it|eu)\b",
    re.IGNORECASE,
)


def emails(text: str) -> Iterator[Span]:
    """Addresses as written, and as spelt out to escape a machine."""
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield Span(match.start(), match.end(), "EMAIL")
    if "dot" in text.lower():
        for match in _SPELT_EMAIL.finditer(text):
            yield Span(match.start(), match.end(), "EMAIL")


_OCTET: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = re.compile(rf"(?<![\w.]){_OCTET}(?:\.{_OCTET}){{3}}(?!\w|\.[0-9])", re.ASCII)
_IPV6: Final = re.compile(r"(?<![\w:])[0-9A-Fa-f:]{2,39}(?:\.[0-9.]{5,11})?(?![\w:])", re.ASCII)
_LEAST_COLONS: Final = 2
_LEAST_HEXADECIMAL: Final = 4


def ip_addresses(text: str) -> Iterator[Span]:
    """IPv4 and IPv6, the latter checked by the standard library."""
    if text.count(".") >= 3:  # noqa: PLR2004 - the dots of an address
        for match in _IPV4.finditer(text):
            yield Span(match.start(), match.end(), "IP")
    if text.count(":") >= _LEAST_COLONS:
        for match in _IPV6.finditer(text):
            if _is_ipv6(match.group()):
                yield Span(match.start(), match.end(), "IP")


def _is_ipv6(candidate: str) -> bool:
    digits = sum(character not in ":." for character in candidate)
    if candidate.count(":") < _LEAST_COLONS or digits < _LEAST_HEXADECIMAL:
        return False
    try:
        ipaddress.IPv6Address(candidate)
    except ValueError:
        return False
    return True


_URL: Final = re.compile(r"(?<!\w)(?:https?://|www\.)[^\s<>\"'\[\]{}|\\^`]{3,2000}", re.IGNORECASE)
_TELLING_URL: Final = re.compile(
    r"//[^/\s]{1,200}@|\?[^\s]*=|#[^\s]*=|/~|/@|%40|"
    r"/(?:users?|u|profiles?|people|members?|accounts?|in|customers?|patients?|orders?|invoices?)/"
    r"[^\s/]",
    re.IGNORECASE,
)


def urls(text: str) -> Iterator[Span]:
    """URLs with a query, a user or a personal path, whole; a plain address of a page stays."""
    if "://" not in text and "www." not in text.lower():
        return
    for match in _URL.finditer(text):
        found = match.group().rstrip(".,;:!?)")
        if _TELLING_URL.search(found):
            yield Span(match.start(), match.start() + len(found), "URL")


_KEY_SHAPES: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-[A-Za-z0-9_\-]{16,200}|(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{10,200}"
    r"|gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_\w{22,255}|glpat-[\w\-]{20,100}"
    r"|xox[abeoprs]-[\w\-]{10,250}|xapp-[\w\-]{10,250}|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}"
    r"|AIza[\w\-]{30,40}|ya29\.[\w\-]{20,400}|SG\.[\w\-]{16,64}\.[\w\-]{16,64}"
    r"|npm_[A-Za-z0-9]{30,40}|pypi-[\w\-]{40,250}|hf_[A-Za-z0-9]{30,40}"
    r"|shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}|dop_v1_[a-f0-9]{64}|hv[sb]\.[\w\-]{20,200}"
    r"|key-[0-9a-f]{32}|(?:AC|SK)[0-9a-f]{32}|sq0(?:atp|csp)-[\w\-]{20,60}"
    r"|eyJ[\w\-]{8,4000}\.[\w\-]{8,8000}(?:\.[\w\-]{0,4000})?"
    r")",
    re.ASCII,
)
_KEY_HINTS: Final = (
    "sk-", "sk_", "pk_", "rk_", "gh", "glpat", "xox", "xapp", "AKIA", "ASIA", "ABIA", "ACCA",
    "AIza", "ya29", "SG.", "npm_", "pypi-", "hf_", "shp", "dop_", "hvs", "hvb", "key-", "AC", "SK",
    "sq0", "eyJ",
)  # fmt: skip
_PEM: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}-----")
_CONNECTION: Final = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.\-]{1,20}://[^\s:/@\"'<>]{0,100}:[^\s@/\"'<>]{1,200}"
    r"@[^\s\"'<>]{1,300}"
)
_SECRET_WORD: Final = re.compile(
    r"password|passwd|passphrase|passcode|pwd|secret|token|credential|bearer"
    r"|(?:api|access|private|auth|account|encryption|signing)[_ \-]?key",
    re.IGNORECASE,
)
_SECRET_HINTS: Final = ("pass", "pwd", "secret", "token", "credential", "bearer", "key")
_ASSIGNED: Final = re.compile(
    r"[\w.\-]{0,40}[\"']?(?P<sign>\s{0,3}(?:=>|:=|=|:)\s{0,3}|\s{1,3}(?:is|was)\s{1,3}:?|\s{1,3})"
    r"[\"']?(?P<value>[^\s\"',;<>\[\]]{4,500})"
)
_PLAIN_WORD: Final = re.compile(r"[^\W\d_]+[.!?:)]*$")
_SAID: Final = frozenset(
    {"not", "wrong", "incorrect", "expired", "invalid", "required", "missing", "correct", "valid",
     "safe", "the", "that", "this", "what", "your", "being", "been", "too", "also", "only", "very",
     "never", "still", "always", "locked", "same", "case", "weak", "short", "long", "strong",
     "changed", "reset", "secure", "ready", "needed", "sent", "used"}
)  # fmt: skip
"""What is said of a password rather than being one."""


def secrets(text: str) -> Iterator[Span]:
    """Keys by their providers' shapes, private keys, connection strings, values given to names."""
    if any(hint in text for hint in _KEY_HINTS):
        for match in _KEY_SHAPES.finditer(text):
            yield Span(match.start(), match.end(), "SECRET", cued=True)
    if "-----BEGIN" in text:
        yield from _private_keys(text)
    if "://" in text and "@" in text:
        for match in _CONNECTION.finditer(text):
            yield Span(match.start(), match.end(), "SECRET")
    lowered = text.lower()
    if not any(hint in lowered for hint in _SECRET_HINTS):
        return
    for word in _SECRET_WORD.finditer(text):
        given = _ASSIGNED.match(text, word.end())
        if given and _is_secret(given["value"], sign=given["sign"].strip(), word=word.group()):
            yield Span(given.start("value"), given.end("value"), "SECRET")


def _private_keys(text: str) -> Iterator[Span]:
    position = 0
    while (start := _PEM.search(text, position)) is not None:
        end = _PEM_END.search(text, start.end())
        position = len(text) if end is None else end.end()
        yield Span(start.start(), position, "SECRET")


def _is_secret(value: str, *, sign: str, word: str) -> bool:
    """A mere word is taken for a secret only where the text says outright that it is one."""
    plain = _PLAIN_WORD.match(value) is not None
    said = value.strip(".!?:)").lower() in _SAID
    if sign in {"=", ":=", "=>"}:
        return not said
    if sign in {"is", "was", "is :", "is:"}:
        return not said and (word.lower().startswith("pass") or not plain)
    if sign == ":":
        return not plain
    return word.lower() == "bearer" and not plain and len(value) >= 16  # noqa: PLR2004
