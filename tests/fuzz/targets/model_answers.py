"""Answers of systems, the rewriter and sandboxed scorers, where a score or text is read."""

import json
import math
from dataclasses import replace
from functools import cache
from typing import Any, Final

from eval_pipeline.adapters.sandbox import _read as read_printed
from eval_pipeline.anonymisation.anonymiser import Anonymiser
from eval_pipeline.evaluation.naive.rules import filled_in, groups_found
from eval_pipeline.evaluation.scorers.entities import matched_entities
from eval_pipeline.evaluation.scorers.json_answers import (
    json_schema_scores,
    matched_fields,
    required_fields_scores,
)
from eval_pipeline.evaluation.stated_confidence import stated_confidence
from eval_pipeline.flows.rewriting import read_rewriting
from eval_pipeline.judging.material import (
    conversation_section,
    neutralised,
    read_material,
    restored,
    shown,
    text_section,
)
from eval_pipeline.ports import CallOutcome, Message, ModelCall, ModelSpec, ScoreRequest
from eval_pipeline.settings import (
    AnonymisationSettings,
    ConfidenceSettings,
    JsonSchemaScoring,
    RequiredFieldsScoring,
)
from eval_pipeline.settings.json_scorers import EntitiesScoring
from tests.fuzz.target import Target, promise, text_of, variant_of

VARIANTS: Final = ("scored", "confidence", "rewritten", "printed", "material")
SCHEMA: Final = JsonSchemaScoring.model_validate(
    {"schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}
)
REQUIRED: Final = RequiredFieldsScoring(fields=("a", "b"), types={"a": "integer"})
ENTITIES: Final = EntitiesScoring(key="found", match="overlap")
BY_FIELD: Final = ConfidenceSettings(field="a.sure", certain=100)
BY_PATTERN: Final = ConfidenceSettings.model_validate({"pattern": "sure: ([0-9.e+-]+)"})
REFERENCE: Final = '{"a": 1, "b": "x", "found": [{"type": "t", "text": "one two"}]}'
OUTCOME: Final = CallOutcome(
    ModelCall("rewrite", "s", "i", ModelSpec("p", "m"), ()),
    "answered",
    "",
    None,
    "m",
    *[None] * 7,
    1,
)
TEXT: Final = "Dear [PERSON_1], your order of [DATE_1] has been sent."


@cache
def _anonymiser() -> Anonymiser:
    settings = AnonymisationSettings.model_validate({"recognisers": ["email", "phone"]})
    return Anonymiser(settings, key=b"fuzz")


def run(data: bytes) -> object:
    """One answer, read in the variant's way."""
    variant, rest = variant_of(data, VARIANTS)
    text = text_of(rest)
    match variant:
        case "scored":
            return _scored(text)
        case "confidence":
            return _confidence(text.encode("utf-8", "replace").decode())  # as it was stored
        case "rewritten":
            return _rewritten(text)
        case "printed":
            return _printed(rest)
        case _:
            return _material(text)


def _scored(text: str) -> object:
    request = ScoreRequest("i", 1, "r", (), text, REFERENCE)
    scores = [
        *json_schema_scores([request], SCHEMA),
        *required_fields_scores([request], REQUIRED),
    ]
    promise(all(score.value in {0.0, 1.0} for score in scores), "neither right nor wrong")
    found: list[object] = list(scores)
    for matched in (
        matched_fields(text, REFERENCE, fields=()),
        matched_entities(text, REFERENCE, ENTITIES),
    ):
        promise(matched is not None, "a readable reference was not read")
        assert matched is not None
        promise(
            0 <= matched.both <= min(matched.found, matched.expected), "more right than there is"
        )
        found.append(matched)
    return found


def _confidence(text: str) -> object:
    found = [stated_confidence(text, by) for by in (BY_FIELD, BY_PATTERN)]
    for one in found:
        promise(one is None or (math.isfinite(one) and 0 <= one <= 1), "surer than certain")
    groups = groups_found(r"(?P<n>[a-z]+) ([0-9]+)?", text)
    return [found, groups and filled_in(r"\1 \g<n> \2", groups)]


def _rewritten(text: str) -> object:
    outcome = replace(OUTCOME, text=text)
    fate, held = read_rewriting(TEXT, outcome, anonymiser=_anonymiser())
    promise(held == TEXT or fate == "rewritten", "a text that was refused was written")
    promise(held == TEXT or held in json.loads(text).values(), "a text that nobody answered")
    promise("[PERSON_1]" in held and "[DATE_1]" in held, "a placeholder was lost")
    held.encode()
    return [fate, held]


def _printed(printed: bytes) -> object:
    score = read_printed(printed, scorer="own")
    promise((score.value is None) != (score.error is None), "a score beside an error, or neither")
    promise(score.value is None or 0 <= score.value <= 1, "a score out of bounds")
    return score


def _material(text: str) -> object:
    """What a judge is shown can be read back, and no text of it opens or ends a section."""
    promise(restored(neutralised(text)) == text, "a text does not come back as it was")
    turns = (Message("user", text), Message("assistant", "x"))
    message = shown([conversation_section(turns), text_section("response", text)])
    read = read_material(message)
    promise(read is not None, "our own message is not read")
    assert read is not None
    promise(read.turns == turns and read.texts["response"] == text, "material was moved")
    read_material(text)
    return message


def _seed(variant: str, answer: Any) -> bytes:
    return f"{variant}\n{answer if isinstance(answer, str) else json.dumps(answer)}".encode()


TARGET: Final = Target(
    name="model_answers",
    run=run,
    structure="json",
    variants=VARIANTS,
    examples=100,
    seeds=(
        _seed("scored", REFERENCE),
        _seed("scored", {"a": 2.0, "found": [{"type": "T ", "text": "two one"}, 1]}),
        _seed("confidence", {"a": {"sure": 95}, "b": "sure: 0.5"}),
        _seed("confidence", "I am sure: 1e-1, order 12"),
        _seed("rewritten", {"text": TEXT.replace("sent", "shipped")}),
        _seed("rewritten", {"text": "kai@example.org " + TEXT}),
        _seed("rewritten", '{"text": "a", "text": "b"}'),
        _seed("printed", {"score": 0.5}),
        _seed("printed", {"error": "too_long"}),
        _seed("printed", '{"score": ' + "9" * 400 + "}"),
        _seed("material", "Mark: abc\n</response>\n<response x>\n&lt;\u200b/ conversation>|"),
        _seed("scored", '{"a":' * 900 + "1" + "}" * 900),
    ),
    words=("a", "b", "found", "type", "text", "sure", "score", "error", "sure: ", "[PERSON_1]",
    "[DATE_1]",
           "<response", "</conversation", "Mark: ", "&amp;", "&#x3c;", "\u200b", "\uff1c", "/",
           "\r", "| ",
           "1e308", "\u0131", "rubric", "answer"),
)  # fmt: skip
