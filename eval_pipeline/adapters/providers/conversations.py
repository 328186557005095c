"""A conversation for APIs that take the system's words apart and demand alternating turns."""

from collections.abc import Sequence
from dataclasses import dataclass

from eval_pipeline.ports import Message

SYSTEM_ROLES = frozenset({"system", "developer"})
OPENING = "(The assistant opens the conversation.)"


@dataclass(frozen=True)
class Turn:
    """What one side says before the other does."""

    by_assistant: bool
    text: str


def system_text(messages: Sequence[Message]) -> str:
    """What all system messages say, wherever they stand, with a blank line between."""
    said = (message.content for message in messages if message.role in SYSTEM_ROLES)
    return "\n\n".join(text for text in said if text.strip())


def turns(messages: Sequence[Message]) -> list[Turn]:
    """The rest as turns that alternate and begin with the user's.

    Blank messages, which these APIs refuse, are left out. Messages of one side in a row are one
    turn with blank lines between. What speaks as neither system nor assistant counts as the user.
    A conversation that the assistant begins is preceded by a turn that says so; one of system
    messages alone is asked as the user's.
    """
    merged: list[Turn] = []
    for message in messages:
        if message.role in SYSTEM_ROLES or not message.content.strip():
            continue
        by_assistant = message.role in {"assistant", "model"}
        if merged and merged[-1].by_assistant == by_assistant:
            merged[-1] = Turn(by_assistant, f"{merged[-1].text}\n\n{message.content}")
        else:
            merged.append(Turn(by_assistant, message.content))
    if not merged:
        return [Turn(by_assistant=False, text=system_text(messages))]
    if merged[0].by_assistant:
        merged.insert(0, Turn(by_assistant=False, text=OPENING))
    return merged
