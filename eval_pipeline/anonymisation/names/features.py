"""What the model of names sees of each token: of itself, of its neighbours, of pairs of them.

After Finkel, Grenager and Manning (2005) and Ratinov and Roth (2009): word, shape, affixes and
gazetteers in a window of five. Every feature belongs to one word at one offset, or to one of a few
kinds of pairs, so that a model's weights can be summed per word once and looked up afterwards.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from eval_pipeline.anonymisation.names.lexicon import Lexicon, Listed
from eval_pipeline.anonymisation.names.word_classes import UNSEEN, familiarity, shape_of

OFFSETS: Final = (-2, -1, 0, 1, 2)
EDGE: Final = "\x02"
"""Stands for what lies before the first and after the last token."""

CASES: Final = ("lower", "upper", "title", "mixed")
LEAST_WORDS: Final = 2
"""A line of fewer words with letters says nothing of its case."""

_NUMBER: Final = "0"
_LINE_BREAK: Final = "\u00b6"
_AFFIX: Final = 4
_LONGEST_TOLD: Final = 12


class WordView:
    """What features are made of, for one spelling of one word.

    `folded` is the word case-folded, all numbers of as many digits being one word; `shape` and
    `familiarity` as `word_classes` tells them; `case` one letter: l(ower), C(apital), U(pper) or -
    for any other shape; `attributes` the features' names that it lends to the token at each offset.
    """

    __slots__ = ("attributes", "case", "familiarity", "folded", "shape")

    def __init__(self, word: str, *, lexicon: Lexicon) -> None:
        folded = word.casefold()
        listed, band = lexicon.lists_of(folded), lexicon.band(folded)
        self.shape = "edge" if word == EDGE else shape_of(word)
        self.familiarity = UNSEEN if word == EDGE else familiarity(listed, band=band)
        self.folded = _as_one(folded, shape=self.shape)
        self.case = _CASE_LETTERS.get(self.shape, "-")
        self.attributes = {
            offset: tuple(_attributes(self, listed=listed, band=band, offset=offset))
            for offset in OFFSETS
        }


_CASE_LETTERS: Final = {"lower": "l", "Capital": "C", "CAPITAL": "U"}


def _as_one(folded: str, *, shape: str) -> str:
    """One spelling for all numbers of as many digits, all placeholders of a kind, line breaks."""
    if shape[0] == "1":
        return _NUMBER * len(shape)
    if shape == "placeholder":
        return folded.rstrip("]_0123456789") + "]"
    return _LINE_BREAK if shape == "newline" else folded


def _attributes(view: WordView, *, listed: Listed, band: int, offset: int) -> Iterator[str]:
    """The names of the features that this word lends to the token `offset` before it."""
    at = f"{offset}:"
    yield f"{at}w={view.folded}"
    yield f"{at}s={view.shape}"
    yield f"{at}k={view.familiarity}"
    letters = view.case != "-" or view.shape in {"X.x", "MixedCase"}
    if abs(offset) <= 1 and letters:
        yield f"{at}x3={view.folded[-3:]}"
    for flag in Listed:
        if flag in listed:
            yield f"{at}f={flag.name}"
    if offset != 0:
        return
    yield f"ks={view.familiarity}|{view.shape}"
    yield f"b={band}|{view.shape}"
    for flag in Listed:
        if flag in listed:
            yield f"fs={flag.name}|{view.shape}"
            yield f"fb={flag.name}|{band}"
    if letters:
        for length in range(1, _AFFIX + 1):
            yield f"p={view.folded[:length]}"
            yield f"x={view.folded[-length:]}"
        yield f"l={min(len(view.folded), _LONGEST_TOLD)}"


def pair_attributes(views: Sequence[WordView], index: int, *, case: str) -> Iterator[str]:
    """The names of the features of pairs around the token; `views` has two edges on both sides."""
    before2, before, here, after, after2 = views[index - 2 : index + 3]
    yield f"ss={before.shape}|{here.shape}"
    yield f"s+={here.shape}|{after.shape}"
    yield f"kk={before.familiarity}|{here.familiarity}"
    yield f"k+={here.familiarity}|{after.familiarity}"
    yield f"ww={before2.folded}|{before.folded}"
    yield f"w+={after.folded}|{after2.folded}"
    yield f"wk={before.folded}|{here.familiarity}{here.case}"
    yield f"k+w={here.familiarity}{here.case}|{after.folded}"
    yield f"c={case}|{here.familiarity}|{here.shape}"


def cases_of(words: Sequence[str]) -> list[str]:
    """How each word's line is written: lower, upper, title or mixed; shapes tell less in the first.

    Judged by the line's words of two letters and more; fewer than two such words say nothing.
    """
    cases: list[str] = []
    start = 0
    for index, word in enumerate(words):
        if word == "\n":
            cases += [_case_of_line(words[start:index])] * (index - start) + ["mixed"]
            start = index + 1
    return cases + [_case_of_line(words[start:])] * (len(words) - start)


def _case_of_line(words: Sequence[str]) -> str:
    flags = [case_flags(word) for word in words]
    letters, lower, upper = (sum(flag[place] for flag in flags) for place in range(3))
    if letters < LEAST_WORDS:
        return "mixed"
    if lower == letters:
        return "lower"
    if upper * 4 >= letters * 3:
        return "upper"
    return "title" if lower * 4 <= letters else "mixed"


def case_flags(word: str) -> tuple[bool, bool, bool]:
    """Whether the word has two letters and more, and then: begins lower case, is all upper case."""
    telling = len(word) > 1 and word[0].isalpha()
    return telling, telling and word[0].islower(), telling and word.isupper()


def attributes_of(words: Sequence[str], *, lexicon: Lexicon) -> list[list[str]]:
    """The names of every token's features, as training sees them."""
    view_of = lru_cache(maxsize=None)(lambda word: WordView(word, lexicon=lexicon))
    edges = [view_of(EDGE)] * 2
    views = [*edges, *(view_of(word) for word in words), *edges]
    cases = cases_of(words)
    found = []
    for index, case in enumerate(cases, start=2):
        names = [name for offset in OFFSETS for name in views[index + offset].attributes[offset]]
        names.extend(pair_attributes(views, index, case=case))
        found.append(names)
    return found
