"""A candidate becomes the baseline: recorded by a named person, on a decision that lets it.

The configuration alone says which system is the baseline. A promotion changes no file: it tells
the lines to change, and every decision and `doctor` say so for as long as the two differ.
"""

import datetime as dt
from collections.abc import Iterator

from eval_pipeline.adapters.policy_records import PolicyRecord
from eval_pipeline.errors import PolicyRecordError
from eval_pipeline.evaluation.decision import Decision, newest_row, read_decision
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.flows.candidates import (
    CANDIDATE_SUFFIX,
    Candidate,
    configured_fingerprint,
    resolve_candidate,
)
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import GATE_DECISION


def promote(pipeline: Pipeline, candidate_id: str, *, by: str, reason: str) -> PolicyRecord:
    """Records the promotion and returns it; `lines_to_change` says what is left to do.

    Raises `PolicyRecordError` unless there is a decision on exactly this candidate, against exactly
    the present baseline, under the present policy, that passes or is waived today.
    """
    candidate = resolve_candidate(pipeline.project, candidate_id)
    decision = _newest_decision(pipeline, candidate_id)
    now = pipeline.clock()
    found = list(obstacles(candidate, decision, policy=pipeline.settings.gate, today=now.date()))
    if found:
        raise PolicyRecordError(
            f"'{candidate_id}' cannot be promoted: {' '.join(found)} Nothing was recorded."
        )
    record = PolicyRecord(
        action="promote",
        candidate_id=candidate_id,
        candidate_fingerprint=candidate.fingerprint,
        baseline_id=candidate.baseline_id,
        baseline_fingerprint=candidate.baseline_fingerprint,
        decision_id=decision.decision_id,
        decided_by=by,
        reason=pipeline.anonymiser.mask_text(reason),
        decided_at=now,
    )
    return pipeline.policy_records.append_unless_standing(record)


def lines_to_change(pipeline: Pipeline, candidate_id: str) -> str:
    """What to write into the configuration, so that the promoted system is the baseline."""
    settings = pipeline.settings
    if candidate_id in settings.systems:
        return f"In {pipeline.project.file}, write `baseline: {candidate_id}`."
    file = f"{settings.candidates.folder}/{candidate_id}{CANDIDATE_SUFFIX}"
    return (
        f"In {pipeline.project.file}, put what stands in {file} under `systems.{candidate_id}` and "
        f"write `baseline: {candidate_id}`; then remove {file}."
    )


def promotion_sentences(pipeline: Pipeline) -> list[str]:
    """Where the newest promotion and the configuration differ, in a sentence; else nothing."""
    newest = pipeline.policy_records.newest_promotion()
    if newest is None:
        return []
    settings = pipeline.settings
    told = f"{newest.decided_by} promoted '{newest.candidate_id}' on {newest.decided_at:%Y-%m-%d}"
    if settings.baseline != newest.candidate_id:
        return [f"{told}, and `baseline` still names '{settings.baseline}'."]
    if configured_fingerprint(settings.systems[settings.baseline]) != newest.candidate_fingerprint:
        return [f"{told}, and the system of this name is configured otherwise today."]
    return []


def _newest_decision(pipeline: Pipeline, candidate_id: str) -> Decision:
    if not pipeline.lake.has(GATE_DECISION, partition=candidate_id):
        raise PolicyRecordError(
            f"'{candidate_id}' cannot be promoted: there is no decision on it. Nothing was "
            f"recorded. Run `eval-pipeline gate --candidate {candidate_id}`."
        )
    row = newest_row(pipeline.lake.read(GATE_DECISION, partition=candidate_id))
    return read_decision(row["decision_json"])


def obstacles(
    candidate: Candidate, decision: Decision, *, policy: GateSettings, today: dt.date
) -> Iterator[str]:
    """What keeps the candidate from being promoted on this decision; nothing if it may be."""
    if candidate.recorded_week is not None:
        yield "It is a provider's change of a system that is in use already, and no other system."
        return
    again = f"Run `eval-pipeline gate --candidate {candidate.candidate_id}` again."
    if decision.candidate_fingerprint != candidate.fingerprint:
        yield f"The decision is on another state of it: it was changed since. {again}"
    elif (decision.baseline, decision.baseline_fingerprint) != (
        candidate.baseline_id,
        candidate.baseline_fingerprint,
    ):
        yield (
            f"The decision compares it with '{decision.baseline}' as it was, and the baseline "
            f"is '{candidate.baseline_id}' as it is configured now. {again}"
        )
    elif decision.policy_fingerprint != fingerprint(policy.model_dump(mode="json", by_alias=True)):
        yield f"The decision was made under another policy. {again}"
    elif decision.verdict != "pass" and not decision.waived:
        yield f"The decision is {decision.verdict}, and what is open is not waived."
    elif any(waiver.until < today for waiver in decision.waivers):
        yield f"A waiver that the decision rests on has ended. {again}"
