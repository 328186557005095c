"""Changes a case by what it is made of: a value of JSON, a line of YAML, a word of text.

Blind changes of bytes break the syntax nearly always and so test little but the tokeniser.
"""

import json
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from tests.fuzz.target import Target

ODD_NUMBERS: Final = (
    0, -1, 1, 2, 1.5, -0.0, 1e308, 1e-320, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63) - 1, 2**64,
    10**30, float("inf"), float("-inf"), float("nan"), 253402300800, 1794909600,
)  # fmt: skip
ODD_TEXTS: Final = (
    "", " ", "\0", "\ud800", "\udfff", "\ufeff", "\u202e", "a\u0301", "\u0130", "\u017f", "\u212a",
    "NaN", "Infinity", "null", "true", "1", "-1", "0.5", "1e999", "{}", "[]", '{"a":1}', "[[[[",
    "2026-11-17T10:00:00Z", "2026-13-45", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "+44 20 7946 0958", "kai@example.org", "[PERSON_1]", "$.a", "a/b~c", "'; --", "{{7*7}}", "```",
    "x" * 300, "\u200b" * 20, "\U0001f469\u200d\U0001f52c", "%00", "..", "/", "\\", '"', "\r", "\n",
)  # fmt: skip
_SIMPLE: Final[tuple[Any, ...]] = (None, True, False, [], {}, [None], [[]], {"": None})
_CHANGES: Final = 4
_DEEP: Final = 30


def mutated(target: Target, data: bytes, *, chance: random.Random, most_bytes: int) -> bytes:
    """The case changed in a few places, still mostly of its format, and no longer than allowed."""
    head, rest = b"", data
    if target.variants:
        line, _, rest = data.partition(b"\n")
        if not chance.randrange(8):
            line = chance.choice(target.variants).encode()
        head = line + b"\n"
    change = _MUTATORS[target.structure]
    for _ in range(1 + chance.randrange(_CHANGES)):
        rest = change(rest, target, chance)
    return (head + rest)[:most_bytes]


def _json(data: bytes, target: Target, chance: random.Random) -> bytes:
    try:
        root = {"": json.loads(data)}
    except (ValueError, RecursionError):
        return _text(data, target, chance)
    return _changed(root, target, chance)


def _changed(root: dict[str, Any], target: Target, chance: random.Random) -> bytes:
    holder, key = _somewhere(root, chance)
    match chance.randrange(8):
        case 0:
            holder[key] = _odd(target, chance)
        case 1 if holder is not root:
            del holder[key]
        case 2:
            other, other_key = _somewhere(root, chance)
            holder[key] = json.loads(json.dumps(other[other_key]))
        case 3:
            for _ in range(1 + chance.randrange(_DEEP)):
                wrapped = holder[key]
                holder[key] = [wrapped] if chance.randrange(2) else {_word(target, chance): wrapped}
        case 4 if isinstance(holder, dict) and holder is not root:
            holder[_word(target, chance)] = holder.pop(key)
        case 5 if isinstance(holder[key], dict):
            holder[key][_word(target, chance)] = _odd(target, chance)
        case 6 if isinstance(holder[key], list):
            holder[key] += holder[key][: 1 + chance.randrange(3)] or [_odd(target, chance)]
        case 7:
            # Values that are JSON in a string, and strings that are JSON.
            holder[key] = json.dumps(holder[key])
        case _:
            holder[key] = _odd(target, chance)
    written = json.dumps(root[""], ensure_ascii=bool(chance.randrange(2)))
    return written.encode("utf-8", "surrogatepass")


def _somewhere(root: dict[str, Any], chance: random.Random) -> tuple[Any, Any]:
    holder: Any = root
    key: Any = ""
    while isinstance(holder[key], dict | list) and holder[key] and chance.randrange(5):
        holder = holder[key]
        keys: Sequence[Any] = list(holder) if isinstance(holder, dict) else range(len(holder))
        key = chance.choice(keys)
    return holder, key


def _odd(target: Target, chance: random.Random) -> Any:
    match chance.randrange(4):
        case 0:
            return chance.choice(ODD_NUMBERS)
        case 1:
            return chance.choice(ODD_TEXTS)
        case 2:
            return json.loads(json.dumps(chance.choice(_SIMPLE)))
        case _:
            return _word(target, chance)


def _word(target: Target, chance: random.Random) -> str:
    return chance.choice(target.words or ODD_TEXTS)


def _json_lines(data: bytes, target: Target, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    index = chance.randrange(len(lines))
    match chance.randrange(6):
        case 0:
            lines.insert(index, lines[chance.randrange(len(lines))])
        case 1 if len(lines) > 1:
            del lines[index]
        case 2:
            lines[index] = _text(lines[index], target, chance)
        case _:
            lines[index] = _json(lines[index], target, chance)
    return b"\n".join(lines)


def _yaml(data: bytes, target: Target, chance: random.Random) -> bytes:
    lines = data.split(b"\n")
    index = chance.randrange(len(lines))
    line = lines[index]
    match chance.randrange(8):
        case 0:
            lines.insert(index, lines[chance.randrange(len(lines))])
        case 1 if len(lines) > 1:
            del lines[index]
        case 2:
            lines[index] = b"  " + line
        case 3:
            lines[index] = line.removeprefix(b"  ")
        case 4 if b":" in line:
            key = line.partition(b":")[0]
            value = chance.choice([*_YAML_VALUES, repr(_odd(target, chance))])
            lines[index] = key + b": " + value.encode("utf-8", "surrogatepass")
        case 5:
            indent = line[: len(line) - len(line.lstrip())]
            lines.insert(
                index, indent + _word(target, chance).encode() + b": " + _yaml_value(chance)
            )
        case _:
            lines[index] = _text(line, target, chance)
    return b"\n".join(lines)


_YAML_VALUES: Final = (
    "~", "&a [1]", "*a", "&a {b: *a}", "!!set {a, b}", "!!binary aGk=", "!!omap [a: 1]", "!x y",
    "2026-02-30", "2026-11-17", "0o17", "0x1F", "1_000", ".inf", ".nan", "|", ">-", "'", '"', "[",
    "{", "[[[[[]]]]]", "<<: *a", "? a", "- - -", "%TAG", "---", "...", "yes", "1:30", "\t",
)  # fmt: skip


def _yaml_value(chance: random.Random) -> bytes:
    return chance.choice(_YAML_VALUES).encode()


def _text(data: bytes, target: Target, chance: random.Random) -> bytes:
    begin = chance.randrange(len(data) + 1)
    end = min(len(data), begin + chance.randrange(12))
    match chance.randrange(6):
        case 0:
            new = chance.choice(ODD_TEXTS).encode("utf-8", "surrogatepass")
        case 1:
            new = data[begin:end] * chance.choice((2, 3, 10, 100))
        case 2:
            new = b""
        case 3:
            new = bytes([chance.randrange(256)])
        case _:
            new = _word(target, chance).encode("utf-8", "surrogatepass")
    return data[:begin] + new + data[end if chance.randrange(2) else begin :]


_MUTATORS: Final[dict[str, Callable[[bytes, Target, random.Random], bytes]]] = {
    "json": _json,
    "json lines": _json_lines,
    "yaml": _yaml,
    "text": _text,
}
