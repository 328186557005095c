"""Reads judges' answers strictly: what does not have the shape asked for is no answer at all."""

import json
import re
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from eval_pipeline.fingerprint import canonical_json

UNPARSABLE_CODE = "unparsable"

Answer = TypeVar("Answer", bound=BaseModel)

_FENCED = re.compile(r"\A```(?:json)?[ \t]*\r?\n(?P<inner>.*?)\r?\n?```\Z", re.DOTALL)


@dataclass(frozen=True)
class Unparsable:
    """An answer that cannot be read; `reason` names the defect and never quotes the answer."""

    reason: str


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class VerdictAnswer(_Answer):
    """A judge's answer about one response."""

    verdict: Literal["pass", "fail", "abstain"]
    rationale: str


class PreferenceAnswer(_Answer):
    """A judge's answer about two responses, in the order it saw them."""

    preference: Literal["a", "b", "tie"]
    rationale: str


class RefutationAnswer(_Answer):
    """The refuter's answer about a response that its judges would pass."""

    finding: Literal["refuted", "survived", "unproven"]
    claim: str


def schema_text(form: type[BaseModel]) -> str:
    """The JSON Schema of an answer's form, as `ModelCall.output_schema` holds it."""
    return canonical_json(form.model_json_schema())


VERDICT_SCHEMA: Final = schema_text(VerdictAnswer)
PREFERENCE_SCHEMA: Final = schema_text(PreferenceAnswer)
REFUTATION_SCHEMA: Final = schema_text(RefutationAnswer)


def parse_verdict(text: str | None) -> VerdictAnswer | Unparsable:
    """A pointwise judge's answer."""
    return _parse(text, VerdictAnswer)


def parse_preference(text: str | None) -> PreferenceAnswer | Unparsable:
    """A pairwise judge's answer."""
    return _parse(text, PreferenceAnswer)


def parse_refutation(text: str | None) -> RefutationAnswer | Unparsable:
    """The refuter's answer; a refutation without a claim overturns nothing and is no answer."""
    answer = _parse(text, RefutationAnswer)
    if isinstance(answer, RefutationAnswer) and answer.finding == "refuted":
        return answer if answer.claim.strip() else Unparsable("refuted without a claim")
    return answer


def _parse(text: str | None, form: type[Answer]) -> Answer | Unparsable:
    if text is None or not text.strip():
        return Unparsable("empty answer")
    try:
        return form.model_validate(_one_object(text.strip()))
    except ValidationError as error:
        fields = sorted({".".join(str(part) for part in item["loc"]) for item in error.errors()})
        known = [field for field in fields if field in _KNOWN_FIELDS]
        return Unparsable(f"not the shape asked for: {', '.join(known) or 'unknown keys'}")
    except (ValueError, RecursionError):
        return Unparsable("not one JSON object")


_KNOWN_FIELDS = frozenset({"verdict", "rationale", "preference", "finding", "claim"})


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
