"""Values under sensitive keys in JSON text, at any depth of escaping, in place."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span

_KINDS: Final = (
    ("email", "EMAIL"), ("phone", "PHONE"), ("mobile", "PHONE"), ("address", "ADDRESS"),
    ("street", "ADDRESS"), ("zip", "ADDRESS"), ("postal", "ADDRESS"), ("dob", "DATE_OF_BIRTH"),
    ("birth", "DATE_OF_BIRTH"), ("ssn", "NATIONAL_ID"), ("passport", "NATIONAL_ID"),
    ("password", "SECRET"), ("token", "SECRET"), ("secret", "SECRET"), ("api_key", "SECRET"),
    ("card", "CARD"), ("iban", "IBAN"), ("user", "USER"), ("name", "PERSON"),
)  # fmt: skip
_IDENTIFIER: Final = re.compile(r"[a-z][a-z0-9]*(?:[_.\-][a-z0-9]+)+$")
_SCALAR: Final = re.compile(r"-?[0-9][0-9.eE+\-]*")
_MARKS: Final = re.compile(r"(?P<bar>\\*)(?P<quote>[\"'])|[{}\[\]]|(?<![\w.])-?[0-9][0-9.eE+\-]*")
_COLON: Final = re.compile(r"\s{0,10}:")
_LONGEST_VALUE: Final = 20_000


def kind_of_key(key: str) -> str:
    """The placeholder's kind for a value under this key."""
    folded = key.lower().replace("-", "_")
    for part, kind in _KINDS:
        if part in folded:
            return kind
    return "VALUE"


class SensitiveKeys:
    """Finds the values of configured keys in text that holds JSON, or Python's way to print it."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._folded = frozenset(_folded(key) for key in keys)
        spelt = "|".join(
            re.escape(key).replace("_", "[_\\- ]?") for key in sorted(keys, key=len, reverse=True)
        )
        self._pattern = (
            re.compile(
                rf"(?<!\\)(?P<bar>\\{{0,15}})(?P<quote>[\"'])(?P<key>{spelt})(?P=bar)(?P=quote)"
                r"\s{0,10}:\s{0,10}",
                re.IGNORECASE,
            )
            if keys
            else None
        )

    def names(self, key: str) -> bool:
        """Whether the key is one of the sensitive ones, however it is spelt."""
        return _folded(key) in self._folded

    def find(self, text: str) -> Iterator[Span]:
        """The values under sensitive keys; of an object or list, every value inside it."""
        if self._pattern is None or ":" not in text:
            return
        reached = 0
        for match in self._pattern.finditer(text):
            if match.end() < reached:
                continue
            kind = kind_of_key(match["key"])
            spans, reached = _values(text, match, kind=kind)
            for span in spans:
                if not _is_function_name(text, span, key=match["key"]):
                    yield span


def _folded(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "").replace(" ", "")


def _is_function_name(text: str, span: Span, *, key: str) -> bool:
    """A tool call's `name` is the name of a function, which the reader of the logs needs."""
    return key.lower() == "name" and _IDENTIFIER.match(text[span.start : span.end]) is not None


def _values(text: str, key: re.Match[str], *, kind: str) -> tuple[list[Span], int]:
    """The values under a key and where reading them ended: no text is read twice."""
    start = key.end()
    for quote in ('"', "'"):
        delimiter = key["bar"] + quote
        if text.startswith(delimiter, start):
            inside = start + len(delimiter)
            end = _string_end(text, inside, delimiter=delimiter)
            return [Span(inside, end, kind, cued=True)], end
    if text[start : start + 1] in {"{", "["}:
        return _nested_values(text, start, bar=key["bar"], kind=kind)
    if (number := _SCALAR.match(text, start)) is not None:
        return [Span(number.start(), number.end(), kind, cued=True)], number.end()
    return [], start


def _string_end(text: str, start: int, *, delimiter: str) -> int:
    """Where the string that starts here ends; without a closing quote, at the line's end."""
    limit = min(len(text), start + _LONGEST_VALUE)
    # An apostrophe inside a single-quoted value is no end: a comma, colon or bracket must follow.
    follows = r"(?=\s*[,:}\]]|\s*$)" if delimiter.endswith("'") else ""
    found = re.compile(rf"(?<!\\){re.escape(delimiter)}{follows}").search(text, start, limit)
    if found is not None:
        return found.start()
    line = text.find("\n", start, limit)
    return line if line >= 0 else limit


def _nested_values(text: str, start: int, *, bar: str, kind: str) -> tuple[list[Span], int]:
    spans: list[Span] = []
    depth = 0
    position = start
    limit = min(len(text), start + _LONGEST_VALUE)
    while position < limit and (mark := _MARKS.search(text, position, limit)) is not None:
        position = mark.end()
        symbol = mark.group()
        if symbol in "{[":
            depth += 1
        elif symbol in "}]":
            depth -= 1
            if depth == 0:
                return spans, position
        elif mark["quote"] is None:
            spans.append(Span(mark.start(), mark.end(), kind, cued=True))
        elif mark["bar"] == bar:
            end = _string_end(text, position, delimiter=symbol)
            is_key = _COLON.match(text, end + len(symbol)) is not None
            if not is_key and end > position:
                spans.append(Span(position, end, kind, cued=True))
            position = end + len(symbol)
    return spans, limit
