"""The system message of a request that was made for one system and is put before another."""

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

from eval_pipeline.ports import Message

PromptUse = Literal["exchanged", "added", "kept", "none"]
"""exchanged: the baseline's prompt stood first and the candidate's stands there now. added: the
request had no system message, the candidate's goes first. kept: another system message stood
first; it stays, and the candidate's prompt is not put before it. none: neither has a prompt."""

INSTRUCTING = frozenset({"system", "developer"})


class Exchanged(NamedTuple):
    """How a system's own prompt gets into a request: `drop_first`, then `prompt` if any, first."""

    use: PromptUse
    drop_first: bool
    prompt: str


def exchange(
    first_role: str | None, first_text: str | None, *, known: Collection[str], prompt: str
) -> Exchanged:
    """What becomes of a request whose first message has this role and text.

    `known` are the baseline's prompt and its masked form: what logs hold is masked. They are held
    against the message without the white space around them. `prompt` is the candidate's.
    """
    if first_role not in INSTRUCTING:
        return Exchanged("added" if prompt else "none", drop_first=False, prompt=prompt)
    texts = {text.strip() for text in known if text.strip()}
    if (first_text or "").strip() in texts:
        return Exchanged("exchanged", drop_first=True, prompt=prompt)
    return Exchanged("kept", drop_first=False, prompt="")


def without_prompt(
    messages: Sequence[Message], *, known: Collection[str], prompt: str
) -> tuple[tuple[Message, ...], PromptUse]:
    """The messages less the baseline's prompt, and what asking `prompt` before them then is."""
    first = messages[0] if messages else None
    change = exchange(
        None if first is None else first.role,
        None if first is None else first.content,
        known=known,
        prompt=prompt,
    )
    return tuple(messages[1:] if change.drop_first else messages), change.use
