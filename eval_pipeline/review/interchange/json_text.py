"""JSON from strangers: a value, or why there is none."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class NotJson:
    """Why a text holds no value that can be used; it quotes nothing."""

    problem: str


def read_json(text: str) -> Any | NotJson:
    """The value of a JSON text; anything but JSON, and nesting without end, is told as such."""
    try:
        return json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        return NotJson(f"not JSON (line {error.lineno}, column {error.colno})")
    except ValueError:
        return NotJson("not JSON: it holds a number that JSON does not have")
    except RecursionError:
        return NotJson("not JSON that anybody wrote: it is nested too deeply")


def without_mark(text: str) -> str:
    """The text without the byte order mark that some programs begin a file with."""
    return text.removeprefix("\ufeff")


def _no_number(_name: str) -> Any:
    raise ValueError
