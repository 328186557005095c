"""Token counts of the demo's provider: one token per four characters, at least one."""

from collections.abc import Mapping, Sequence
from typing import Final

CHARACTERS_PER_TOKEN: Final = 4
TOKENS_PER_MESSAGE: Final = 4


def count_tokens(text: str) -> int:
    """Tokens of a text."""
    return max(1, len(text) // CHARACTERS_PER_TOKEN)


def count_prompt_tokens(messages: Sequence[Mapping[str, str]]) -> int:
    """Tokens of a chat, the overhead of each message included."""
    return sum(TOKENS_PER_MESSAGE + count_tokens(one.get("content") or "") for one in messages)
