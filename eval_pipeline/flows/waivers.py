"""What named people say of a decision: that they looked, or that they accept what is open."""

import datetime as dt
from collections.abc import Collection

import polars as pl

from eval_pipeline.adapters.policy_records import Action, PolicyRecord, records_frame
from eval_pipeline.errors import PolicyRecordError
from eval_pipeline.evaluation.decision import Decision, newest_row, read_decision
from eval_pipeline.evaluation.gate.waivers import open_subsets
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.tables import GATE_DECISION

NOTHING = "Nothing was recorded."


def records_of(pipeline: Pipeline, candidate_id: str) -> pl.DataFrame:
    """The POLICY_RECORDS of a candidate, as the store holds them."""
    return records_frame(pipeline.policy_records.of_candidate(candidate_id))


def decision_named(pipeline: Pipeline, named: str) -> Decision:
    """The newest decision on the candidate of this name, or the one of this id if it is newest.

    Raises `PolicyRecordError` if there is none: what was decided before is nobody's to waive.
    """
    candidates = pipeline.lake.partitions(GATE_DECISION)
    for candidate_id in [named] if named in candidates else candidates:
        row = newest_row(pipeline.lake.read(GATE_DECISION, partition=candidate_id))
        decision = read_decision(row["decision_json"])
        if named in {candidate_id, decision.decision_id, decision.measured_id}:
            return decision
    raise PolicyRecordError(
        f"No candidate's newest decision is '{named}'. {NOTHING} Name the decision's id, or its "
        f"candidate; decided are: {', '.join(candidates) or 'none'}."
    )


def approve(pipeline: Pipeline, named: str, *, by: str, reason: str) -> PolicyRecord:
    """Records that a person looked at the decision as it was measured.

    Any other figure, item, policy or system makes another decision, which this does not cover.
    """
    return _record(pipeline, decision_named(pipeline, named), "approve", by=by, reason=reason)


def waive(
    pipeline: Pipeline,
    named: str,
    *,
    by: str,
    reason: str,
    until: dt.date,
    subsets: Collection[str] = (),
) -> PolicyRecord:
    """Records that a person accepts what is open, through the day `until`.

    `subsets` are names of subsets, 'all', or `dimension/subset`; none: all that is open. Raises
    `PolicyRecordError` unless the policy lets this person waive just that.
    """
    _may_waive(pipeline, by)
    decision = decision_named(pipeline, named)
    if until < pipeline.clock().date():
        raise PolicyRecordError(f"{until} is past, so it would waive nothing. {NOTHING}")
    found = open_subsets(decision)
    if decision.verdict in {"pass", "invalid"} or not found:
        raise PolicyRecordError(
            f"The decision on '{decision.candidate}' is {decision.verdict}, and no subset is open "
            f"in it that a waiver could name. {NOTHING}"
        )
    chosen = sorted(set(subsets) or set(found))
    strangers = [name for name in chosen if name not in found]
    if strangers:
        raise PolicyRecordError(
            f"'{strangers[0]}' is not open in the decision on '{decision.candidate}'; open are: "
            f"{', '.join(sorted(found))}. {NOTHING}"
        )
    blocked = tuple(name for name in chosen if found[name].state == "blocked")
    if blocked and not pipeline.settings.gate.waive_blocks:
        raise PolicyRecordError(
            f"'{blocked[0]}' is blocked: its loss is proven, and `gate.waive_blocks` is false. "
            f"{NOTHING}"
        )
    return _record(
        pipeline,
        decision,
        "waive",
        by=by,
        reason=reason,
        subsets=tuple(chosen),
        blocked=blocked,
        until=until,
    )


def _may_waive(pipeline: Pipeline, by: str) -> None:
    listed = pipeline.settings.gate.may_waive
    if by not in listed:
        named = f"names {', '.join(listed)}" if listed else "names nobody"
        raise PolicyRecordError(f"'{by}' may not waive: `gate.may_waive` {named}. {NOTHING}")


def _record(
    pipeline: Pipeline,
    decision: Decision,
    action: Action,
    *,
    by: str,
    reason: str,
    subsets: tuple[str, ...] = (),
    blocked: tuple[str, ...] = (),
    until: dt.date | None = None,
) -> PolicyRecord:
    if decision.candidate_fingerprint is None or decision.baseline_fingerprint is None:
        raise PolicyRecordError(
            f"The decision on '{decision.candidate}' was made before decisions named their systems "
            f"exactly. {NOTHING} Run `eval-pipeline gate --candidate {decision.candidate}` again."
        )
    record = PolicyRecord(
        action=action,
        candidate_id=decision.candidate,
        candidate_fingerprint=decision.candidate_fingerprint,
        baseline_id=decision.baseline,
        baseline_fingerprint=decision.baseline_fingerprint,
        decision_id=decision.basis_id,
        decided_by=by,
        reason=pipeline.anonymiser.mask_text(reason),
        decided_at=pipeline.clock(),
        subsets=subsets,
        blocked_subsets=blocked,
        until=until,
    )
    return pipeline.policy_records.append_unless_standing(record)
