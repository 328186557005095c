"""Scripted reviewers for data whose log carries no label; every label says that it is scripted.

They stand in for people where none can be asked, and prove nothing about people: they apply the
rules of the scripted judges, all of them at once, and differ from each other on minor defects.
"""

from collections.abc import Mapping, Sequence
from typing import Final, cast

from eval_pipeline.demo.heuristic_judges import (
    judge_answered,
    judge_content,
    judge_form,
    serious_defect,
)
from eval_pipeline.demo.judge_prompts import JudgedExchange
from eval_pipeline.demo.reviewers import ScriptedLabel
from eval_pipeline.fingerprint import fingerprint, unit_hash
from eval_pipeline.ports import Message

STRICTNESS: Final = 0.75
"""The share of minor defects that an annotator fails; which ones differs from one to the other."""


def label(subject: Mapping[str, object], *, annotator: str) -> ScriptedLabel:
    """The label of a dialogue's response: serious defects fail, minor ones mostly do.

    The same annotator gives the same subject the same label.
    """
    exchange = _exchange(subject)
    serious = serious_defect(exchange)
    if serious is not None:
        return _scripted("fail", serious)
    for opinion in (judge_content(exchange), judge_form(exchange)):
        if opinion.verdict == "fail":
            strict = unit_hash(annotator, fingerprint(subject)) < STRICTNESS
            return _scripted("fail" if strict else "pass", opinion.rationale)
    return _scripted("pass", "No defect of content or form.")


def label_benchmark(subject: Mapping[str, object], *, annotator: str) -> ScriptedLabel:
    """The label of a benchmark answer: whatever the rule says, for every annotator alike."""
    opinion = judge_answered(_exchange(subject))
    del annotator
    return _scripted(opinion.verdict, opinion.rationale)


def _scripted(verdict: str, rationale: str) -> ScriptedLabel:
    """A label without a reference response: these reviewers know no right answer."""
    return ScriptedLabel("pass" if verdict == "pass" else "fail", f"Scripted: {rationale}", None)


def _exchange(subject: Mapping[str, object]) -> JudgedExchange:
    """`subject` holds messages and response, as a review task shows them."""
    messages = cast("Sequence[Mapping[str, str]]", subject["messages"])
    turns = tuple(
        Message(message["role"], message["content"] or "")
        for message in messages
        if message["role"] != "system"
    )
    return JudgedExchange(turns, str(subject["response"] or ""), None)
