"""What a naive system is asked, and what it may learn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from eval_pipeline.ports import Message, OwnAnswer
from eval_pipeline.settings import NaiveSettings


@dataclass(frozen=True)
class Question:
    """One question on its route.

    `barred` are the groups that nothing may be learnt from for this answer: the item's own, its
    conversation's, those of its near-duplicates.
    """

    item_id: str
    route: str
    text: str
    barred: frozenset[str]


@dataclass(frozen=True)
class Example:
    """A golden item with a good reference answer, by the group that it is left out with."""

    item_id: str
    route: str
    text: str
    reference: str
    group: str


class NaiveSystem(Protocol):
    """Answers questions in this process; the same question gets the same answer."""

    def answer(self, question: Question) -> OwnAnswer:
        """The answer, or one without text where the system answers nothing."""
        ...


def question_text(messages: Sequence[Message], *, naive: NaiveSettings) -> str:
    """The text that a naive system looks at: the user's last message, or all of them."""
    said = [message.content for message in messages if message.role == "user"]
    return "\n".join(said if naive.question == "user_messages" else said[-1:])
