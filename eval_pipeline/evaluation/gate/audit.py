"""Whether the gate itself has been held against known faults, and what it made of them.

A gate that is shown to certify what lost its tolerance may certify this candidate for the same
reason, so nothing passes: what it blocks is proven by other means and stays blocked. A gate that is
shown to block what is equal may have done so here.
"""

import polars as pl

from eval_pipeline.evaluation.gate.grounds import Grounds, together
from eval_pipeline.evaluation.gate_audit.sentences import (
    FALSE_ALARMS,
    FALSE_BLOCKS,
    MISSES,
    exceeded_sentences,
    not_made_sentences,
)
from eval_pipeline.evaluation.gate_audit.standing import AuditStanding
from eval_pipeline.settings import GateSettings

COMMAND = "`eval-pipeline audit --week W`"
REQUIRED = f"The policy asks for a gate that was audited: run {COMMAND}."
REMEDY = (
    "A gate that misses planted losses certifies nothing: see docs/gate-audit.md, mend it, then "
    f"run {COMMAND} again."
)


def audit_grounds(
    audit: pl.DataFrame | None, standing: AuditStanding | None, policy: GateSettings
) -> Grounds:
    """From the newest GATE_AUDIT and its age; nothing where a decision is none of an audit's.

    Missing, too old or impossible: a note, or unknown where the policy requires it. Proven misses
    keep a candidate from passing, and proven false blocks suspend what it would block, as the
    policy's `audit` section says.
    """
    if standing is None:
        return Grounds()
    lacking = _lacking(audit, standing, policy)
    if lacking:
        return _absent(lacking, policy)
    if audit is None:
        return Grounds()
    return together((_misses(audit, policy), _false_blocks(audit, policy)))


def _lacking(
    audit: pl.DataFrame | None, standing: AuditStanding, policy: GateSettings
) -> tuple[str, ...]:
    if audit is None or standing.week is None or standing.age_days is None:
        return (f"The gate has not been audited: no fault was planted yet; run {COMMAND}.",)
    limit = policy.audit.maximum_age_days
    if standing.age_days > limit:
        told = (
            f"The gate's newest audit, of {standing.week}, is {standing.age_days} days old; the "
            f"policy accepts {limit}."
        )
        return (told,)
    return tuple(not_made_sentences(audit))


def _absent(sentences: tuple[str, ...], policy: GateSettings) -> Grounds:
    if policy.require_audit:
        return Grounds(unknown=(*sentences, REQUIRED))
    return Grounds(notes=sentences)


def _misses(audit: pl.DataFrame, policy: GateSettings) -> Grounds:
    told = tuple(exceeded_sentences(audit, MISSES))
    if told and policy.audit.when_missing_too_much == "inconclusive":
        return Grounds(unknown=(*told, REMEDY))
    return Grounds(notes=told)


def _false_blocks(audit: pl.DataFrame, policy: GateSettings) -> Grounds:
    told = tuple(exceeded_sentences(audit, FALSE_BLOCKS))
    notes = tuple(exceeded_sentences(audit, FALSE_ALARMS))
    if told and policy.audit.when_blocking_too_much == "inconclusive":
        return Grounds(suspending=told, notes=notes)
    return Grounds(notes=(*told, *notes))
