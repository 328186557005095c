"""What the scorers share: how a text is normalised, and what becomes of an unusable reference."""

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from typing import Final

from eval_pipeline.ports import Score, ScoreRequest

NO_REFERENCE: Final = "no_reference"
DECIMALS: Final = 12
"""Scores of real numbers are rounded to so many, so that equal inputs give equal bytes."""

Compare = Callable[[str, str], float | None]


def against_reference(
    requests: Sequence[ScoreRequest], compare: Compare, *, scorer: str
) -> list[Score]:
    """One score per request; `compare` returns null where it cannot read the reference."""
    return [_compared(request, compare, scorer) for request in requests]


def _compared(request: ScoreRequest, compare: Compare, scorer: str) -> Score:
    if request.reference_response is None:
        return Score(None, NO_REFERENCE, scorer)
    value = compare(request.response, request.reference_response)
    return Score(value, NO_REFERENCE if value is None else None, scorer)


def in_bounds(value: float, *, pass_at_least: float | None = None) -> float:
    """The value cut to 0 to 1 and rounded, or whether it reaches the threshold."""
    cut = round(min(1.0, max(0.0, value)), DECIMALS)
    return cut if pass_at_least is None else float(cut >= pass_at_least)


def one_spaced(text: str) -> str:
    """Case folded, every run of white space one space, none around."""
    return " ".join(text.casefold().split())


def normal_form(text: str, *, punctuation: bool, articles: Collection[str]) -> str:
    """NFKC, case folded, one-spaced; without punctuation and articles where these do not count.

    After SQuAD's evaluation script, which drops both. Folding may undo a normal form, so it is
    taken again after it.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if not punctuation:
        folded = "".join(" " if _is_punctuation(each) else each for each in folded)
    dropped = {one_spaced(article) for article in articles}
    return " ".join(word for word in folded.split() if word not in dropped)


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character).startswith("P")


def first_match(pattern: re.Pattern[str], text: str) -> str | None:
    """The first group of the first match, or the whole match; null where nothing matches."""
    found = pattern.search(text)
    if found is None:
        return None
    return found.group(1) if pattern.groups else found.group(0)
