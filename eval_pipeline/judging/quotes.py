"""Whether words that a model says it quotes stand in the material that it was shown."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

_LEFT_OUT: Final = re.compile(r"\[?(?:\.{3,}|\u2026)\]?")
_AROUND: Final = " \"'`\u00ab\u00bb\u2018\u2019\u201a\u201c\u201d\u201e\u2039\u203a"
_SAME: Final = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'})


def occurs(quote: str, texts: Iterable[str]) -> bool:
    """Whether one of the texts holds the quote, its parts in order where '...' leaves words out.

    Case, space, compatible letters, curly quotes and the prompt's own line marks do not count.
    Whole words only, so that '5' is not found in '15'. A quote without a letter or digit is none.
    """
    parts = [_plain(part).strip(_AROUND) for part in _LEFT_OUT.split(quote)]
    wanted = [part for part in parts if any(letter.isalnum() for letter in part)]
    if not wanted:
        return False
    patterns = [_whole(part) for part in wanted]
    return any(_in_order(patterns, _plain(text)) for text in texts)


def _in_order(patterns: Sequence[re.Pattern[str]], text: str) -> bool:
    position = 0
    for pattern in patterns:
        found = pattern.search(text, position)
        if found is None:
            return False
        position = found.end()
    return True


def _plain(text: str) -> str:
    """One line in one case; '| ' at a line's start is how the prompt marks its material."""
    unmarked = re.sub(r"(?m)^\| ", "", text)
    folded = unicodedata.normalize("NFKC", unmarked).translate(_SAME).casefold()
    return " ".join(folded.split())


def _whole(part: str) -> re.Pattern[str]:
    """Scripts without spaces between words have no whole words: only ASCII edges are bounded."""
    before = r"(?<![a-z0-9])" if part[0].isascii() and part[0].isalnum() else ""
    after = r"(?![a-z0-9])" if part[-1].isascii() and part[-1].isalnum() else ""
    return re.compile(f"{before}{re.escape(part)}{after}")
