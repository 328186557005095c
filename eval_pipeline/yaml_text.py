"""YAML and other text that somebody wrote by hand, read within bounds.

A few lines of YAML can stand for billions of values, by anchors that repeat anchors. So the text is
first read as a stream of events, whose values are counted as if every alias were written out, and
built only if that is no more than any configuration holds. The attack is known as "billion laughs"
(CVE-2003-1564).
"""

import itertools
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError, YAMLWarning
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    Event,
    ScalarEvent,
)

LARGEST_BYTES: Final = 2**20
"""A configuration with every prompt in it is a tenth of this."""

MOST_VALUES: Final = 50_000
DEEPEST: Final = 50
LARGEST_NUMBER: Final = 2**63

_CORE_TAG: Final = "tag:yaml.org,2002:"
_CORE_KINDS: Final = frozenset({"str", "int", "float", "bool", "null", "map", "seq", "merge"})

_REPEATED_KEY: Final = re.compile(r'found duplicate key "([^"]{1,80})" with value')

Kind = Literal["rt", "safe"]


class YamlTextError(Exception):
    """The text is no YAML that may be read; `line` counts from 1, None where it is not known."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line


def read_bounded(file: Path, *, largest: int = LARGEST_BYTES) -> str:
    """The file's text; raises `OSError`, `UnicodeDecodeError`, `YamlTextError` if it is larger."""
    with file.open("rb") as opened:
        data = opened.read(largest + 1)
    if len(data) > largest:
        raise YamlTextError(f"it is larger than {largest:,} bytes")
    return data.decode("utf-8")


def parse_yaml(text: str, *, kind: Kind = "safe") -> Any:
    """The one document in the text; raises `YamlTextError`, which never quotes the text.

    `rt` gives ruamel's containers, which know their lines; `safe` gives Python's own. Keys that
    repeat, tags beyond the core ones, and whatever exceeds the bounds above are refused.
    """
    try:
        # An anchor that is named again stands for what it was last: YAML 1.2, section 7.1.
        with warnings.catch_warnings(action="ignore", category=YAMLWarning):
            _check_events(text)
            tree = YAML(typ=kind, pure=True).load(text)
    # A date that does not exist and endless nesting escape ruamel as plain Python errors.
    except (YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise _told(error) from None
    _check_numbers(tree)
    return tree


def _check_events(text: str) -> None:
    counted = _Counted()
    for event in YAML(typ="safe", pure=True).parse(text):
        counted.take(event, line=event.start_mark.line + 1)


@dataclass
class _Open:
    """A list or mapping that has begun: its anchor, what stood before it, its levels so far."""

    anchor: str | None
    before: int
    levels: int = 1


class _Counted:
    """What events would build; iteratively, so that no depth can exhaust the stack."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int]] = {}
        """Values and levels of what an anchor stands for."""
        self._open: list[_Open] = []
        self._values = 0

    def take(self, event: Event, *, line: int) -> None:
        """Counts one event; raises `YamlTextError` where a bound is passed."""
        if isinstance(event, AliasEvent):
            self._alias(event.anchor, line)
        elif isinstance(event, ScalarEvent | CollectionStartEvent):
            _check_tag(event, line)
            self._values += 1
            if isinstance(event, CollectionStartEvent):
                self._open.append(_Open(event.anchor, self._values - 1))
                self._reach(0, line)
            elif event.anchor is not None:
                self._known[event.anchor] = 1, 0
        elif isinstance(event, CollectionEndEvent):
            ended = self._open.pop()
            if ended.anchor is not None:
                self._known[ended.anchor] = self._values - ended.before, ended.levels
            self._reach(ended.levels, line)
        if self._values > MOST_VALUES:
            raise YamlTextError(f"it stands for more than {MOST_VALUES:,} values", line)

    def _alias(self, anchor: str, line: int) -> None:
        if anchor not in self._known:
            raise YamlTextError(f"the alias '*{anchor}' stands inside its own value", line)
        values, levels = self._known[anchor]
        self._values += values
        self._reach(levels, line)

    def _reach(self, levels: int, line: int) -> None:
        """What is open now holds something of so many levels."""
        if len(self._open) + levels > DEEPEST:
            raise YamlTextError(f"it is nested more than {DEEPEST} levels deep", line)
        if self._open:
            self._open[-1].levels = max(self._open[-1].levels, 1 + levels)


def _check_tag(event: ScalarEvent | CollectionStartEvent, line: int) -> None:
    tag = event.tag
    if tag is None or tag == "!":
        return
    if str(tag).removeprefix(_CORE_TAG) not in _CORE_KINDS:
        raise YamlTextError("it has a tag (`!…`), which no configuration needs", line)


def _check_numbers(tree: Any) -> None:
    pending = [tree]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending += itertools.chain(value.keys(), value.values())
        elif isinstance(value, list | tuple | set):
            pending += value
        elif isinstance(value, int) and not -LARGEST_NUMBER <= value < LARGEST_NUMBER:
            raise YamlTextError("it holds a number of more than 64 bits")


def _told(error: Exception) -> YamlTextError:
    """What is wrong and where; ruamel's own message quotes the text, which may hold a secret."""
    if isinstance(error, YamlTextError):
        return error
    mark = getattr(error, "problem_mark", None)
    line = None if mark is None else mark.line + 1
    problem = getattr(error, "problem", None)
    if isinstance(error, RecursionError):
        return YamlTextError(f"it is nested more than {DEEPEST} levels deep", line)
    if type(error).__name__ == "DuplicateKeyError":
        key = _REPEATED_KEY.match(problem or "")
        named = f"the key '{key[1]}'" if key else "a key"
        return YamlTextError(f"{named} stands twice in one mapping", line)
    if problem is None:
        return YamlTextError("it holds a date or a number that does not exist", line)
    return YamlTextError(str(problem).partition("\n")[0], line)
