"""Which line of a JSON Lines file breaks the contract, and how; the slow way, once it is known."""

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from eval_pipeline.evaluation.scored_trials import SCORED_TRIALS


class _RepeatedKeyError(ValueError):
    """An object names a key twice."""


def first_problem(lines: Sequence[bytes]) -> str | None:
    """A sentence on the first line at fault, by its number in the file; values are not told."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            problem = _problem(line)
            if problem:
                return f"line {number}: {problem}"
    return None


def _problem(line: bytes) -> str | None:
    try:
        row = json.loads(line.decode("utf-8-sig"), object_pairs_hook=_without_repeats)
    except UnicodeDecodeError:
        return "it is not UTF-8"
    except _RepeatedKeyError as error:
        return f"it names `{error}` twice"
    except (ValueError, RecursionError):
        return "it is not a JSON object on one line"
    if not isinstance(row, dict):
        return f"it is {_word(row)}, and must be an object"
    for name in SCORED_TRIALS:
        if name in row and row[name] is not None:
            fits, wanted = _KINDS[name]
            if not fits(row[name]):
                return f"`{name}` is {_word(row[name])}, and must be {wanted}"
    return None


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedKeyError(next(name for name in names if names.count(name) > 1))
    return row


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) or name is None for name in value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_TEXT: Final = (_is_text, "text")
_NUMBER: Final = (_is_number, "a number or null")
_WHOLE: Final = (_is_whole, "a whole number, written without a point")
_KINDS: Final[dict[str, tuple[Callable[[Any], bool], str]]] = {
    "item_id": _TEXT,
    "trial": _WHOLE,
    "score": (_is_number, "a number from 0 to 1, or null"),
    "error": (_is_text, "text or null"),
    "subsets": (_is_names, "a list of names"),
    "weight": _NUMBER,
    "cluster_id": _TEXT,
    "latency_seconds": _NUMBER,
    "input_tokens": _WHOLE,
    "output_tokens": _WHOLE,
    "cost_usd": _NUMBER,
}


_WORDS: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}


def _word(value: Any) -> str:
    return _WORDS.get(type(value), "null")
