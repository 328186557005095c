"""The templates that people can read and change: one YAML file a family, beside this module."""

from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, Literal

from pydantic import Field, TypeAdapter
from ruamel.yaml import YAML

from eval_pipeline.ports import Message
from eval_pipeline.settings import Mutation, Section

QUESTION: Final = "{question}"
PAYLOAD: Final = "{payload}"
_FOLDER: Final = files("eval_pipeline.truth.mutations") / "templates"


class WrittenTurn(Section):
    """A turn that goes before the question."""

    role: Literal["user", "assistant"]
    content: str = Field(min_length=1)


class WrittenTemplate(Section):
    """What is said around the question; `{payload}` is `payload` in its encoding."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    text: str = Field(min_length=1)
    before: tuple[WrittenTurn, ...] = ()
    payload: str | None = None
    encoding: Literal["base64", "rot13", "reversed"] | None = None

    def around(self, question: str, *, payload: str = "") -> str:
        """The text with the question, and an encoded payload, in their places."""
        # The question goes in last: what it says itself is never taken for a place.
        return self.text.replace(PAYLOAD, payload).replace(QUESTION, question)

    @property
    def turns(self) -> tuple[Message, ...]:
        """The turns that go before the question."""
        return tuple(Message(turn.role, turn.content) for turn in self.before)


@lru_cache
def templates_of(mutation: Mutation) -> tuple[WrittenTemplate, ...]:
    """A family's templates in the order of its file."""
    return TypeAdapter(tuple[WrittenTemplate, ...]).validate_python(read_data(mutation))


@lru_cache
def read_data(name: str) -> Any:
    """What a data file of this package holds."""
    text = (_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")
    return YAML(typ="safe", pure=True).load(text)
