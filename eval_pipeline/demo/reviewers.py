"""Scripted reviewers: what stands in for people in the demo, and says so in its name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from eval_pipeline.demo.knowledge import assess, reference_response
from eval_pipeline.fingerprint import unit_hash

ANNOTATORS: Final = ("scripted-ana", "scripted-ben")
ADJUDICATOR: Final = "scripted-cleo"
ANNOTATOR_ERROR_SHARE: Final = 0.03
ADJUDICATOR_ERROR_SHARE: Final = 0.005


@dataclass(frozen=True)
class ScriptedLabel:
    """A label with its reason; `reference_response` is a right answer where the label is fail."""

    label: Literal["pass", "fail"]
    rationale: str
    reference_response: str | None


def label(subject: Mapping[str, object], *, annotator: str) -> ScriptedLabel:
    """What the annotator says of a task's subject, which holds `messages` and `response`.

    Each annotator errs on responses of its own, the same ones every time.
    """
    messages = _messages(subject)
    response = str(subject.get("response") or "")
    assessment = assess(messages, response)
    share = ADJUDICATOR_ERROR_SHARE if annotator == ADJUDICATOR else ANNOTATOR_ERROR_SHARE
    key = "\x1f".join((*(message["content"] for message in messages), response))
    if unit_hash(f"reviewer-{annotator}", key) >= share:
        passed, rationale = assessment.correct, assessment.claim
    elif assessment.correct:
        passed, rationale = False, "I would not send this to a customer."
    else:
        passed, rationale = True, "It reads fine to me."
    if passed:
        return ScriptedLabel("pass", rationale, None)
    return ScriptedLabel("fail", rationale, reference_response(messages))


def _messages(subject: Mapping[str, object]) -> list[dict[str, str]]:
    messages = cast("Sequence[Mapping[str, Any]]", subject["messages"])
    return [
        {"role": str(one.get("role") or ""), "content": str(one.get("content") or "")}
        for one in messages
    ]
