"""Text of others made inert where it is shown: on a terminal, in a CI's log, in Markdown.

Terminals obey escape sequences, CI runners obey lines of their own protocols (`::error::` of
GitHub, `##vso[` of Azure, `##teamcity[`), and Markdown makes links, images and HTML. Pages and
spreadsheets have rules of their own and do not come by here.
"""

import html
import re
from collections.abc import Iterable
from typing import Final

ZERO_WIDTH: Final = "\u200b"
REPLACEMENT: Final = "\ufffd"

_DRIVING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
)
"""Control characters but tab and line feed, and what reorders or hides (Boucher, Anderson 2023)."""

_COMMAND: Final = re.compile(r":(?=:[A-Za-z])|##(?=[A-Za-z]*\[)")
_COMMAND_IN_JSON: Final = re.compile(r"##(?=[A-Za-z]*\[)")
_MARKDOWN: Final = re.compile(r"([\\\[\]|])")
_LINK: Final = re.compile(r"(:(?=//)|(?<=www)\.|(?<=mailto):)", re.IGNORECASE)
_RUN_OF_BACKTICKS: Final = re.compile("`+")
_IN_JSON: Final = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def for_terminal(text: str) -> str:
    """The text as a terminal or a CI's log may show it; lines and tabs stay."""
    plain = _DRIVING.sub(REPLACEMENT, text)
    return _COMMAND.sub(lambda found: f"{found[0]}{ZERO_WIDTH}", plain)


def for_markdown(text: str) -> str:
    """The text on one line, as Markdown shows it: no link, no image, no HTML, no cell of a table.

    Emphasis and code stay possible, which our own sentences use and which change only looks.
    """
    line = " ".join(_DRIVING.sub(REPLACEMENT, text).split())
    return _MARKDOWN.sub(r"\\\1", html.escape(_LINK.sub(f"\\1{ZERO_WIDTH}", line), quote=False))


def markdown_list(sentences: Iterable[str]) -> str:
    """The sentences as a Markdown list, each inert."""
    return "\n".join(f"- {for_markdown(sentence)}" for sentence in sentences)


def fenced(text: str, *, language: str) -> str:
    """A Markdown block of code that nothing in the text can end."""
    longest = max((len(run) for run in _RUN_OF_BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{_DRIVING.sub(REPLACEMENT, text)}\n{fence}"


def for_json(text: str) -> str:
    """JSON of the same value that drives no terminal: what JSON lets stand is escaped."""
    escaped = _IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return _COMMAND_IN_JSON.sub(r"#\\u0023", escaped)
