r"""Paths to fields inside records: `messages[].content`; a dot inside a key is `\.`."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from eval_pipeline.adapters.text_files.failures import AnonymiseRequestError

Step = str | None
"""A key, or None for every element of a list."""
Path = tuple[Step, ...]

_PART: Final = re.compile(r"((?:\\.|[^.\[\]\\])*)((?:\[\])*)(\.|$)", re.DOTALL)
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]{0,39}")
_SHOWN: Final = 200


def parse_path(text: str, *, option: str) -> Path:
    """The path's steps; raises `AnonymiseRequestError` where it cannot be one."""
    steps: list[Step] = []
    position = 0
    while position <= len(text):
        part = _PART.match(text, position)
        key = re.sub(r"\\(.)", r"\1", part[1]) if part else ""
        if part is None or (not key and (position or not part[2])):
            raise AnonymiseRequestError(
                f"{option}: '{text}' is no path. Join keys by dots and go into lists by [], "
                "as in messages[].content. Nothing was read."
            )
        steps += [key] if key else []
        steps += [None] * (len(part[2]) // 2)
        position = part.end()
        if not part[3]:
            break
    return tuple(steps)


def spelt(path: Sequence[Step]) -> str:
    """The path as `parse_path` reads it."""
    pieces: list[str] = []
    for step in path:
        if step is None:
            pieces.append("[]")
        else:
            escaped = re.sub(r"([.\[\]\\])", r"\\\1", step)
            pieces.append(f".{escaped}" if pieces else escaped)
    return "".join(pieces)


def value_at(record: Any, path: Sequence[Step]) -> Any:
    """What stands at a path without lists; None where there is nothing."""
    for step in path:
        if not isinstance(record, dict) or step not in record:
            return None
        record = record[step]
    return record


@dataclass
class FieldChoice:
    """Which fields are scanned: all, or those at and under the chosen paths; remembers the seen."""

    chosen: tuple[Path, ...] = ()
    seen: set[Path] = field(default_factory=set)

    def visit(self, path: Path) -> bool:
        """Whether what stands at the path is scanned; a chosen path counts as seen from now on."""
        if not self.chosen:
            return True
        for wanted in self.chosen:
            if path[: len(wanted)] == wanted:
                self.seen.add(wanted)
                return True
        return False

    def leads_on(self, path: Path) -> bool:
        """Whether a chosen path lies under this one."""
        return any(wanted[: len(path)] == path for wanted in self.chosen)


@dataclass
class FieldNames:
    """Names of fields for a report: what might be personal data in a key is shown as `*`."""

    personal: Any
    _names: dict[Path, str] = field(default_factory=dict)

    def of(self, path: Path) -> str:
        """The field's name; the whole record is `(record)`, one field too many `(others)`."""
        name = self._names.get(path)
        if name is None:
            name = self._name(path) if len(self._names) < _SHOWN else "(others)"
            if len(self._names) < _SHOWN:
                self._names[path] = name
        return name

    def _name(self, path: Path) -> str:
        steps: Iterable[Step] = (
            step if step is None or self._is_plain(step) else "*" for step in path
        )
        return spelt(tuple(steps)) or "(record)"

    def _is_plain(self, key: str) -> bool:
        return _PLAIN_KEY.fullmatch(key) is not None and not self.personal(key)
