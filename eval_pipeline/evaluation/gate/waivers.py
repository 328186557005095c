"""What named people's words do to a decision: they stand beside the verdict and never change it.

An approval belongs to one decision as it was measured: any other figure, item, policy or system
makes another decision, and nobody has looked at that one. A waiver belongs to one candidate and
one baseline, both exactly as they are, and to the subsets that it names, until its last day.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, Final

import polars as pl

from eval_pipeline.evaluation.decision import (
    Approval,
    Decision,
    SubsetFinding,
    Waiver,
    waiver_name,
)
from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.settings import GateSettings

OPEN_STATES: Final = ("undecided", "infeasible", "blocked")


def open_subsets(decision: Decision) -> dict[str, SubsetFinding]:
    """What is not certified, by name: a subset, 'all', or `dimension/subset`."""
    findings = (decision.aggregate, *decision.subsets, *decision.dimensions)
    return {waiver_name(finding): finding for finding in findings if finding.state in OPEN_STATES}


def approvals_of(decision: Decision, records: pl.DataFrame | None) -> tuple[Approval, ...]:
    """The approvals of this very decision, as measured, among POLICY_RECORDS; oldest first."""
    if records is None:
        return ()
    own = records.filter(action="approve", decision_id=decision.decision_id)
    return tuple(
        Approval(
            record_id=row["record_id"],
            approved_by=row["decided_by"],
            approved_at=row["decided_at"],
            reason=row["reason"],
        )
        for row in own.iter_rows(named=True)
    )


def standing_waivers(
    decision: Decision,
    records: pl.DataFrame | None,
    *,
    policy: GateSettings,
    as_of: dt.date | None,
) -> tuple[Waiver, ...]:
    """The waivers that hold on the day and name something that is open here, oldest first.

    Of this candidate and baseline as they are now, by people who may waive now, not ended. A
    subset whose loss is proven counts as named only where it was proven when it was waived and the
    policy lets blocks be waived. Without a day nothing is known to hold.
    """
    if records is None or as_of is None or decision.candidate_fingerprint is None:
        return ()
    own = records.filter(
        pl.col("until") >= as_of,
        pl.col("decided_by").is_in(list(policy.may_waive)),
        action="waive",
        candidate_fingerprint=decision.candidate_fingerprint,
        baseline_fingerprint=decision.baseline_fingerprint,
    )
    found = open_subsets(decision)
    waivers = (
        _waiver(row, _covered(row, found, policy=policy)) for row in own.iter_rows(named=True)
    )
    return tuple(waiver for waiver in waivers if waiver.subsets)


def with_people(
    decision: Decision,
    *,
    measured_id: str,
    approvals: Sequence[Approval],
    waivers: Sequence[Waiver],
    waivable: bool,
) -> Decision:
    """The decision with what people said of it, under a new id; as it is if nobody said anything.

    The verdict stays. It is waived if `waivable`, so that nothing but subsets stands in the way,
    and a waiver names each of those that are open.
    """
    if not approvals and not waivers:
        return decision
    named = {name for waiver in waivers for name in waiver.subsets}
    wanted = set(open_subsets(decision))
    told = {
        "measured_id": measured_id,
        "approvals": tuple(approvals),
        "waivers": tuple(waivers),
        "waived": waivable and bool(wanted) and wanted <= named,
    }
    return decision.model_copy(update=told).identified()


def only_subsets(grounds: Grounds, claimed: Iterable[Grounds]) -> bool:
    """Whether nothing stands in the way but what `claimed` says of subsets that can be waived."""
    sentences = {line for part in claimed for line in (*part.blocking, *part.unknown)}
    return not (grounds.invalid or grounds.suspending) and sentences.issuperset(
        (*grounds.blocking, *grounds.unknown)
    )


def _covered(
    row: dict[str, Any], found: dict[str, SubsetFinding], *, policy: GateSettings
) -> tuple[str, ...]:
    proven = set(row["blocked_subsets"]) if policy.waive_blocks else set()
    return tuple(
        name
        for name in sorted(set(row["subsets"]) & set(found))
        if found[name].state != "blocked" or name in proven
    )


def _waiver(row: dict[str, Any], subsets: tuple[str, ...]) -> Waiver:
    return Waiver(
        record_id=row["record_id"],
        subsets=subsets,
        waived_by=row["decided_by"],
        waived_at=row["decided_at"],
        until=row["until"],
        reason=row["reason"],
    )
