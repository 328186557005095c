"""One person's answer as every file format gives it, and what it may refer to."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from eval_pipeline.fingerprint import fingerprint

MOST_CHARACTERS = 100_000
"""In one text of an answer: more is a file pasted by mistake."""
MOST_SECONDS = 10_000_000.0


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds the character NUL")
    return text


def _in_utc(instant: dt.datetime) -> dt.datetime:
    try:
        return instant.astimezone(dt.UTC)
    except OverflowError:
        raise ValueError("lies outside of the years 1 to 9999") from None


Identifier = Annotated[str, Field(min_length=1, max_length=80)]
TaskId = Annotated[str, Field(min_length=1, max_length=64)]
AnswerId = Annotated[str, Field(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
Typed = Annotated[str, Field(max_length=MOST_CHARACTERS), AfterValidator(_without_nul)]
Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]


class _Answer(BaseModel):
    """What an answer says, whoever gives it; `criteria` is in the rubric's order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    task_id: TaskId
    label: Literal["pass", "fail", "cannot_tell"]
    reference_response: Typed | None = None
    failure_mode: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    confidence: Literal["low", "medium", "high"] | None = None
    criteria: tuple[Annotated[bool, Field(strict=True)] | None, ...] | None = None
    seconds: Annotated[float, Field(ge=0, le=MOST_SECONDS, allow_inf_nan=False)] | None = None
    corrects: AnswerId | None = None


AnyAnswer = TypeVar("AnyAnswer", bound=_Answer)


class LabelLine(_Answer):
    """One person's label of one task; times are in UTC."""

    annotator_id: Identifier
    rationale: Typed = ""
    labelled_at: Instant
    label_id: AnswerId = ""

    @property
    def by(self) -> str:
        """Who says it."""
        return self.annotator_id

    @property
    def at(self) -> dt.datetime:
        """When they said it, in UTC."""
        return self.labelled_at

    @property
    def given_id(self) -> str:
        """The id that the file gives it, or nothing."""
        return self.label_id

    def identified(self, *, corrects: str | None) -> Self:
        """With what it corrects, and with an id derived from what is said of which task."""
        return _identified(self, "label_id", corrects=corrects, instant="labelled_at")


class AdjudicationLine(_Answer):
    """One named person's binding decision on one task."""

    adjudicated_by: Identifier
    rationale: Annotated[Typed, Field(min_length=1)]
    adjudicated_at: Instant
    adjudication_id: AnswerId = ""

    @property
    def by(self) -> str:
        """Who says it."""
        return self.adjudicated_by

    @property
    def at(self) -> dt.datetime:
        """When they said it, in UTC."""
        return self.adjudicated_at

    @property
    def given_id(self) -> str:
        """The id that the file gives it, or nothing."""
        return self.adjudication_id

    def identified(self, *, corrects: str | None) -> Self:
        """With what it corrects, and with an id derived from what is said of which task."""
        return _identified(self, "adjudication_id", corrects=corrects, instant="adjudicated_at")


@dataclass(frozen=True)
class Known:
    """What answers may refer to: the week's tasks with their number of criteria, people, modes."""

    tasks: Mapping[str, int]
    people: frozenset[str]
    failure_modes: frozenset[str]


def _identified(line: AnyAnswer, id_field: str, *, corrects: str | None, instant: str) -> AnyAnswer:
    corrected = line.model_copy(update={"corrects": corrects})
    if getattr(line, id_field):
        return corrected
    # Keys without a value are left out, so that a further field changes no id of before.
    said = corrected.model_dump(
        mode="json", exclude={id_field, instant, "seconds"}, exclude_none=True
    )
    return corrected.model_copy(update={id_field: fingerprint(said)})
