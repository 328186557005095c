"""What a rule of the structured core is: what must stand in a text, and who looks closer then."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from eval_pipeline.anonymisation.spans import Span

Finder = Callable[[str, Sequence[int]], Iterable[Span]]
"""Looks at a text, given where the rule's literals start in it (ascending, each start once)."""

REACH: Final = 20
DIGIT: Final = "[0-9]"


@dataclass(frozen=True)
class Rule:
    """Runs `find` on a text only if one of its triggers stands there.

    `literals` are found in any case of their ASCII letters, and their places are told. `pattern`
    is a regular expression over one byte per character that need only be there; it tells no place
    and, written in lower case, is met in any case unless `cased`. Both see Latin-1, with `?` for
    every other character, so a trigger that must let those through says so.

    `needs` is a pattern without which nothing is ever found, quick to look for; `near_digits` says
    that all of a match of `pattern` lies within `REACH` characters of a digit. Neither changes what
    is found: they spare work where there is no Hyperscan.
    """

    literals: tuple[str, ...] = ()
    pattern: str | None = None
    find: Finder = lambda _text, _starts: ()
    cased: bool = False
    needs: str = ""
    near_digits: bool = False
