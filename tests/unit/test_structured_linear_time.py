import time

import pytest

from eval_pipeline.anonymisation.structured.core import StructuredCore
from eval_pipeline.settings import ALL_RECOGNISERS
from tests.sizes import sized

CORE = StructuredCore(ALL_RECOGNISERS, languages=("en", "de", "fr", "es"), engine="re")
UNITS = (
    "a", "1", "@", "a@", "a@a.", "1 ", "1-", "1.", "1:", "a:", "::", "f:", ".com", "a.com ", "a.",
    "a.in/", "asp.net/", "http://", "x://", "www.", "://a:", "-----BEGIN RSA PRIVATE KEY-----",
    "password=", "password ", "token: ", "key ", "eyJ", "-eyJ", "-eyJaaaaaaaa.", "sk-a", "-us1",
    "A1", "GB82 ", "DE89", "12 Main ", "1 a ", "1 A ", "Street ", "5 Aa Street ", "Calle A",
    "utca ", "A A A utca ", "box 1 ", "may ", "12 may ", "may 1 ", "monday ", "mon, ", "1999 ",
    "in 1999-",
    "(1999", "born ", "born on the ", "I'm 4", "aged 4", "4 y", "turned 1", "1/1/", "2020-01-01 ",
    "1.234, ", "40\u00b0 1' ", "lat: 1", "passport ", "passport number is ", "AB 12 34 ",
    "address: 1 a", "lives at 1 a ", "zip code ", "SW1A ", "AB12345 ", " dot ", " at a dot ",
    "a (at) ", "u/", "x-a-", "authorization: ", "cookie: a=", "\u00e9", "\ud800", "(", "+", "+(",
    "[", "\n", "\t", "'", '"', "a-", "twenty-one years ", "\u0130", "\u212a",
)  # fmt: skip
CHARACTERS = sized(15_000, full=55_000)
"""Of each; at the full size five million in all."""


def seconds(text: str) -> float:
    started = time.process_time()
    CORE.find(text)
    return time.process_time() - started


@pytest.mark.slow
@pytest.mark.no_cover
def test_repetition_takes_seconds_and_grows_in_line() -> None:
    CORE.find(" ".join(UNITS))
    total = 0.0
    for unit in UNITS:
        longer = seconds(unit * (CHARACTERS // len(unit)))
        total += longer
        if longer > 0.05:
            # Thrice the text takes thrice the time; quadratic work would take nine times as much.
            # The quickest of three against the slowest: the machine's load is not the claim.
            longer = min(seconds(unit * (CHARACTERS // len(unit))) for _ in range(3))
            shorter = max(seconds(unit * (CHARACTERS // len(unit) // 3)) for _ in range(3))
            assert longer < 7 * shorter + 0.02, unit
    assert len(UNITS) * CHARACTERS > 1_300_000
    assert total < 30
