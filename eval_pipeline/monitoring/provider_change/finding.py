"""Reads a sighting against those before it: names that appeared, and answers that changed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, Literal

import numpy as np

from eval_pipeline.monitoring.provider_change.answer_signs import AnswerSign
from eval_pipeline.monitoring.provider_change.evidence import accumulated, log_e_value, look_ranks
from eval_pipeline.monitoring.provider_change.sighting import Sighting

LOOKS_REMEMBERED: Final = 30
LOOKS_OF_NAMES: Final = 10

Cause = Literal["served_model", "system_fingerprint", "headers", "answers"]


@dataclass(frozen=True)
class Finding:
    """What a sighting says against the earlier ones.

    `reason` is a sentence, empty unless `kind` is changed; `cause` names which sign gave it away.
    Of `compared_answers`, `new_answers` are none that their prompt had been answered with.
    """

    kind: Literal["first", "same", "changed"]
    cause: Cause | None
    reason: str
    new_answers: int
    compared_answers: int


def compare(
    history: Sequence[Sighting], current: Sighting, *, log_threshold: float
) -> tuple[Finding, Sighting]:
    """The finding, and the sighting with the evidence held after it, to be remembered.

    `history` is in order of time; its last `LOOKS_REMEMBERED` are enough. A served model, system
    fingerprint or version header that none of the last `LOOKS_OF_NAMES` looks showed is a change:
    a fleet that alternates between two names is not. So is evidence of the answers past
    `log_threshold` (see `evidence`). A change opens an era: what was before is forgotten.
    """
    known = [seen for seen in history if seen.requested_model == current.requested_model]
    if not known or history[-1].requested_model != current.requested_model:
        return Finding("first", None, "", 0, 0), replace(current, opens_era=True, log_evidence=None)
    era = _era(known)
    before = _answers(era)
    ranks = look_ranks(before, current.answers, salt=f"{current.system_id}|{len(era)}")
    evidence = accumulated(era[-1].log_evidence, log_e_value(ranks))
    counts = _new_answers(before, current.answers)
    named = _appeared(known[-LOOKS_OF_NAMES:], current)
    if named is not None:
        return Finding("changed", *named, *counts), _new_era(current)
    if len(ranks) and evidence >= log_threshold:
        reason = _told(before, current, counts=counts, evidence=evidence, threshold=log_threshold)
        return Finding("changed", "answers", reason, *counts), _new_era(current)
    held = evidence if len(ranks) else era[-1].log_evidence
    return Finding("same", None, "", *counts), replace(current, log_evidence=held)


def era_answers(history: Sequence[Sighting]) -> dict[str, list[AnswerSign]]:
    """By prompt, the answers since the last change, oldest first."""
    return _answers(_era(history))


def _new_era(current: Sighting) -> Sighting:
    return replace(current, opens_era=True, log_evidence=None)


def _era(known: Sequence[Sighting]) -> Sequence[Sighting]:
    opened = [place for place, seen in enumerate(known) if seen.opens_era]
    return known[opened[-1] if opened else 0 :][-LOOKS_REMEMBERED:]


def _answers(era: Sequence[Sighting]) -> dict[str, list[AnswerSign]]:
    answers: dict[str, list[AnswerSign]] = {}
    for prompt, signs in chain.from_iterable(seen.answers.items() for seen in era):
        answers.setdefault(prompt, []).extend(signs)
    return answers


def _new_answers(
    before: Mapping[str, Sequence[AnswerSign]], now: Mapping[str, Sequence[AnswerSign]]
) -> tuple[int, int]:
    new = compared = 0
    for prompt, signs in now.items():
        if prompt in before:
            said = {sign.exact for sign in before[prompt]}
            compared += len(signs)
            new += sum(sign.exact not in said for sign in signs)
    return new, compared


def _appeared(recent: Sequence[Sighting], current: Sighting) -> tuple[Cause, str] | None:
    """The first name that is new, with its sentence.

    A provider that only starts to send a kind of name has changed nothing.
    """
    seen: list[tuple[Cause, str, set[str], Sequence[str]]] = [
        (
            "served_model",
            "served model",
            {name for look in recent for name in look.served_models},
            current.served_models,
        ),
        (
            "system_fingerprint",
            "system fingerprint",
            {name for look in recent for name in look.system_fingerprints},
            current.system_fingerprints,
        ),
        *(
            (
                "headers",
                f"header {header}",
                {value for look in recent for value in look.headers.get(header, ())},
                values,
            )
            for header, values in sorted(current.headers.items())
        ),
    ]
    for cause, kind, known, now in seen:
        new = next((name for name in now if known and name not in known), None)
        if new is not None:
            return cause, f"{kind} {new} appeared, before: {', '.join(sorted(known))}"
    return None


def _told(
    before: Mapping[str, Sequence[AnswerSign]],
    current: Sighting,
    *,
    counts: tuple[int, int],
    evidence: float,
    threshold: float,
) -> str:
    prompts = [prompt for prompt in current.answers if prompt in before]
    length = [
        float(np.mean([sign.length for prompt in prompts for sign in answers[prompt]]))
        for answers in (before, current.answers)
    ]
    new, compared = counts
    return (
        f"{new} of {compared} answers are none that was given before; mean length "
        f"{length[0]:.0f} before, {length[1]:.0f} characters now; evidence "
        f"{_power(evidence)} where {_power(threshold)} is asked for"
    )


def _power(logarithm: float) -> str:
    return f"10^{logarithm / math.log(10):.1f}"
