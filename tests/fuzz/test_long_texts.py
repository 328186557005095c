"""Long texts made to cost the square of their length: each stays within a case's five seconds.

An everyday run takes shorter ones, for which the square would be seen all the same: a pattern that
backtracks once a character needs hundreds of millions of steps for 20,000 of them.
"""

import contextlib
import json
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import pytest

from eval_pipeline.adapters.providers import Answered
from eval_pipeline.adapters.text_files.field_paths import FieldChoice
from eval_pipeline.adapters.text_files.json_text import Reading, read_json
from eval_pipeline.anonymisation.anonymiser import Anonymiser
from eval_pipeline.anonymisation.structured.core import StructuredCore
from eval_pipeline.desk.text import visible_markup
from eval_pipeline.judging.material import neutralised, read_material
from eval_pipeline.judging.parsing import Unparsable, parse_refutation
from eval_pipeline.mirror.wire import completion_of
from eval_pipeline.settings import ALL_RECOGNISERS, AnonymisationSettings, Language
from eval_pipeline.yaml_text import YamlTextError, parse_yaml
from tests.fuzz.guards import within_bounds
from tests.sizes import sized

LANGUAGES: tuple[Language, ...] = ("en", "de", "fr", "es")
LONG = sized(20_000, full=1_000_000)
LONG_MASKED = sized(5_000, full=100_000)
"""The model of names reads some hundred thousand characters a second."""

PARTS = (
    "1", "12 ", "1-", "1.", "a", "a.", "a@", "@", "a@a.", "+1 ", "(1) ", "::", "a:", "0:", "[", "]",
    "{", '"', "'", "\\", "/", "http://", "www.a.", "a-", "A", "Aa ", "A. ", "O'", "%4", "%40", "=",
    "key=", "key: ", "password ", "Bearer ", "-----BEGIN ", "-----BEGIN RSA PRIVATE KEY-----",
    "eyJ",
    "eyJa.", "sk-", "I'm ", "aged ", "born on ", "12 Main ", "12 Main Street, ", "PO Box ", "u/",
    "Calle de ", "rue de la ", "stra\xdfe ", "lives at ", "Jan 1, ", "1/2/", "2026-", "40.7, ",
    "lat: 4", "\xb0", "zip ", "[PERSON_1]", "[PERSON_",
    "\n", " ", "\t", "\xa0", "e\u0301",
    "\u200b",
    "\ud800", "1 2 3 4 ", "GB82 ", "4111 ", "\\u0041", "\\n", "dot ", "(at) ", '"name": "',
    "de la ",
    '"name":{', '{"a":', "'name': '", "twenty-", "twenty one ", "years old ", "Dr. ", "von ", "a,",
    "Maria ", "kai@example.org ", "<", "&", "</response", "<\u200b", "```", "|", "\r\n",
)  # fmt: skip


@cache
def _core(engine: Literal["auto", "re"]) -> StructuredCore:
    return StructuredCore(ALL_RECOGNISERS, languages=LANGUAGES, engine=engine)


@cache
def _anonymiser() -> Anonymiser:
    return Anonymiser(AnonymisationSettings(languages=("en",)), key=b"fuzz")


READERS: dict[str, Callable[[str], Any]] = {
    "recognisers": lambda text: list(_core("auto").find(text)),
    "recognisers by re": lambda text: list(_core("re").find(text)),
    "material": neutralised,
    "read material": read_material,
    "page": visible_markup,
    "refuter": parse_refutation,
    "fenced refuter": lambda text: parse_refutation(f"```json\n{text}"),
}


@pytest.mark.parametrize("reader", READERS)
def test_no_repeated_part_costs_a_reader_the_square_of_its_length(reader: str) -> None:
    read = READERS[reader]
    for part in PARTS:
        text = part * (LONG // len(part))
        with within_bounds():
            read(text)
        with within_bounds():
            read(f"x {text}!")


def test_no_repeated_part_costs_the_anonymiser_the_square_of_its_length() -> None:
    _anonymiser().mask_text("Maria Lopez")
    for part in PARTS:
        with within_bounds():
            _anonymiser().mask_text(part * (LONG_MASKED // len(part)))


@pytest.mark.parametrize("shape", ["[{}]", '{{"a": [{}]}}', '"{}"'])
def test_a_long_json_text_is_read_in_one_go(shape: str) -> None:
    inner = ",".join(['"x"', "1.5", "{}"] * (LONG // 8))
    text = shape.format(inner if "[" in shape else "\\u0041" * (LONG // 6))
    found: list[Any] = []
    with within_bounds():
        document = read_json(text, Reading(lambda key: None, FieldChoice(())), found=found)
        assert document.masked([one.text for one in found], found) == text


def test_a_stream_of_many_calls_is_put_together_in_one_go() -> None:
    # 40,000 pieces of 100 characters: adding each to what was there copies 80 GB.
    pieces = 40_000
    calls = [{"index": 0, "function": {"name": "f", "arguments": "x" * 100}}]
    event = f"data: {json.dumps({'choices': [{'index': 0, 'delta': {'tool_calls': calls}}]})}\n\n"
    with within_bounds():
        told = completion_of(event.encode() * pieces, content_type="text/event-stream", encoding="")
    assert told is not None
    function = told["choices"][0]["message"]["tool_calls"][0]["function"]
    assert function == {"name": "f" * pieces, "arguments": "x" * 100 * pieces}


@pytest.mark.parametrize("part", ["a: 1\n", "- a\n", "*a ", "&a ", "# a\n", "'", "? ", "!x "])
def test_a_long_configuration_is_read_or_refused_in_time(part: str) -> None:
    text = part * (sized(2_000, full=5_000) // len(part))
    with within_bounds(), contextlib.suppress(YamlTextError):
        parse_yaml(text, kind="rt")


def test_what_is_long_and_no_answer_is_none() -> None:
    for text in ("{" * LONG, '{"quote": "' + "x" * LONG, "```" * LONG, Answered.__name__ * LONG):
        with within_bounds():
            assert isinstance(parse_refutation(text), Unparsable)
