"""What judges, refuter and the reader of reasons wrote: a verdict only where one plainly stands."""

import json
from typing import Any, Final

from eval_pipeline.judging.biases.rationales import SupportAnswer, parse_support
from eval_pipeline.judging.parsing import (
    PreferenceAnswer,
    RefutationAnswer,
    Unusable,
    VerdictAnswer,
    implied_verdict,
    parse_preference,
    parse_refutation,
    parse_verdict,
)
from eval_pipeline.judging.rubrics import Rubric
from tests.fuzz.target import Target, promise, text_of

RUBRIC: Final = Rubric(
    name="answers",
    form="pointwise",
    criteria=(
        "Is it right?",
        {"text": "How kind?", "levels": ("rude", "cool", "kind"), "passes_from": "cool"},
    ),
)
FORMS: Final = {
    VerdictAnswer: {"criteria", "rationale", "verdict"},
    PreferenceAnswer: {"rationale", "preference"},
    RefutationAnswer: {"quote", "claim", "finding"},
    SupportAnswer: {"supports"},
}


def run(data: bytes) -> object:
    """Every parser on one text; what is no answer is `Unusable`, and nothing is raised."""
    text = text_of(data)
    answers = (
        parse_verdict(text, RUBRIC),
        parse_preference(text),
        parse_refutation(text),
        parse_support(text),
    )
    for answer in answers:
        if not isinstance(answer, Unusable):
            _stands_in(answer, text)
    verdict, _, refutation, _ = answers
    if isinstance(verdict, VerdictAnswer):
        _follows(verdict)
    if isinstance(refutation, RefutationAnswer) and refutation.finding == "refuted":
        promise(bool(refutation.claim.strip()), "a refutation without a claim was taken")
    return answers


def _stands_in(answer: Any, text: str) -> None:
    """What was read is one JSON object of this form, each key once, and nothing around it."""
    bare = text.strip()
    if bare.startswith("```"):
        bare = bare.removeprefix("```").removeprefix("json").removesuffix("```").strip()
    pairs: list[list[tuple[str, Any]]] = []
    value = json.loads(bare, object_pairs_hook=lambda found: pairs.append(found) or dict(found))
    promise(value.keys() == FORMS[type(answer)], "an answer of another shape was taken")
    promise(
        all(len(dict(each)) == len(each) for each in pairs), "an answer that says a thing twice"
    )
    for name in ("verdict", "preference", "finding", "supports"):
        if name in value:
            promise(getattr(answer, name) == value[name], f"`{name}` is not what stands there")


def _follows(verdict: VerdictAnswer) -> None:
    numbers = [one.criterion for one in verdict.criteria]
    promise(numbers == [1, 2], "not every criterion once, in the rubric's order")
    for one, asked in zip(verdict.criteria, RUBRIC.criteria, strict=True):
        promise(one.level is None or one.level in asked.levels, "a level that nobody offered")
    implied = implied_verdict([one.level for one in verdict.criteria], RUBRIC)
    promise(verdict.verdict == implied, "a verdict that does not follow from its levels")


def _answer(**changes: Any) -> bytes:
    answer = {
        "criteria": [
            {"criterion": 1, "rationale": "It is.", "level": "met"},
            {"criterion": 2, "rationale": "Cool enough.", "level": "cool"},
        ],
        "rationale": "Both hold.",
        "verdict": "pass",
    }
    return json.dumps(answer | changes).encode()


LEVELS: Final = RUBRIC.criteria[0].levels
TARGET: Final = Target(
    name="judge_answers",
    run=run,
    structure="json",
    examples=150,
    seeds=(
        _answer().replace(b'"met"', json.dumps(LEVELS[-1]).encode()),
        _answer(verdict="fail").replace(b'"met"', json.dumps(LEVELS[0]).encode()),
        b"```json\n" + _answer(verdict="abstain").replace(b'"met"', b"null") + b"\n```",
        b'{"rationale": "b is longer", "preference": "tie"}',
        b'{"quote": "refund in 90 days", "claim": "it is 30", "finding": "refuted"}',
        b'{"quote": "", "claim": "", "finding": "survived"}',
        b'```\n{"supports": "fail"}\n```',
        b'{"supports": "fail", "supports": "pass"}',
        b'I think {"supports": "pass"} is right.',
    ),
    words=(
        "criteria", "criterion", "rationale", "level", "verdict", "preference", "quote", "claim",
        "finding", "supports", "pass", "fail", "abstain", "a", "b", "tie", "refuted", "survived",
        "unproven", *LEVELS, "rude", "cool", "kind", "```json\n", "\n```",
    ),
)  # fmt: skip
