"""Words that no list holds, made of the beginnings and ends of those that lists hold.

A model that has only seen listed names learns the lists; these teach it what names look like.
"""

import random
import re
from collections.abc import Callable, Sequence
from typing import Final

from eval_pipeline.anonymisation.names.ways import EVERY, Ways, way_of
from eval_pipeline.anonymisation.names.word_lists import entries

_PLAIN: Final = re.compile(r"[^\W\d_]{4,14}")
_LENGTHS: Final = range(4, 15)
_TRIES: Final = 20
_VOWELS: Final = frozenset("aeiouyáàâäãåæéèêëíìîïóòôöõøúùûüý")


def invented(words: Sequence[str], *, draws: random.Random) -> str:
    """A new word from the beginning of one word and the end of another, cut at a vowel.

    One of the words themselves where twenty tries give nothing of 4 to 14 letters.
    """
    for _ in range(_TRIES):
        head, tail = draws.choice(words), draws.choice(words)
        if not (_PLAIN.fullmatch(head) and _PLAIN.fullmatch(tail)):
            continue
        cut, resume = _vowel(head, draws=draws), _vowel(tail, draws=draws)
        made = head[:cut] + tail[resume:].lower()
        if len(made) in _LENGTHS:
            return made
    return draws.choice(words)


def _vowel(word: str, *, draws: random.Random) -> int:
    """A place before a vowel that is neither the first nor the last letter, or the middle."""
    places = [index for index in range(1, len(word) - 1) if word[index].lower() in _VOWELS]
    return draws.choice(places) if places else len(word) // 2


def invented_brand(words: Sequence[str], *, draws: random.Random) -> str:
    """A word as new companies call themselves: syllables, or plain words with an ending."""
    made = way_of(draws.random(), _BRANDS)(words, draws)
    return made[0].upper() + made[1:]


def _of_syllables(_: Sequence[str], draws: random.Random) -> str:
    starts = entries("brand_syllables")
    syllables = draws.randint(1, 2)
    stem = "".join(draws.choice(starts) + draws.choice("aeiou") for _ in range(syllables))
    return stem + draws.choice(("", "n", "r", "l", "s")) + draws.choice(entries("brand_endings"))


def _of_a_word(words: Sequence[str], draws: random.Random) -> str:
    return draws.choice(words) + draws.choice(entries("brand_endings"))


def _of_two_words(words: Sequence[str], draws: random.Random) -> str:
    return draws.choice(words) + draws.choice((str.title, str.lower))(draws.choice(words))


_BRANDS: Final[Ways[Callable[[Sequence[str], random.Random], str]]] = (
    (0.35, _of_syllables),
    (0.7, _of_a_word),
    (EVERY, _of_two_words),
)
