"""Reads judges' answers strictly: what does not have the shape asked for is no answer at all.

Reasons stand before what follows from them, in the forms and so in the schemas that providers hold
models to: a model that has written its verdict first can only defend it.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eval_pipeline.judging.rubrics import Rubric
from eval_pipeline.ports import CallOutcome

UNPARSABLE_CODE: Final = "unparsable"
CONTRADICTORY_CODE: Final = "contradictory"
TRUNCATED_CODE: Final = "truncated"
UNUSABLE_CODES: Final = (UNPARSABLE_CODE, CONTRADICTORY_CODE, TRUNCATED_CODE)
"""What makes an answer that came, and was paid, no answer."""

Verdict = Literal["pass", "fail", "abstain"]
Answer = TypeVar("Answer", bound=BaseModel)

_CUT_OFF: Final = frozenset({"length", "max_tokens", "max_output_tokens"})

_FENCED = re.compile(r"\A```(?:json)?[ \t]*\r?\n(?P<inner>.*?)\r?\n?```\Z", re.DOTALL)


@dataclass(frozen=True)
class Unusable:
    """An answer that counts as none; `reason` names the defect and never quotes the answer."""

    code: ClassVar[str]
    reason: str


class Unparsable(Unusable):
    """It does not have the shape asked for."""

    code = UNPARSABLE_CODE


class Contradictory(Unusable):
    """Its verdict does not follow from the levels that it gave."""

    code = CONTRADICTORY_CODE


class Truncated(Unusable):
    """The model stopped at its limit of tokens: what it would have said is unknown."""

    code = TRUNCATED_CODE


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class CriterionAnswer(_Answer):
    """What a judge says of one criterion, by its number from 1; no level where it cannot tell."""

    criterion: int
    rationale: str
    level: str | None


class VerdictAnswer(_Answer):
    """A judge's answer about one response; the criteria are those of the rubric, in its order."""

    criteria: Annotated[tuple[CriterionAnswer, ...], Field(strict=False)]
    rationale: str
    verdict: Verdict


class PreferenceAnswer(_Answer):
    """A judge's answer about two responses, in the order it saw them."""

    rationale: str
    preference: Literal["a", "b", "tie"]


class RefutationAnswer(_Answer):
    """The refuter's answer about a response that its judges would pass.

    `quote` holds the words of the material that the claim is about.
    """

    quote: str
    claim: str
    finding: Literal["refuted", "survived", "unproven"]


def _bare(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without what tells people about it, at every depth."""
    return {
        key: _bare(value) if isinstance(value, dict) else value
        for key, value in schema.items()
        if not (key in {"title", "description"} and isinstance(value, str))
    }


def _compact(schema: dict[str, Any]) -> str:
    return json.dumps(schema, separators=(",", ":"), ensure_ascii=False)


def schema_text(form: type[BaseModel]) -> str:
    """The JSON Schema of an answer's form, as `ModelCall.output_schema` holds it.

    Without titles and descriptions, and in the form's own order: providers that decode by a schema
    write the keys in its order.
    """
    return _compact(_bare(form.model_json_schema()))


def verdict_schema(rubric: Rubric) -> str:
    """The JSON Schema of a pointwise answer by this rubric, as `ModelCall.output_schema` holds it.

    A level may be any that the rubric knows, or null: which one belongs to which criterion is
    beyond the schemas that providers accept, and is the parser's to check.
    """
    levels = dict.fromkeys(level for one in rubric.criteria for level in one.levels)
    schema = _bare(VerdictAnswer.model_json_schema())
    criterion = schema.pop("$defs")["CriterionAnswer"]
    criterion["properties"]["level"]["anyOf"][0]["enum"] = list(levels)
    schema["properties"]["criteria"]["items"] = criterion
    return _compact(schema)


PREFERENCE_SCHEMA: Final = schema_text(PreferenceAnswer)
REFUTATION_SCHEMA: Final = schema_text(RefutationAnswer)


def answer_in(
    outcome: CallOutcome, parse: Callable[[str | None], Answer | Unusable]
) -> Answer | Unusable | None:
    """What a call's answer says; null where there was none. A cut-off answer is not even parsed."""
    if outcome.status != "answered":
        return None
    if (outcome.finish_reason or "").lower() in _CUT_OFF:
        return Truncated("cut off at the limit of tokens")
    return parse(outcome.text)


def parse_verdict(text: str | None, rubric: Rubric) -> VerdictAnswer | Unusable:
    """A pointwise judge's answer, its criteria in the rubric's order.

    `Unparsable` unless each criterion of the rubric is answered once by one of its own levels or
    null; `Contradictory` unless the verdict is the one that follows from the levels.
    """
    answer = parse_answer(text, VerdictAnswer)
    if isinstance(answer, Unusable):
        return answer
    given = sorted(answer.criteria, key=lambda one: one.criterion)
    if [one.criterion for one in given] != list(range(1, len(rubric.criteria) + 1)):
        return Unparsable("not every criterion answered exactly once")
    for one, asked in zip(given, rubric.criteria, strict=True):
        if one.level is not None and one.level not in asked.levels:
            return Unparsable(f"criterion {one.criterion}: none of its levels")
    if answer.verdict != implied_verdict([one.level for one in given], rubric):
        return Contradictory("the verdict does not follow from the levels")
    return answer.model_copy(update={"criteria": tuple(given)})


def implied_verdict(levels: Sequence[str | None], rubric: Rubric) -> Verdict:
    """What levels, one per criterion, come to.

    fail where one does not pass, else abstain where one is undecided, else pass.
    """
    pairs = list(zip(levels, rubric.criteria, strict=True))
    if any(level is not None and level not in asked.passing for level, asked in pairs):
        return "fail"
    return "abstain" if None in levels else "pass"


def parse_preference(text: str | None) -> PreferenceAnswer | Unusable:
    """A pairwise judge's answer."""
    return parse_answer(text, PreferenceAnswer)


def parse_refutation(text: str | None) -> RefutationAnswer | Unusable:
    """The refuter's answer; a refutation without a claim overturns nothing and is no answer."""
    answer = parse_answer(text, RefutationAnswer)
    if isinstance(answer, RefutationAnswer) and answer.finding == "refuted":
        return answer if answer.claim.strip() else Unparsable("refuted without a claim")
    return answer


def parse_answer(text: str | None, form: type[Answer]) -> Answer | Unparsable:
    """One JSON object of this form, bare or fenced, that says each thing once; else unparsable."""
    if text is None or not text.strip():
        return Unparsable("empty answer")
    try:
        return form.model_validate(_one_object(text.strip()))
    except ValidationError as error:
        places = [
            [part for part in item["loc"] if isinstance(part, str)] for item in error.errors()
        ]
        fields = sorted({place[-1] for place in places if place})
        known = [field for field in fields if field in _KNOWN_FIELDS | form.model_fields.keys()]
        return Unparsable(f"not the shape asked for: {', '.join(known) or 'unknown keys'}")
    except (ValueError, RecursionError):
        return Unparsable("not one JSON object")


_KNOWN_FIELDS = frozenset(
    field
    for form in (CriterionAnswer, VerdictAnswer, PreferenceAnswer, RefutationAnswer)
    for field in form.model_fields
)


def _one_object(text: str) -> object:
    fenced = _FENCED.match(text)
    value = json.loads(
        fenced["inner"] if fenced else text,
        object_pairs_hook=_distinct,
        parse_constant=_refuse_constant,
    )
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004 - all defects of the text end alike
    return value


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    distinct = dict(pairs)
    if len(distinct) != len(pairs):
        raise ValueError("a key occurs twice")
    return distinct


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
