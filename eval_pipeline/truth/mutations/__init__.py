"""Ways to make a real question hard: one module a family, what they say in `templates/`."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from eval_pipeline.ports import Message
from eval_pipeline.settings import Mutation
from eval_pipeline.truth.mutations import (
    conflicting_instructions,
    injection,
    malformed_input,
    near_limit_length,
    odd_scripts,
)
from eval_pipeline.truth.mutations.conversation import (
    Conversation,
    Mutated,
    characters_of,
    conversation_of,
    placeholders_in,
)
from eval_pipeline.truth.mutations.draws import Draws

__all__ = ["Mutated", "mutate"]


class Family(Protocol):
    """A mutation; None where the conversation gives it nothing to work on."""

    def __call__(self, conversation: Conversation, draws: Draws, *, limit: int) -> Mutated | None:
        """The conversation made harder."""
        ...


FAMILIES: Final[Mapping[Mutation, Family]] = {
    "conflicting_instructions": conflicting_instructions.mutate,
    "near_limit_length": near_limit_length.mutate,
    "odd_scripts": odd_scripts.mutate,
    "malformed_input": malformed_input.mutate,
    "injection": injection.mutate,
}


def mutate(
    messages: Sequence[Message], *, mutation: Mutation, key: str, limit: int
) -> Mutated | None:
    """The conversation with its last question made harder; equal arguments give equal text.

    `key` decides between the family's templates. `limit` is in characters over all messages, and no
    result is longer. None where there is no question, or nothing that this mutation could change.
    Placeholders are kept whole or, where text is cut or lost, lost whole.
    """
    conversation = conversation_of(messages)
    if conversation is None:
        return None
    mutated = FAMILIES[mutation](conversation, Draws("mutation", mutation, key), limit=limit)
    if mutated is None or mutated.messages == conversation.messages:
        return None
    fits = characters_of(mutated.messages) <= limit
    known = placeholders_in(conversation.messages)
    return mutated if fits and placeholders_in(mutated.messages) <= known else None
