"""What opens a door: keys, private keys, connection strings, passwords, tokens."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured.rule import Rule
from eval_pipeline.anonymisation.structured.secret_shapes import (
    FIRST_HINTS,
    FIRST_SHAPES,
    INNER_FORMS,
    INNER_SHAPES,
)

_FIRST_SHAPE: Final = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(FIRST_SHAPES)})", re.ASCII)
_INNER_SHAPE: Final = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(INNER_SHAPES)})", re.ASCII)


def _keys_at(text: str, starts: Sequence[int]) -> Iterator[Span]:
    reached = 0
    for start in starts:
        match = _FIRST_SHAPE.match(text, start) if start >= reached else None
        if match is not None:
            reached = match.end()
            yield Span(start, reached, "SECRET", cued=True, rule="secret: key shape")


def _keys(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in _INNER_SHAPE.finditer(text):
        yield Span(match.start(), match.end(), "SECRET", cued=True, rule="secret: key shape")


_PEM: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}-----")


def _private_keys(text: str, starts: Sequence[int]) -> Iterator[Span]:
    reached = 0
    for begin in starts:
        if begin < reached or _PEM.match(text, begin) is None:
            continue
        end = _PEM_END.search(text, begin)
        reached = len(text) if end is None else end.end()
        yield Span(begin, reached, "SECRET", rule="secret: private key")


_SCHEME_BACKWARDS: Final = re.compile(r"[A-Za-z0-9+.\-]{2,22}")
_USER_AND_PASSWORD: Final = re.compile(
    r"://[^\s:/@\"'<>]{0,100}:[^\s@/\"'<>]{1,200}@[^\s\"'<>]{1,300}"
)
_WEBHOOK: Final = re.compile(
    r"://(?:hooks\.slack\.com/(?:services|workflows|triggers)/|(?:ptb\.|canary\.)?discord(?:app)?"
    r"\.com/api/webhooks/|[\w\-]{1,60}\.webhook\.office\.com/|hooks\.zapier\.com/hooks/"
    r"|outlook\.office\.com/webhook/|chat\.googleapis\.com/v1/spaces/|open\.feishu\.cn/open-apis/bot)"
    r"[^\s\"'<>\]\[{}]{4,500}",
    re.ASCII,
)


def _connections(text: str, starts: Sequence[int]) -> Iterator[Span]:
    for at in starts:
        match = _USER_AND_PASSWORD.match(text, at) or _WEBHOOK.match(text, at)
        if match is None:
            continue
        scheme = _SCHEME_BACKWARDS.match(text[max(0, at - 22) : at][::-1])
        if scheme is not None:
            rule = "secret: connection" if match.re is _USER_AND_PASSWORD else "secret: webhook"
            yield Span(at - scheme.end(), match.end(), "SECRET", rule=rule)


_WORDS: Final = (
    "password", "passwort", "passwd", "passphrase", "passcode", "pwd", "secret", "token",
    "credential", "bearer", "contraseña", "mot de passe", "kennwort", "clave", "key", "sessionid",
    "session_id", "session-id", "sharedaccesssignature", "pin", "otp",
)  # fmt: skip
_KINDS_OF_KEY: Final = (
    "api", "access", "private", "auth", "account", "encryption", "signing", "shared", "secret",
    "master", "license", "licence", "client", "storage",
)  # fmt: skip
_LONGEST_KIND: Final = 11
_WORD: Final = re.compile("|".join(_WORDS), re.IGNORECASE | re.ASCII)
_SHORT_WORDS: Final = frozenset({"pin", "otp"})


def _word_at(text: str, start: int) -> str | None:
    """The word for a secret that starts there, in lower case; of keys only those that open."""
    match = _WORD.match(text, start)
    if match is None:
        return None
    word = match.group().lower()
    if word == "key":
        kind = text[max(0, start - _LONGEST_KIND) : start].lower()
        kind = kind[:-1] if kind[-1:] in {"_", " ", "-"} else kind
        return word if kind.endswith(_KINDS_OF_KEY) else None
    if word in _SHORT_WORDS:
        end = start + len(word)
        if text[start - 1 : start].isalnum() or text[end : end + 1].isalnum():
            return None
    return word


_ASSIGNED: Final = re.compile(
    r"[\w.\-]{0,40}[\"']?"
    r"(?P<sign>\s{0,3}(?:=>|:=|=|:)\s{0,3}|\s{1,3}(?:is|was|ist|lautet|es|est)\s{1,3}:?|\s{1,3})"
    r"[\"']?(?P<value>[^\s\"',;<>\[\]]{4,500})"
)
_PLAIN_WORD: Final = re.compile(r"[^\W\d_]+[.!?:)]*$")
_SAID: Final = frozenset(
    {"not", "wrong", "incorrect", "expired", "invalid", "required", "missing", "correct", "valid",
     "safe", "the", "that", "this", "what", "your", "being", "been", "too", "also", "only", "very",
     "never", "still", "always", "locked", "same", "case", "weak", "short", "long", "strong",
     "changed", "reset", "secure", "ready", "needed", "sent", "used", "true", "false", "null",
     "none", "undefined", "string", "str", "str,", "falsch", "richtig", "abgelaufen", "incorrecta",
     "expired,", "****", "*****", "******", "*******", "********", "xxxx", "xxxxxxxx", "optional"}
)  # fmt: skip
"""What is said of a password rather than being one."""


def _given_values(text: str, starts: Sequence[int]) -> Iterator[Span]:
    reached = 0
    for hint in starts:
        word = _word_at(text, hint) if hint >= reached else None
        given = _ASSIGNED.match(text, hint + len(word)) if word else None
        if word and given and _is_secret(given["value"], sign=given["sign"].strip(), word=word):
            reached = given.end()
            yield Span(*given.span("value"), "SECRET", rule="secret: given to a name")


def _is_secret(value: str, *, sign: str, word: str) -> bool:
    """A mere word is taken for a secret only where the text says outright that it is one."""
    plain = _PLAIN_WORD.match(value) is not None
    said = value.strip(".!?:)").lower() in _SAID
    if word in _SHORT_WORDS:
        return sign != "" and value.strip(".!?:)").isdecimal()
    if sign in {"=", ":=", "=>"}:
        return not said
    if sign.rstrip(" :") in {"is", "was", "ist", "lautet", "es", "est"}:
        return not said and (
            word.startswith(("pass", "contra", "kenn", "clave", "mot")) or not plain
        )
    if sign == ":":
        return not plain and not said
    return word == "bearer" and not plain and len(value) >= 16  # noqa: PLR2004


_HEADER: Final = re.compile(
    r"(?:authorization|x-[a-z\-]{2,30}-(?:key|token))[\"']?\s?[:=]\s?[\"']?"
    r"(?P<value>(?:(?:basic|bearer|digest|token|apikey|aws4-hmac-sha256)\s{1,2})?"
    r"[A-Za-z0-9+/=_.\-~%:&!$|]{6,4000})"
    r"|(?:set-)?cookie[\"']?\s?[:=]\s?[\"']?"
    r"(?P<pairs>[\w.\-%]{1,60}=[^\s;\"']{4,2000}(?:;\s?[\w.\-%]{1,60}=[^\s;\"']{0,2000}){0,40})",
    re.IGNORECASE | re.ASCII,
)


def _headers(text: str, starts: Sequence[int]) -> Iterator[Span]:
    for start in starts:
        match = _HEADER.match(text, start)
        if match is not None:
            group = "value" if match["value"] is not None else "pairs"
            if not _PLAIN_WORD.fullmatch(match[group]):
                yield Span(*match.span(group), "SECRET", rule="secret: header")


SECRET_RULES: Final = (
    Rule(literals=FIRST_HINTS, find=_keys_at, needs=r"[a-z0-9_$.-]{15}"),
    Rule(pattern=INNER_FORMS, find=_keys, needs=r"[a-z0-9_$.~:-]{25}"),
    Rule(literals=("-----begin",), find=_private_keys),
    Rule(literals=("://",), find=_connections),
    Rule(literals=_WORDS, find=_given_values),
    Rule(literals=("authorization", "cookie", "set-cookie", "x-"), find=_headers),
)
