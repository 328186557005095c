"""Reads the judge's prompt back into the exchange it is about; what every scripted judge needs.

The prompt holds `<conversation>` with one `role: content` per message, `<response>` and perhaps
`<reference>`. Contents may span lines, the further ones indented; tags inside judged text arrive
neutralised and are restored.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval_pipeline.ports import Message
from eval_pipeline.settings import BINARY_LEVELS

_NEUTRALISED = re.compile(
    r"&lt;(?=\s*/?\s*(?:conversation|reference|response(?:_[ab])?)\b)", re.IGNORECASE
)
_GRACEFUL = re.compile(r"^1\. Expected behaviour: graceful failure\b", re.MULTILINE)
_CRITERIA = re.compile(r"^Criteria:\n(?:.+\n?)+", re.MULTILINE)
_CRITERION = re.compile(
    r"^\d+\. .*(?:\n   Levels from worst to best: (?P<levels>.+); passes from .+\.$)?", re.MULTILINE
)
_TURN = re.compile(r"^(system|user|assistant|tool):[ \t]?", re.MULTILINE)


@dataclass(frozen=True)
class JudgedExchange:
    """What a judge was asked about; `turns` never hold system messages.

    `graceful`: the judge was told that failing gracefully is enough. Only its own instructions can
    say so, never the material.
    """

    turns: tuple[Message, ...]
    response: str
    reference: str | None
    graceful: bool = False

    @property
    def request(self) -> str:
        """The last message of the user, or nothing."""
        return next((turn.content for turn in reversed(self.turns) if turn.role == "user"), "")

    @property
    def conversation(self) -> str:
        """All turns as one text, roles left out."""
        return "\n".join(turn.content for turn in self.turns)


def read_exchange(messages: Sequence[Mapping[str, str]]) -> JudgedExchange | None:
    """The exchange that a judge prompt shows; None if the messages hold no such prompt."""
    for message in reversed(messages):
        text = message.get("content") or ""
        conversation, response = _tagged(text, "conversation"), _tagged(text, "response")
        if conversation is not None and response is not None:
            return JudgedExchange(
                _turns(conversation),
                response,
                _tagged(text, "reference"),
                graceful=_asks_for_grace(messages),
            )
    return None


def _asks_for_grace(messages: Sequence[Mapping[str, str]]) -> bool:
    return any(
        message.get("role") == "system" and _GRACEFUL.search(message.get("content") or "")
        for message in messages
    )


def asked_levels(messages: Sequence[Mapping[str, str]]) -> tuple[tuple[str, ...], ...]:
    """The levels of each criterion that a judge is given, from worst to best; never none."""
    instructions = next((one for one in messages if one.get("role") == "system"), {})
    criteria = _CRITERIA.search(instructions.get("content") or "")
    found = _CRITERION.finditer(criteria[0] if criteria else "")
    levels = [
        tuple(one["levels"].split(" < ")) if one["levels"] else BINARY_LEVELS for one in found
    ]
    return tuple(levels) or (BINARY_LEVELS,)


def verdict_json(
    verdict: str, rationale: str, *, levels: Sequence[tuple[str, ...]] = (BINARY_LEVELS,)
) -> str:
    """A judge's answer: every criterion at its best level, but the first one decides otherwise."""
    reached = {"pass": levels[0][-1], "fail": levels[0][0]}.get(verdict)
    criteria = [{"criterion": 1, "rationale": rationale, "level": reached}]
    criteria += [
        {"criterion": number, "rationale": "Nothing speaks against it.", "level": each[-1]}
        for number, each in enumerate(levels[1:], 2)
    ]
    return json.dumps(
        {"criteria": criteria, "rationale": rationale, "verdict": verdict}, ensure_ascii=False
    )


def finding_json(finding: str, claim: str) -> str:
    """A refuter's answer."""
    return json.dumps({"finding": finding, "claim": claim}, ensure_ascii=False)


def _tagged(text: str, tag: str) -> str | None:
    """What stands in the tag: from its first opening at a line's start to the first closing.

    Instructions may mention a tag inside a sentence, hence the line's start.
    """
    opening = re.search(rf"^<{tag}>", text, re.MULTILINE) or re.search(rf"<{tag}>", text)
    if opening is None:
        return None
    closing = text.find(f"</{tag}>", opening.end())
    if closing < 0:
        return None
    return _NEUTRALISED.sub("<", text[opening.end() : closing].strip())


def _turns(conversation: str) -> tuple[Message, ...]:
    starts = list(_TURN.finditer(conversation))
    if not starts:
        return (Message("user", conversation),) if conversation else ()
    ends = [start.start() for start in starts[1:]] + [len(conversation)]
    return tuple(
        Message(start.group(1), conversation[start.end() : end].strip().replace("\n  ", "\n"))
        for start, end in zip(starts, ends, strict=True)
        if start.group(1) != "system"
    )
