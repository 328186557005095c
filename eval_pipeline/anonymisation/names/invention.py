"""Words that no list holds, made of the beginnings and ends of those that lists hold.

A model that has only seen listed names learns the lists; these teach it what names look like.
"""

import random
import re
from collections.abc import Sequence
from typing import Final

_PLAIN: Final = re.compile(r"[^\W\d_]{4,14}")
_VOWELS: Final = frozenset("aeiouyáàâäãåæéèêëíìîïóòôöõøúùûüý")


def invented(words: Sequence[str], *, draws: random.Random) -> str:
    """A new word from the beginning of one word and the end of another, cut at a vowel."""
    for _ in range(20):
        head, tail = draws.choice(words), draws.choice(words)
        if not (_PLAIN.fullmatch(head) and _PLAIN.fullmatch(tail)):
            continue
        cut, resume = _vowel(head, draws=draws), _vowel(tail, draws=draws)
        made = head[:cut] + tail[resume:].lower()
        if 4 <= len(made) <= 14:
            return made
    return draws.choice(words)


def _vowel(word: str, *, draws: random.Random) -> int:
    """A place before a vowel that is neither the first nor the last letter, or the middle."""
    places = [index for index in range(1, len(word) - 1) if word[index].lower() in _VOWELS]
    return draws.choice(places) if places else len(word) // 2


_CONSONANTS: Final = ("b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t",
                      "v", "w", "z", "st", "tr", "ch", "sh", "br", "cl", "qu", "x")  # fmt: skip
_BRAND_ENDS: Final = (
    "ly", "ify", "io", "ix", "ia", "ium", "eo", "zy", "ster", "loop", "hub", "labs", "ware",
    "soft", "tech", "metrics", "logic", "wise", "works", "scape", "path", "flow", "point", "cast",
    "base", "cloud", "pay", "data", "watt", "nomics", "tica", "gen", "on", "ex", "a", "is", "era",
)  # fmt: skip


def invented_brand(words: Sequence[str], *, draws: random.Random) -> str:
    """A word as new companies call themselves: syllables, or a plain word with an ending."""
    roll = draws.random()
    if roll < 0.35:
        syllables = draws.randint(1, 2)
        stem = "".join(
            draws.choice(_CONSONANTS) + draws.choice("aeiou") for _ in range(syllables)
        ) + draws.choice(("", "n", "r", "l", "s"))
        made = stem + draws.choice(_BRAND_ENDS)
    elif roll < 0.7:
        made = draws.choice(words) + draws.choice(_BRAND_ENDS)
    else:
        made = draws.choice(words) + draws.choice((str.title, str.lower))(draws.choice(words))
    return made[0].upper() + made[1:]
