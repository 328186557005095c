import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.anonymisation.structured.core import StructuredCore
from eval_pipeline.anonymisation.structured.secret_shapes import FIRST_SHAPES, INNER_SHAPES

CORE = StructuredCore(("secret",), engine="re")


@pytest.mark.parametrize("shape", [*FIRST_SHAPES, *INNER_SHAPES])
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_every_key_of_every_known_shape_passes_the_gate(shape: str, data: st.DataObject) -> None:
    key = data.draw(st.from_regex(re.compile(shape, re.ASCII), fullmatch=True))
    text = f"it is {key} there"
    masked = set[int]()
    for span in CORE.find(text):
        masked.update(range(span.start, span.end))
    assert masked.issuperset(range(6, 6 + len(key)))


def test_prose_about_secrets_holds_none() -> None:
    draws = random.Random(7)
    words = [
        "the",
        "password",
        "token",
        "key",
        "secret",
        "reset",
        "is",
        "was",
        "expired",
        "wrong",
        "please",
        "tell",
        "me",
        "how",
        "to",
        "change",
        "my",
        "of",
        "a",
        "an",
        "api",
        "bearer",
        "credential",
        "account",
        "access",
        "private",
        "policy",
        "works",
        "again",
        "today",
        "pin",
        "code",
    ]
    for _ in range(2_000):
        text = " ".join(draws.choices(words, k=12)).replace("password is", "password, it is")
        text = re.sub(r"\b(password) was", r"\1 that was", text)
        assert CORE.find(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "password: [SECRET_1]",
        "the secret: be kind",
        "token expired; token=null; key = none",
        "keyboard: 42-key; monkey: bananas",
        "http://example.com:8080/path@home",
        "BEGIN CERTIFICATE",
        "Authorization: required",
        "cookie: chocolate",
    ],
)
def test_words_for_secrets_without_one_are_left(text: str) -> None:
    assert CORE.find(text) == []
