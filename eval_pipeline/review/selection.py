"""Chooses what people see, from two budgets kept apart: a random audit slice, and the queue."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.fingerprint import smallest_by_hash
from eval_pipeline.review.draw import inclusion_probabilities, systematic_draw
from eval_pipeline.review.minutes import DEFAULT_READING, ReadingRule
from eval_pipeline.review.subjects import task_id_of
from eval_pipeline.review.value import (
    NO_EVIDENCE,
    Evidence,
    chance_of_change,
    consequence,
    pass_share_of,
)
from eval_pipeline.settings import ReviewSettings
from eval_pipeline.tables import DISPUTES

AUDIT: Final = "audit"
DISPUTE: Final = "dispute"
RECURRING: Final = "recurring"
GATE_CRITICAL: Final = "gate_critical"

LEAST_WORTH: Final = 0.5
"""Of the queue's mean: below that a gate-critical interaction would only thin the queue out."""

LEAST_KEPT: Final = 0.5
"""Of the uniform chance, whatever the value says: no weight more than doubles."""


@dataclass(frozen=True)
class Lacking:
    """What the golden set lacks: items of subsets and of kinds, and so many settled labels."""

    subsets: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    labels: int = 0

    def covers(self, row: Mapping[str, Any]) -> bool:
        """Whether an item made of this interaction would be one of those."""
        return row["kind"] in self.kinds or not self.subsets.isdisjoint(row["subsets"] or ())


NOTHING_LACKING: Final = Lacking()


@dataclass(frozen=True)
class Knowledge:
    """What the selection goes by besides the week's verdicts."""

    lacking: Lacking = NOTHING_LACKING
    evidence: Evidence = NO_EVIDENCE
    reading: ReadingRule = DEFAULT_READING


NOTHING_KNOWN: Final = Knowledge()


@dataclass(frozen=True)
class Chosen:
    """The week's tasks as DISPUTES, without priorities yet.

    `frame`: how many interactions could have been queued. `value_share`: how much of the value of
    all of those the drawn ones have; null where the frame is empty.
    """

    tasks: pl.DataFrame
    frame: int
    value_share: float | None


@dataclass(frozen=True)
class _Candidate:
    """A judged interaction: why it may be queued, null if it may not, and its label's value."""

    interaction_id: str
    panel_verdict: str | None
    reason: str | None
    value: float
    minutes: float
    lacking: bool

    @property
    def worth(self) -> float:
        """Value per minute."""
        return self.value / self.minutes


def select_for_review(
    panel_verdicts: pl.DataFrame,
    stratified: pl.DataFrame,
    *,
    policy: ReviewSettings,
    week: str,
    characters: Mapping[str, int] | None = None,
    knowledge: Knowledge = NOTHING_KNOWN,
) -> Chosen:
    """The week's audit slice and queue.

    The audit slice takes the k interactions with the smallest hash of all N judged in the sample,
    whatever the panel says. The queue is drawn, under other salts, from the interactions without a
    panel verdict, from cells in which people keep overruling the panel (`recurring`), and from
    subsets that the gate lacks labels of (`gate_critical`), these as long as a label is worth at
    least half of what it is on average elsewhere in the queue: with the chance pi of
    `inclusion_probabilities` by value per minute, of which everyone keeps half of the uniform
    chance, and what the golden set is lacking all of it. `characters` is how much there is to read.

    An interaction drawn by both is one task, recorded as audit, and leaves its place in the queue
    unfilled. `label_probability` is the chance to be drawn by either, 1 - (1 - k/N)(1 - pi): the
    two draws are independent because their salts differ. It is conditional on being in the sample.
    No budget is lent to the other. Settled labels that the golden set lacks add to the budget, by
    `maximum_extra` at most.
    """
    judged = _candidates(panel_verdicts, stratified, knowledge, characters=characters or {})
    frame = _frame(judged)
    budget = policy.weekly_budget + min(knowledge.lacking.labels, policy.maximum_extra)
    audit_places = round(budget * policy.audit_share)
    audited = set(
        smallest_by_hash([one.interaction_id for one in judged], audit_places, salt=f"audit:{week}")
    )
    chances = _chances(frame, places=budget - audit_places)
    queued = set(systematic_draw(chances, salt=f"dispute:{week}"))
    by_audit = len(audited) / max(len(judged), 1)
    rows = [
        {
            "interaction_id": one.interaction_id,
            "task_id": task_id_of(one.interaction_id, week=week),
            "selection": AUDIT if one.interaction_id in audited else DISPUTE,
            "reason": AUDIT if one.interaction_id in audited else one.reason,
            "panel_verdict": one.panel_verdict,
            "label_probability": 1 - (1 - by_audit) * (1 - chances.get(one.interaction_id, 0.0)),
            "value": one.value,
            "expected_minutes": one.minutes,
            "priority": None,
        }
        for one in judged
        if one.interaction_id in audited | queued
    ]
    drawn = [one.value for one in frame if one.interaction_id in queued]
    return Chosen(
        tasks=DISPUTES.conform(pl.DataFrame(rows, schema=DISPUTES.schema)),
        frame=len(frame),
        value_share=sum(drawn) / sum(one.value for one in frame) if frame else None,
    )


def _frame(judged: list[_Candidate]) -> list[_Candidate]:
    """Those that may be queued, by id."""
    wanted = [one.worth for one in judged if one.reason not in {None, GATE_CRITICAL}]
    least = LEAST_WORTH * math.fsum(wanted) / len(wanted) if wanted else 0.0
    return [
        one
        for one in judged
        if one.reason is not None and (one.reason != GATE_CRITICAL or one.worth >= least)
    ]


def _chances(frame: list[_Candidate], *, places: int) -> dict[str, float]:
    chances = inclusion_probabilities(
        [one.worth for one in frame],
        places=places,
        kept=[1.0 if one.lacking else LEAST_KEPT for one in frame],
    )
    return {one.interaction_id: chance for one, chance in zip(frame, chances, strict=True)}


def _candidates(
    panel_verdicts: pl.DataFrame,
    stratified: pl.DataFrame,
    knowledge: Knowledge,
    *,
    characters: Mapping[str, int],
) -> list[_Candidate]:
    """Every judged interaction of the sample, by id."""
    sampled = stratified.filter(pl.col("selection") == "sample").select(
        "interaction_id", "route", "kind", "subsets"
    )
    rows = panel_verdicts.join(sampled, on="interaction_id").sort("interaction_id").to_dicts()
    evidence, pass_share = knowledge.evidence, pass_share_of(rows)
    critical = evidence.critical
    return [
        _Candidate(
            interaction_id=row["interaction_id"],
            panel_verdict=row["panel_verdict"],
            reason=_reason(row, evidence=evidence, critical=critical),
            value=chance_of_change(row, evidence=evidence, pass_share=pass_share)
            * consequence(
                row["subsets"] or (), evidence=evidence, lacking=knowledge.lacking.covers(row)
            ),
            minutes=knowledge.reading.minutes(characters.get(row["interaction_id"], 0)),
            lacking=knowledge.lacking.covers(row),
        )
        for row in rows
    ]


def _reason(row: Mapping[str, Any], *, evidence: Evidence, critical: frozenset[str]) -> str | None:
    if row["panel_verdict"] is None:
        return str(row["reason"])
    if evidence.recurs(row):
        return RECURRING
    return None if critical.isdisjoint(row["subsets"] or ()) else GATE_CRITICAL
