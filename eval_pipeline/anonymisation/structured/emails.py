"""E-mail addresses as written, and as spelt out to escape a machine."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured.rule import Rule

_LONGEST_LOCAL: Final = 64
_LOCAL_BACKWARDS: Final = re.compile(r"[\w.%+'&!~^\-]{1,64}")
_NO_START: Final = ".'-&!~^"
_DOMAIN: Final = re.compile(
    r"(?:@|%40)(?:[\w\-]{1,63}\.){1,8}(?:[^\W\d_][\w\-]{0,61}[^\W_])", re.IGNORECASE
)


def _written(text: str, starts: Sequence[int]) -> Iterator[Span]:
    for at in starts:
        domain = _DOMAIN.match(text, at)
        if domain is None:
            continue
        local = _LOCAL_BACKWARDS.match(text[max(0, at - _LONGEST_LOCAL) : at][::-1])
        if local is None:
            continue
        start = at - local.end()
        while start < at and text[start] in _NO_START:
            start += 1
        if start < at:
            yield Span(start, domain.end(), "EMAIL", rule="email")


_AT: Final = r"\s{0,3}(?:[(\[{<]\s?at\s?[)\]}>]|(?<=\s)at(?=\s)|@)\s{0,3}"
_DOT: Final = r"(?:\s{0,3}[(\[{<]\s?dot\s?[)\]}>]\s{0,3}|\s{1,3}dot\s{1,3}|\.)"
_SPELT: Final = re.compile(
    rf"(?<![\w.+\-])[\w.+\-]{{1,64}}(?:\sdot\s[\w+\-]{{1,64}}){{0,3}}{_AT}"
    rf"[\w\-]{{2,40}}(?:{_DOT}[\w\-]{{2,40}}){{0,2}}{_DOT}[a-z]{{2,10}}(?!\w)",
    re.IGNORECASE,
)


def _spelt(text: str, _starts: Sequence[int]) -> Iterator[Span]:
    for match in _SPELT.finditer(text):
        found = match.group().lower()
        if "dot" in found or "at)" in found or "at]" in found:
            yield Span(match.start(), match.end(), "EMAIL", rule="email: spelt out")


EMAIL_RULES: Final = (
    Rule(literals=("@", "%40"), find=_written),
    Rule(
        pattern=r"[^a-z]dot[^a-z]|[(\[{<] ?at ?[)\]}>]",
        find=_spelt,
    ),
)
