"""Input as it arrives when something broke on the way: cut, garbled, doubled, half marked up."""

import re
from collections.abc import Callable
from typing import Final

from eval_pipeline.truth.mutations.conversation import (
    Conversation,
    Mutated,
    cut_before,
    outside_placeholders,
    pieces,
)
from eval_pipeline.truth.mutations.draws import Draws
from eval_pipeline.truth.mutations.written_templates import WrittenTemplate, templates_of

_TYPESET: Final = str.maketrans({"'": "\u2019", '"': "\u201c", "-": "\u2013", "?": "\u2026?"})
_OPENERS: Final = "({\"'\u201c\u00ab"
_NEIGHBOURS: Final = {
    letter: row[max(0, place - 1) : place] + row[place + 1 : place + 2]
    for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm")
    for place, letter in enumerate(row)
}
_KEYS: Final = "asdfghjklqwertyuiopzxcvbnm"


def mutate(conversation: Conversation, draws: Draws, *, limit: int) -> Mutated | None:
    """The question broken in the first way from a drawn one on that changes it and fits."""
    room = limit - (conversation.characters - len(conversation.question))
    for name in draws.rotated(VARIANTS):
        text = _WAYS[name](conversation.question, draws)
        if text.strip() and text != conversation.question and len(text) <= room:
            return Mutated(name, conversation.asking(text))
    return None


def _cut_mid_word(text: str, draws: Draws) -> str:
    """Somewhere in the second half, inside a word."""
    inside = [
        place
        for place in range(len(text) // 2, len(text))
        if place and text[place - 1].isalpha() and text[place].isalpha()
    ]
    return cut_before(text, draws.choice(inside)).rstrip() if inside else text


def _unbalanced(text: str, draws: Draws) -> str:
    """Quotes and brackets that open before words and never close."""

    def opened(piece: str) -> str:
        return re.sub(
            r"(?<!\S)(?=\w)",
            lambda _: draws.choice(_OPENERS) if draws.below(2) else "",
            piece,
        )

    return draws.choice(_OPENERS) + outside_placeholders(text, opened)


def _mojibake(text: str, draws: Draws) -> str:
    """UTF-8 read as Windows-1252; what is plain ASCII is typeset first, so there is a trace."""
    del draws

    def misread(piece: str) -> str:
        return piece.translate(_TYPESET).encode().decode("cp1252", errors="replace")

    return outside_placeholders(text, misread)


def _keyboard_noise(text: str, draws: Draws) -> str:
    def struck(piece: str) -> str:
        return "".join(_struck(letter, draws) for letter in piece)

    burst = "".join(draws.choice(_KEYS) for _ in range(6 + draws.below(8)))
    return f"{outside_placeholders(text, struck)} {burst}"


def _struck(letter: str, draws: Draws) -> str:
    neighbours = _NEIGHBOURS.get(letter.lower(), "")
    if not neighbours or draws.below(4):
        return letter
    return letter + draws.choice(neighbours) if draws.below(2) else draws.choice(neighbours)


def _doubled(text: str, draws: Draws) -> str:
    """Every word two to four times."""
    return " ".join(" ".join([word] * (2 + draws.below(3))) for word in re.findall(r"\S+", text))


def _punctuation_remnant(text: str, draws: Draws) -> str:
    """What is left when every letter and digit is lost; placeholders are lost with them."""
    del draws
    kept = "".join(" " if whole else re.sub(r"\w", "", piece) for piece, whole in pieces(text))
    return " ".join(kept.split()) or "??"


def _written(template: WrittenTemplate) -> Callable[[str, Draws], str]:
    return lambda text, draws: template.around(text, payload=_cut_mid_word(text, draws))


_WAYS: Final[dict[str, Callable[[str, Draws], str]]] = {
    "cut_mid_word": _cut_mid_word,
    "unbalanced": _unbalanced,
    "mojibake": _mojibake,
    "keyboard_noise": _keyboard_noise,
    "doubled_words": _doubled,
    "punctuation_remnant": _punctuation_remnant,
    **{template.name: _written(template) for template in templates_of("malformed_input")},
}
VARIANTS: Final = tuple(_WAYS)
