"""Addresses of pages: with a scheme, with `www.`, or a bare domain under a known ending."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured.rule import Rule

_REST: Final = re.compile(r"[^\s<>\"'\[\]{}|\\^`\x00]+")
_SCHEME_BACKWARDS: Final = re.compile(r"[A-Za-z0-9+.\-]{1,20}")
_TRAILING: Final = ".,;:!?)*_\u2026\u3002\uff0c\u201d\u2019"


def _length(found: str) -> int:
    """Without the marks of the sentence around it; a bracket stays with the one that it closes."""
    trimmed = found.rstrip(_TRAILING)
    if "(" in trimmed and found[len(trimmed) : len(trimmed) + 1] == ")":
        return len(trimmed) + 1
    return len(trimmed)


def _with_scheme(text: str, starts: Sequence[int]) -> Iterator[Span]:
    reached = 0
    for at in starts:
        if at < reached:
            continue
        scheme = _SCHEME_BACKWARDS.match(text[max(0, at - 20) : at][::-1])
        rest = None if scheme is None else _REST.match(text, at + 3)
        if scheme is None or rest is None:
            continue
        start = max(reached, at - scheme.end())
        while start < at and not text[start].isalpha():
            start += 1
        reached = rest.end()
        end = at + 3 + _length(rest.group())
        if start < at and end > at + 3:
            yield Span(start, end, "URL", rule="url: scheme")


def _with_www(text: str, starts: Sequence[int]) -> Iterator[Span]:
    reached = 0
    for at in starts:
        if at < reached or (at and (text[at - 1].isalnum() or text[at - 1] in "_.")):
            continue
        rest = _REST.match(text, at + 4)
        if rest is not None:
            reached = rest.end()
            end = at + 4 + _length(rest.group())
            if end > at + 4:
                yield Span(at, end, "URL", rule="url: www")


_CLEAR_ENDINGS: Final = (
    "com", "org", "net", "edu", "gov", "mil", "io", "ai", "biz", "xyz", "eu", "uk", "de", "fr",
    "es", "nl", "ch", "se", "dk", "fi", "pl", "pt", "ie", "ca", "au", "nz", "jp", "cn", "kr", "br",
    "mx", "ar", "cl", "ru", "ua", "cz", "sk", "hu", "ro", "gr", "tr", "za", "sg", "hk", "tw", "il",
    "ae", "lu", "bg", "hr", "ee", "lt", "lv", "cy", "vn",
)  # fmt: skip
_WORD_ENDINGS: Final = (
    "it", "in", "me", "us", "at", "be", "no", "is", "so", "to", "si", "my", "id",
)  # fmt: skip
"""Endings that are words too: these need a path, a host of several parts, or a cue."""
_NAME_ENDINGS: Final = (
    "co", "tv", "th", "ph", "ke", "ng", "info", "app", "dev", "online", "site", "shop", "store",
    "tech", "cloud", "club", "blog", "news", "live", "health", "chat", "link", "page", "email",
    "world", "life",
)  # fmt: skip
"""Endings that names in code have too: taken after any other name."""
_OF_CODE: Final = frozenset(
    {"self", "this", "log", "logger", "logging", "console", "obj", "object", "user", "data", "item",
     "response", "request", "req", "res", "ctx", "context", "event", "window", "document", "app",
     "config", "settings", "module", "package", "node", "state", "props", "model", "client"}
)  # fmt: skip

_ENDINGS: Final = (*_CLEAR_ENDINGS, *_WORD_ENDINGS, *_NAME_ENDINGS)
_LONGEST_HOST: Final = 253
_HOST_BACKWARDS: Final = re.compile(r"[\w\-]{1,63}(?:\.[\w\-]{1,63}){0,8}")
_END_OF_HOST: Final = re.compile(r"(?![\w\-(@]|\.[\w\-])(?::[0-9]{1,5}(?![0-9]))?(?P<path>[/?#])?")
_SITE_CUE: Final = re.compile(
    r"\b(?:web ?sites?|sites?|pages?|domains?|hosts?|hostname|server|urls?|visit(?:ed|ing)?|links?"
    r"|browse|homepage|shop|store|blog|go to|went to|log ?in to|webseite|seite|sitio|página|web"
    r"|dominio|domaine)\b[^.\n]{0,12}$",
    re.IGNORECASE,
)
_NO_SITES: Final = frozenset({"asp.net", "vb.net", "ado.net", "e.g", "i.e"})


def _bare(text: str, *, dot: int, ending: str, reached: int) -> Span | None:
    bare_end = dot + 1 + len(ending)
    after = _END_OF_HOST.match(text, bare_end)
    host = _HOST_BACKWARDS.match(text[max(reached, dot - _LONGEST_HOST) : dot][::-1])
    if after is None or host is None or text[dot - 1] in "-_":
        return None
    start = dot - host.end()
    while text[start] in "-_":
        start += 1
    if start and text[start - 1] in "@.":
        return None
    name = text[start:dot].lower()
    clear = (
        ending in _CLEAR_ENDINGS
        or (ending in _NAME_ENDINGS and name not in _OF_CODE)
        or any(character in ".-0123456789" for character in name)
        or after.end() > bare_end
    )
    if not clear and not _SITE_CUE.search(text, max(0, start - 30), start):
        return None
    if f"{name}.{ending}" in _NO_SITES or not any(map(str.isalpha, name)):
        return None
    path = _REST.match(text, after.end()) if after["path"] else None
    end = path.end() if path else after.end()
    return Span(start, bare_end + _length(text[bare_end:end]), "URL", rule="url: domain")


_ENDING: Final = re.compile(
    "(?:" + "|".join(sorted(_ENDINGS, key=lambda e: (-len(e), e))) + r")"
    r"(?![A-Za-z0-9])",
    re.IGNORECASE,
)


def _domains(text: str, starts: Sequence[int]) -> Iterator[Span]:
    reached = 0
    for dot in starts:
        ending = _ENDING.match(text, dot + 1)
        if dot < reached or ending is None:
            continue
        span = _bare(text, dot=dot, ending=ending.group().lower(), reached=reached)
        if span is not None:
            reached = span.end
            yield span


URL_RULES: Final = (
    Rule(literals=("://",), find=_with_scheme),
    Rule(literals=("www.",), find=_with_www),
    Rule(
        literals=tuple(f".{ending}" for ending in _ENDINGS),
        find=_domains,
        needs=r"\.[a-z]{2}",
    ),
)
