"""The same question in letters that few systems are tested with; placeholders stay as they are."""

from collections.abc import Callable, Mapping
from typing import Final

from eval_pipeline.truth.mutations.conversation import (
    Conversation,
    Mutated,
    outside_placeholders,
    pieces,
)
from eval_pipeline.truth.mutations.draws import Draws
from eval_pipeline.truth.mutations.written_templates import read_data

LEAST_CHANGED: Final = 4
"""Characters; a text without so many letters to change is another question, not a harder one."""
MARKS_PER_LETTER: Final = 3
_COMBINING: Final = tuple(chr(point) for point in range(0x0300, 0x0316))
_ZERO_WIDTH: Final = ("\u200b", "\u200c", "\u2060")
_OVERRIDE: Final = "\u202e"
_POP: Final = "\u202c"


def mutate(conversation: Conversation, draws: Draws, *, limit: int) -> Mutated | None:
    """The question in the first variant from a drawn one on that changes it and fits the limit."""
    room = limit - (conversation.characters - len(conversation.question))
    for name in draws.rotated(VARIANTS):
        text = _written(name, conversation.question, draws)
        if len(text) <= room and _changed(conversation.question, text) >= LEAST_CHANGED:
            return Mutated(name, conversation.asking(text))
    return None


def _written(name: str, text: str, draws: Draws) -> str:
    if name in _ALPHABETS:
        return outside_placeholders(text, lambda piece: piece.translate(_ALPHABETS[name]))
    return _WRITERS[name](text, draws)


def _changed(before: str, after: str) -> int:
    """Places that differ, or characters that came in."""
    places = sum(one != other for one, other in zip(before, after, strict=False))
    return max(places, len(after) - len(before))


def _zalgo(text: str, draws: Draws) -> str:
    def marked(letter: str) -> str:
        if not letter.isalpha():
            return letter
        return letter + "".join(
            draws.choice(_COMBINING) for _ in range(1 + draws.below(MARKS_PER_LETTER))
        )

    return outside_placeholders(text, lambda piece: "".join(marked(letter) for letter in piece))


def _zero_width(text: str, draws: Draws) -> str:
    def widened(piece: str) -> str:
        return "".join(
            f"{letter}{draws.choice(_ZERO_WIDTH)}" if letter.isalpha() else letter
            for letter in piece
        )

    return outside_placeholders(text, widened)


def _right_to_left(text: str, draws: Draws) -> str:
    """Every line in reverse order under an override, so that it reads forwards on a screen."""
    del draws
    return "\n".join(
        f"{_OVERRIDE}{_reversed(line)}{_POP}" if line.strip() else line for line in text.split("\n")
    )


def _upside_down(text: str, draws: Draws) -> str:
    del draws
    turned = outside_placeholders(
        text, lambda piece: piece.lower().translate(_table("upside_down"))
    )
    return "\n".join(_reversed(line) for line in turned.split("\n"))


def _reversed(line: str) -> str:
    return "".join(piece if whole else piece[::-1] for piece, whole in reversed([*pieces(line)]))


def _mixed_scripts(text: str, draws: Draws) -> str:
    """Word by word in another alphabet, now and then in its own."""
    tables: list[Mapping[int, str]] = [_ALPHABETS[name] for name in _ALPHABETS]
    tables.append({})

    def mixed(piece: str) -> str:
        return " ".join(word.translate(draws.choice(tables)) for word in piece.split(" "))

    return outside_placeholders(text, mixed)


def _table(name: str) -> dict[int, str]:
    alphabet: dict[str, str] = read_data("odd_scripts")[name]
    pairs = zip(alphabet["plain"], alphabet["odd"], strict=True)
    return {ord(plain): odd for plain, odd in pairs}


_DERIVED: Final = frozenset({"upside_down"})
"""Alphabets that turn the order of the letters too."""
_ALPHABETS: Final[dict[str, dict[int, str]]] = {
    name: _table(name) for name in read_data("odd_scripts") if name not in _DERIVED
}
_WRITERS: Final[dict[str, Callable[[str, Draws], str]]] = {
    "zalgo": _zalgo,
    "zero_width": _zero_width,
    "right_to_left": _right_to_left,
    "upside_down": _upside_down,
    "mixed_scripts": _mixed_scripts,
}
VARIANTS: Final = (*_ALPHABETS, *_WRITERS)
