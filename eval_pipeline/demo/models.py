"""What a model of the loopback provider is: a function from messages and epoch to an answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """What the provider sends back; `served_model` and `system_fingerprint` are what it claims."""

    text: str
    served_model: str
    system_fingerprint: str
    finish_reason: str = "stop"


class ChatModel(Protocol):
    """A model; the same messages and epoch always give the same answer.

    `epoch` is the provider's idea of now, set from outside: a model that changes silently
    changes with it.
    """

    def answer(self, messages: Sequence[Mapping[str, str]], *, epoch: str) -> Answer:
        """The answer to a chat; never raises."""
        ...
