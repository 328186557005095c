"""What the pages' forms send, with bounds on every field."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from starlette.datastructures import FormData
from starlette.requests import Request

from eval_pipeline.adapters.review.desk_records import SkipReason
from eval_pipeline.desk.problems import ProblemError

LONGEST_RATIONALE: Final = 4_000
LONGEST_RESPONSE: Final = 20_000
LONGEST_REASON: Final = 500
LONGEST_NAME: Final = 80
MOST_CRITERIA: Final = 100
MOST_FIELDS: Final = MOST_CRITERIA + 20
LABELS = Literal["pass", "fail", "cannot_tell"]

_CRITERION: Final = re.compile(r"criterion_([1-9][0-9]{0,2})")
_MET: Final[Mapping[str, bool | None]] = {"yes": True, "no": False, "unsure": None, "": None}
NO_NUL: Final = r"^[^\x00]*$"

Rationale = Annotated[str, StringConstraints(max_length=LONGEST_RATIONALE, pattern=NO_NUL)]
Response = Annotated[str, StringConstraints(max_length=LONGEST_RESPONSE, pattern=NO_NUL)]
Reason = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=LONGEST_REASON, pattern=NO_NUL, strip_whitespace=True
    ),
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME, pattern=NO_NUL)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _none_if_empty(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


class AnswerForm(BaseModel):
    """An answer as it is typed; texts are not masked yet."""

    model_config = ConfigDict(frozen=True)

    label: LABELS
    rationale: Rationale = ""
    reference_response: Annotated[Response | None, BeforeValidator(_none_if_empty)] = None
    failure_mode: Annotated[Name | None, BeforeValidator(_none_if_empty)] = None
    confidence: Annotated[
        Literal["low", "medium", "high"] | None, BeforeValidator(_none_if_empty)
    ] = None
    seconds: Annotated[Seconds | None, BeforeValidator(_none_if_empty)] = None
    criteria: tuple[bool | None, ...] = Field((), max_length=MOST_CRITERIA)

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Self:
        """Raises `ProblemError` naming the first field that cannot stand."""
        fields = {name: form[name] for name in cls.model_fields if name in form}
        try:
            return cls.model_validate({**fields, "criteria": _criteria(form)})
        except ValidationError as error:
            raise ProblemError(422, message=_sentence(error)) from None


class SkipForm(BaseModel):
    """Why a task is given back."""

    reason: SkipReason

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Self:
        """Raises `ProblemError` for a reason that is not on the list."""
        reason = form.get("reason", "")
        if reason not in get_args(SkipReason):
            raise ProblemError(422, message="Please choose why you skip this task.")
        return cls.model_validate({"reason": reason})


class WithdrawalForm(BaseModel):
    """Whose labels are taken back, and why."""

    annotator_id: Name
    reason: Reason

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Self:
        """Raises `ProblemError` where one of them is missing."""
        try:
            return cls.model_validate({name: form.get(name, "") for name in cls.model_fields})
        except ValidationError as error:
            raise ProblemError(422, message=_sentence(error)) from None


async def read_form(request: Request) -> dict[str, str]:
    """The form's fields; raises `ProblemError` for files and for a field that stands twice."""
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
        return _plain(form)


def _plain(form: FormData) -> dict[str, str]:
    fields = form.multi_items()
    plain = {name: value for name, value in fields if isinstance(value, str)}
    if len(plain) < len(fields):
        raise ProblemError(400)
    return plain


def _criteria(form: Mapping[str, str]) -> tuple[bool | None, ...]:
    """By criterion from 1, null where it was left open; empty where all of them were."""
    said: dict[int, bool | None] = {}
    for name, value in form.items():
        found = _CRITERION.fullmatch(name)
        if found is None:
            continue
        number = int(found.group(1))
        if value not in _MET or number > MOST_CRITERIA:
            raise ProblemError(422, message=f"Criterion {number} is answered yes, no or unsure.")
        said[number] = _MET[value]
    if all(form.get(f"criterion_{number}") == "" for number in said):
        return ()
    return tuple(said.get(number) for number in range(1, max(said) + 1))


def _sentence(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_input=False)[0]
    field = str(detail["loc"][0]).replace("_", " ")
    limit = detail.get("ctx", {}).get("max_length")
    if detail["type"] == "string_too_long":
        return f"The field {field} holds more than {limit:,} characters. Nothing was stored."
    if detail["type"] == "string_pattern_mismatch":
        return f"The field {field} holds the character NUL. Nothing was stored."
    return f"The field {field} is missing or not one of the choices. Nothing was stored."
