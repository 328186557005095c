"""Reads the judge's prompt back into the exchange it is about; what every scripted judge needs.

How material is shown, and read back, is `judging.material`'s.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eval_pipeline.judging.material import REFERENCE, RESPONSE, read_material
from eval_pipeline.ports import Message
from eval_pipeline.settings import BINARY_LEVELS

_QUOTED_WORDS = 8
_GRACEFUL = re.compile(r"^1\. Expected behaviour: graceful failure\b", re.MULTILINE)
_CRITERIA = re.compile(r"^Criteria:\n(?:.+\n?)+", re.MULTILINE)
_CRITERION = re.compile(
    r"^\d+\. .*(?:\n   Levels from worst to best: (?P<levels>.+); passes from .+\.$)?", re.MULTILINE
)


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


def read_exchange(
    messages: Sequence[Mapping[str, str]], *, judged: str = RESPONSE
) -> JudgedExchange | None:
    """The exchange that a judge prompt shows; None if the messages hold no such prompt.

    `judged` is the tag of the response: a pairwise prompt is two exchanges.
    """
    for message in reversed(messages):
        material = read_material(message.get("content") or "")
        if material is not None and judged in material.texts:
            return JudgedExchange(
                tuple(turn for turn in material.turns if turn.role != "system"),
                material.texts[judged],
                material.texts.get(REFERENCE),
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


def finding_json(finding: str, claim: str, *, about: str = "") -> str:
    """A refuter's answer; a claim quotes the first words of what it is `about`."""
    quote = " ".join(about.split()[:_QUOTED_WORDS])
    return json.dumps({"quote": quote, "claim": claim, "finding": finding}, ensure_ascii=False)
