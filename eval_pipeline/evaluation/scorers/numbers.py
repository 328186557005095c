"""Numbers in texts, compared within a tolerance."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from eval_pipeline.evaluation.scorers.comparing import against_reference, first_match
from eval_pipeline.ports import Score, ScoreRequest
from eval_pipeline.settings import NumericScoring

MOST_EXPONENT_DIGITS: Final = 3
LONGEST_NUMBER: Final = 400
_HUNDRED: Final = Decimal(100)
_SPACES: Final = "'\u2019\u00a0\u2009\u202f"
_MINUS: Final = str.maketrans({"\u2212": "-", "\u2013": "-"})


def numeric_scores(requests: Sequence[ScoreRequest], scoring: NumericScoring) -> list[Score]:
    """1 within the larger of both tolerances, else 0; 0 where the response has no number.

    A reference without a number, as read by the same rule, leaves nothing to compare with.
    """
    absolute = Decimal(str(scoring.absolute_tolerance))
    relative = Decimal(str(scoring.relative_tolerance))

    def close(response: str, reference: str) -> float | None:
        expected = number_in(reference, scoring)
        if expected is None:
            return None
        found = number_in(response, scoring)
        if found is None:
            return 0.0
        return float(abs(found - expected) <= max(absolute, relative * abs(expected)))

    return against_reference(requests, close, scorer=scoring.scorer)


def number_in(text: str, scoring: NumericScoring) -> Decimal | None:
    """The first or last number of the text, or of what the pattern finds; null if there is none.

    Digits in groups of three after a comma (or a point), an apostrophe or a narrow or hard space
    are one number; an ordinary space parts numbers. Digits inside of a word are none, and more
    than 400 characters are none either.
    """
    if scoring.pattern is not None:
        part = first_match(re.compile(scoring.pattern), text)
        if part is None:
            return None
        text = part
    found = list(_numbers(decimal_comma=scoring.decimal_comma).finditer(text.translate(_MINUS)))
    if not found:
        return None
    return _value(found[0 if scoring.number == "first" else -1], scoring)


def _numbers(*, decimal_comma: bool) -> re.Pattern[str]:
    mark, separators = (",", "." + _SPACES) if decimal_comma else (r"\.", "," + _SPACES)
    separator = f"[{re.escape(separators)}]"
    return re.compile(
        rf"(?<!\w)(?<!\d{mark})(?P<sign>[-+]?)(?:\s?[^\w\s.,+-]\s?)?(?P<inner>[-+]?)"
        rf"(?:(?P<whole>\d{{1,3}}(?:{separator}\d{{3}})+(?!\d)|\d+)(?P<part>{mark}\d+)?"
        rf"|(?<!{mark})(?P<bare>{mark}\d+))"
        rf"(?P<exponent>[eE][-+]?\d{{1,{MOST_EXPONENT_DIGITS}}}(?!\w))?(?P<percent>\s?%)?"
    )


def _value(found: re.Match[str], scoring: NumericScoring) -> Decimal | None:
    if len(found[0]) > LONGEST_NUMBER:
        return None
    whole = re.sub(r"\D", "", found["whole"] or "0")
    part = (found["part"] or found["bare"] or ".0")[1:]
    negative = "-" in (found["sign"], found["inner"])
    value = Decimal(f"{'-' if negative else ''}{whole}.{part}{found['exponent'] or ''}")
    return value / _HUNDRED if scoring.percent_as_share and found["percent"] else value
