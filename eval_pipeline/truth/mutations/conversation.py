"""A conversation that is being made harder: where the question stands, and what must stay whole."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from eval_pipeline.anonymisation.spans import PLACEHOLDER
from eval_pipeline.ports import Message


@dataclass(frozen=True)
class Mutated:
    """A conversation after a mutation, and the template or variant that made it."""

    template: str
    messages: tuple[Message, ...]


@dataclass(frozen=True)
class Conversation:
    """The messages, oldest first, and the place of the last one of the user."""

    messages: tuple[Message, ...]
    place: int

    @property
    def question(self) -> str:
        """What the user asked last."""
        return self.messages[self.place].content

    @property
    def characters(self) -> int:
        """Of all messages together."""
        return characters_of(self.messages)

    def asking(self, question: str, *, before: Sequence[Message] = ()) -> tuple[Message, ...]:
        """The messages with another last question, and turns put in front of it."""
        asked = Message(self.messages[self.place].role, question)
        return (
            *self.messages[: self.place],
            *before,
            asked,
            *self.messages[self.place + 1 :],
        )


def conversation_of(messages: Sequence[Message]) -> Conversation | None:
    """The conversation, or None where no user says a word with a letter in it."""
    for place in reversed(range(len(messages))):
        if messages[place].role == "user":
            spoken = any(
                letter.isalpha() for letter in PLACEHOLDER.sub("", messages[place].content)
            )
            return Conversation(tuple(messages), place) if spoken else None
    return None


def characters_of(messages: Sequence[Message]) -> int:
    """Characters of all contents together."""
    return sum(len(message.content) for message in messages)


def placeholders_in(messages: Sequence[Message]) -> set[str]:
    """Every placeholder that stands in a message."""
    return {found[0] for message in messages for found in PLACEHOLDER.finditer(message.content)}


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text in order as (piece, whether it is a placeholder); joined they are the text."""
    position = 0
    for found in PLACEHOLDER.finditer(text):
        if found.start() > position:
            yield text[position : found.start()], False
        yield found[0], True
        position = found.end()
    if position < len(text):
        yield text[position:], False


def outside_placeholders(text: str, change: Callable[[str], str]) -> str:
    """The text with `change` applied to everything but its placeholders."""
    return "".join(piece if whole else change(piece) for piece, whole in pieces(text))


def cut_before(text: str, limit: int) -> str:
    """The first `limit` characters, or fewer where that would cut a placeholder in two."""
    for found in PLACEHOLDER.finditer(text):
        if found.start() < limit < found.end():
            return text[: found.start()]
    return text[:limit]
