"""The strings of a JSON text, masked where they stand: all else stays as it is, byte for byte."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from eval_pipeline.adapters.text_files.field_paths import FieldChoice, Path

_BLANK: Final = re.compile(r"[ \t\n\r]*")
_BARE: Final = re.compile(r"[^\s,\]}]+")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
FUNCTION_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[_.\-][A-Za-z0-9]+)+")
FUNCTION_KEYS: Final = frozenset({"arguments", "parameters", "input", "input_schema"})
"""Beside one of these keys `name` is the name of a function, if it looks like one."""

_FUNCTION_TYPES: Final = frozenset({"tool", "function"})
_LONG_NUMBER: Final = 7
_DEEPEST: Final = 8
_STRINGS: Final = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Found:
    """A string of a record; `whole` is the kind to mask all of it as, if its key says so."""

    text: str
    path: Path
    whole: str | None = None


@dataclass(slots=True)
class _Node:
    start: int
    end: int = 0
    text: str | None = None
    """The decoded string; None for a number, true, false, null, object or list."""
    members: list[tuple[str | None, "_Node"]] | None = None


@dataclass
class Reading:
    """How the strings of records are found: under which keys, in which fields."""

    sensitive_kind: Callable[[str], str | None]
    choice: FieldChoice
    keys: set[str] = field(default_factory=set)
    """The keys of objects met since this was last emptied."""


@dataclass(slots=True)
class JsonText:
    """A JSON text and the places in it that are to be masked."""

    text: str
    _edits: list[tuple[int, int, "int | JsonText"]] = field(default_factory=list)

    def edit(self, start: int, end: int, source: "int | JsonText") -> None:
        """Notes that a value is to be replaced; called from left to right."""
        self._edits.append((start, end, source))

    def masked(self, texts: Sequence[str], originals: Sequence[Found]) -> str:
        """The text with each found string replaced; what did not change keeps its spelling."""
        pieces = []
        position = 0
        for start, end, source in self._edits:
            written = self.text[start:end]
            if isinstance(source, JsonText):
                inner = source.masked(texts, originals)
                new = None if inner == source.text else inner
            else:
                new = None if texts[source] == originals[source].text else texts[source]
            pieces += [
                self.text[position:start],
                written if new is None else _literal(new, like=written),
            ]
            position = end
        return "".join([*pieces, self.text[position:]])


def read_json(text: str, reading: Reading, *, found: list[Found]) -> JsonText:
    """Appends the text's strings to `found`, in order, those of JSON inside strings too.

    Raises ValueError or RecursionError, which may quote the text, if it is no JSON.
    """
    _checked(text)
    whole_text = JsonText(text)
    _visit(whole_text, reading, found=found, path=(), depth=0)
    return whole_text


def read_string(
    text: str,
    reading: Reading,
    *,
    found: list[Found],
    path: Path,
    whole: str | None = None,
    depth: int = 0,
) -> JsonText | int | None:
    """A string: as the JSON that it is, or as the index of what was found; None if not chosen."""
    chosen = reading.choice.visit(path)
    if not text or not (chosen or reading.choice.leads_on(path)):
        return None
    if whole is None and depth < _DEEPEST and text.lstrip(" \t\r\n")[:1] in {"{", "[", '"'}:
        try:
            _checked(text)
        except (ValueError, RecursionError):
            pass
        else:
            inner = JsonText(text)
            _visit(inner, reading, found=found, path=path, depth=depth + 1)
            return inner
    if not chosen:
        return None
    found.append(Found(text, path, whole))
    return len(found) - 1


def plain_value(text: str) -> Any:
    """The JSON text's value, its numbers as they are written; raises as `read_json`."""
    return _checked(text)


def _checked(text: str) -> Any:
    # Numbers stay texts: Python refuses to read those of more than 4,300 digits.
    return json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str)


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("no JSON constant")


def _visit(
    document: JsonText, reading: Reading, *, found: list[Found], path: Path, depth: int
) -> None:
    pending: list[tuple[_Node, Path, str | None]] = [(_parsed(document.text), path, None)]
    while pending:
        node, at, whole = pending.pop()
        if node.members is not None:
            reading.choice.visit(at)
            pending += reversed(list(_children(node, reading, path=at, whole=whole)))
            continue
        source: JsonText | int | None = None
        if node.text is not None:
            source = read_string(node.text, reading, found=found, path=at, whole=whole, depth=depth)
        elif reading.choice.visit(at):
            written = document.text[node.start : node.end]
            if written != "null" and (whole or (depth and len(written) >= _LONG_NUMBER)):
                found.append(Found(written, at, whole))
                source = len(found) - 1
        if source is not None:
            document.edit(node.start, node.end, source)


def _children(
    node: _Node, reading: Reading, *, path: Path, whole: str | None
) -> Iterator[tuple[_Node, Path, str | None]]:
    for key, child in node.members or ():
        if key is None:
            yield child, (*path, None), whole
            continue
        reading.keys.add(key)
        kind = reading.sensitive_kind(key)
        if kind is not None and key.lower() == "name" and _names_function(node, child, path):
            kind = None
        yield child, (*path, key), kind or whole


def _names_function(node: _Node, name: _Node, path: Path) -> bool:
    """The name of a called function, which the reader of the logs needs, is nobody's name."""
    if name.text is None or FUNCTION_NAME.fullmatch(name.text) is None:
        return False
    members = {key: child for key, child in node.members or () if key is not None}
    if FUNCTION_KEYS & members.keys() or path[-1:] == ("function",):
        return True
    told = [members[key].text for key in ("role", "type") if key in members]
    return any(text in _FUNCTION_TYPES for text in told)


def _parsed(text: str) -> _Node:
    """The tree of a text that is known to be JSON; without recursion, whatever its depth."""
    root: _Node | None = None
    stack: list[_Node] = []
    key: str | None = None
    position = _blank_end(text, 0)
    while position < len(text):
        symbol = text[position]
        if symbol in "]}":
            stack.pop().end = position + 1
        if symbol in ",]}":
            position = _blank_end(text, position + 1)
            continue
        parent = stack[-1] if stack else None
        if symbol == '"' and parent is not None and text[parent.start] == "{" and key is None:
            key, position = _STRINGS.raw_decode(text, position)
            position = _blank_end(text, _blank_end(text, position) + 1)
            continue
        node = _value(text, position)
        root = root or node
        if parent is not None and parent.members is not None:
            parent.members.append((key, node))
        key = None
        if node.members is not None:
            stack.append(node)
        position = _blank_end(text, node.end or position + 1)
    if root is None:
        raise ValueError("no JSON value")
    return root


def _value(text: str, position: int) -> _Node:
    symbol = text[position]
    if symbol in "{[":
        return _Node(position, members=[])
    if symbol == '"':
        value, end = _STRINGS.raw_decode(text, position)
        return _Node(position, end, text=value)
    bare = _BARE.match(text, position)
    return _Node(position, bare.end() if bare else len(text))


def _blank_end(text: str, position: int) -> int:
    blank = _BLANK.match(text, position)
    return blank.end() if blank else position


def _literal(value: str, *, like: str) -> str:
    """The value as a JSON string, in ASCII where its place was written with escapes."""
    if "\\u" in like:
        return json.dumps(value)
    written = json.dumps(value, ensure_ascii=False)
    return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", written)
