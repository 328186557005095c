"""Names under which people post: `@name`, `u/name`."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured.rule import Rule

_NAME: Final = re.compile(r"@[A-Za-z_][\w.]{0,29}(?![\w@/])", re.ASCII)
_OF_CODE: Final = frozenset(
    {"property", "staticmethod", "classmethod", "override", "dataclass", "param", "return",
     "returns", "throws", "media", "import", "keyframes", "abstractmethod", "decorator", "pytest",
     "app", "example", "deprecated", "test", "autowired", "component", "charset", "font",
     "supports", "here", "channel", "everyone", "all"}
)  # fmt: skip
"""What follows an at sign in code or calls everyone, and names nobody."""
_BEFORE_HANDLE: Final = frozenset("./@%+-$")
_COMMUNITY_NAME: Final = re.compile(r"/?u/[\w\-]{3,20}(?![\w\-/])", re.ASCII)


def _at_names(text: str, starts: Sequence[int]) -> Iterator[Span]:
    for at in starts:
        if at and (text[at - 1].isalnum() or text[at - 1] == "_" or text[at - 1] in _BEFORE_HANDLE):
            continue
        match = _NAME.match(text, at)
        if match is None:
            continue
        name = match.group().rstrip("._")
        if len(name) > 1 and name[1:].split(".")[0].lower() not in _OF_CODE:
            yield Span(at, at + len(name), "HANDLE", cued=True, rule="handle: @")


def _community_names(text: str, starts: Sequence[int]) -> Iterator[Span]:
    for at in starts:
        start = at - 1 if at and text[at - 1] == "/" else at
        if start and (text[start - 1].isalnum() or text[start - 1] in "_./"):
            continue
        match = _COMMUNITY_NAME.match(text, start)
        if match is not None:
            yield Span(start, match.end(), "HANDLE", cued=True, rule="handle: u/")


HANDLE_RULES: Final = (
    Rule(literals=("@",), find=_at_names),
    Rule(literals=("u/",), find=_community_names),
)
