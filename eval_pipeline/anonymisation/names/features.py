"""What the model of names sees of each token: of itself, of its neighbours, of pairs of them.

After Finkel, Grenager and Manning (2005) and Ratinov and Roth (2009): word, shape, affixes and
gazetteers in a window of five. Every feature belongs to one word at one offset, or to one of a few
kinds of pairs, so that a model's weights can be summed per word once and looked up afterwards.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from eval_pipeline.anonymisation.names.lexicon import Known, Lexicon
from eval_pipeline.anonymisation.names.word_classes import LISTS, classes_of, kind_of

OFFSETS: Final = (-2, -1, 0, 1, 2)
EDGE: Final = "\x02"
"""Stands for what lies before the first and after the last token."""

CASES: Final = ("lower", "upper", "title", "mixed")
LEAST_WORDS: Final = 2
"""A line of fewer words with letters says nothing of its case."""

NUMBER_WORD: Final = "0"
LINE_BREAK: Final = "\u00b6"
_AFFIX: Final = 4


class WordView:
    """What features are made of, for one spelling of one word."""

    __slots__ = ("attributes", "case", "folded", "kind", "shape")

    def __init__(self, word: str, *, lexicon: Lexicon) -> None:
        if word == EDGE:
            self.folded, self.shape, known, band = EDGE, "edge", Known.NOTHING, 0
            self.kind = 0
        else:
            self.folded, self.shape, known, band = classes_of(word, lexicon=lexicon)
            self.kind = kind_of(known, band=band)
            if self.shape[0] == "1":
                self.folded = NUMBER_WORD * len(self.shape)
            elif self.shape == "placeholder":
                self.folded = self.folded.rstrip("]_0123456789") + "]"
            elif word == "\n":
                self.folded = LINE_BREAK
        self.case = _case(self.shape)
        self.attributes = {
            offset: tuple(_attributes(self, known=known, band=band, offset=offset))
            for offset in OFFSETS
        }


def _case(shape: str) -> str:
    if shape in {"lower", "Capital", "CAPITAL"}:
        return shape[0] if shape != "CAPITAL" else "U"
    return "-"


def _attributes(view: WordView, *, known: Known, band: int, offset: int) -> Iterator[str]:
    """The names of the features that this word lends to the token `offset` before it."""
    at = f"{offset}:"
    yield f"{at}w={view.folded}"
    yield f"{at}s={view.shape}"
    yield f"{at}k={view.kind}"
    letters = view.case != "-" or view.shape in {"X.x", "MixedCase"}
    if abs(offset) <= 1 and letters:
        yield f"{at}x3={view.folded[-3:]}"
    for flag in LISTS:
        if flag in known:
            yield f"{at}f={flag.name}"
    if offset != 0:
        return
    yield f"ks={view.kind}|{view.shape}"
    yield f"b={band}|{view.shape}"
    for flag in LISTS:
        if flag in known:
            yield f"fs={flag.name}|{view.shape}"
            yield f"fb={flag.name}|{band}"
    if letters:
        for length in range(1, _AFFIX + 1):
            yield f"p={view.folded[:length]}"
            yield f"x={view.folded[-length:]}"
        yield f"l={min(len(view.folded), 12)}"


def pair_attributes(views: Sequence[WordView], index: int, *, case: str) -> Iterator[str]:
    """The names of the features of pairs around the token; `views` has two edges on both sides."""
    before2, before, here, after, after2 = views[index - 2 : index + 3]
    yield f"ss={before.shape}|{here.shape}"
    yield f"s+={here.shape}|{after.shape}"
    yield f"kk={before.kind}|{here.kind}"
    yield f"k+={here.kind}|{after.kind}"
    yield f"ww={before2.folded}|{before.folded}"
    yield f"w+={after.folded}|{after2.folded}"
    yield f"wk={before.folded}|{here.kind}{here.case}"
    yield f"k+w={here.kind}{here.case}|{after.folded}"
    yield f"c={case}|{here.kind}|{here.shape}"


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
