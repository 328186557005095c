"""People label a candidate's answers: which are asked, how far they are, and what they correct."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import polars as pl

from eval_pipeline.evaluation.human_correction.audited import (
    asked_arm,
    audit_interaction,
    audited_pairs,
    draw_audit,
)
from eval_pipeline.evaluation.human_correction.rectifying import rectify, scores_fingerprint
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.contamination import unknown_trials
from eval_pipeline.flows.item_texts import item_texts
from eval_pipeline.flows.regression import version_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.rubrics import pointwise_for
from eval_pipeline.review.adjudication import settle
from eval_pipeline.review.candidate_tasks import audit_group, queued_answers
from eval_pipeline.review.subjects import TEXT_COLUMNS, review_subjects
from eval_pipeline.tables import CANDIDATE_AUDIT, MESSAGES, REGRESSION_TRIALS

GIVEN: Final = "given"
NOT_QUEUED: Final = "not_queued"
STALE: Final = "stale"


_ANSWERS: Final = pl.Schema(
    {
        "item_id": pl.String,
        "route": pl.String,
        "label_stratum": pl.String,
        "label_probability": pl.Float64,
        "arm": pl.String,
        "score": pl.Float64,
        "response": pl.String,
        "interaction_id": pl.String,
    }
)


@dataclass(frozen=True)
class QueuedAudit:
    """Items drawn, review tasks they make, and how many of those were not open before."""

    group: str
    items: int
    tasks: int
    opened: int


def queue_audit(pipeline: Pipeline, candidate: Candidate) -> QueuedAudit:
    """Opens a task for every answer that the candidate's audit draws; again, it opens no more.

    Each answer is shown alone, and two equal answers to an item are one task. Items whose texts
    were erased meanwhile are not asked.
    """
    trials = audited_trials(pipeline, candidate)
    drawn = _drawn(pipeline, candidate, trials)
    answers = pl.DataFrame(list(_answers(drawn, candidate)), schema=_ANSWERS)
    group = _group(pipeline, candidate)
    if answers.is_empty():
        return QueuedAudit(group, 0, 0, 0)
    texts = item_texts(pipeline, answers["item_id"].to_list(), trials)
    shown = answers.filter(
        pl.col("interaction_id").is_not_null(),
        pl.col("response").is_not_null(),
        pl.col("item_id").is_in(list(texts)),
    ).unique("interaction_id", keep="first", maintain_order=True)
    messages = [[asdict(message) for message in texts[item_id][0]] for item_id in shown["item_id"]]
    told = shown.with_columns(messages=pl.Series(messages, dtype=MESSAGES))
    subjects = review_subjects(
        queued_answers(told, group=group),
        told.select(TEXT_COLUMNS),
        rubrics=pipeline.rubrics,
        annotators_per_item=pipeline.settings.review.annotators_per_item,
    )
    opened = pipeline.review.open_tasks(subjects, week=group, at=pipeline.clock())
    return QueuedAudit(group, shown["item_id"].n_unique(), shown.height, opened)


def audit_candidate(pipeline: Pipeline, candidate: Candidate) -> pl.DataFrame:
    """The CANDIDATE_AUDIT as it stands: what is drawn, and what people said of it so far.

    Where the policy audits every candidate, the tasks are opened first.
    """
    if pipeline.settings.gate.human.automatic:
        queue_audit(pipeline, candidate)
    trials = audited_trials(pipeline, candidate)
    answers = list(_answers(_drawn(pipeline, candidate, trials), candidate))
    standing = _standing(pipeline, candidate)
    rows = [_row(pipeline, answer, standing.get(answer["interaction_id"])) for answer in answers]
    return CANDIDATE_AUDIT.conform(pl.DataFrame(rows, schema=CANDIDATE_AUDIT.schema))


def correct_candidate(
    pipeline: Pipeline, candidate: Candidate, audit: pl.DataFrame
) -> pl.DataFrame:
    """The HUMAN_CORRECTION of a candidate's scores by a CANDIDATE_AUDIT."""
    trials = audited_trials(pipeline, candidate)
    return rectify(
        audited_pairs(trials),
        audit,
        policy=pipeline.settings.gate.human,
        trials_fingerprint=scores_fingerprint(trials),
    )


def audited_trials(pipeline: Pipeline, candidate: Candidate) -> pl.DataFrame:
    """The candidate's REGRESSION_TRIALS without items that a system may have known."""
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=candidate.candidate_id)
    return unknown_trials(pipeline, candidate, trials, version=version_of(pipeline, trials))


def _group(pipeline: Pipeline, candidate: Candidate) -> str:
    return audit_group(
        candidate.candidate_id,
        {
            "candidate": candidate.system.model_dump(mode="json"),
            "baseline": candidate.baseline.model_dump(mode="json"),
            "rubrics": sorted(rubric.rubric_id for rubric in pipeline.rubrics),
        },
    )


def _drawn(pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame) -> pl.DataFrame:
    return draw_audit(
        audited_pairs(trials),
        candidate_id=candidate.candidate_id,
        policy=pipeline.settings.gate.human,
    )


def _answers(drawn: pl.DataFrame, candidate: Candidate) -> Iterator[dict[str, Any]]:
    """Both arms of every drawn item; interaction_id is null where no judge scored the answer."""
    for pair in drawn.iter_rows(named=True):
        both = pair["judged_baseline"] and pair["judged_candidate"]
        same = both and pair["response_baseline"] == pair["response_candidate"]
        for arm in ("baseline", "candidate"):
            named = asked_arm(arm, same_answer=same)
            yield {
                **{name: pair[name] for name in ("item_id", "route", "label_stratum")},
                "label_probability": pair["label_probability"],
                "arm": arm,
                "score": pair[f"score_{arm}"],
                "response": pair[f"response_{arm}"],
                "interaction_id": audit_interaction(
                    candidate.candidate_id, pair["item_id"], arm=named
                )
                if pair[f"judged_{arm}"]
                else None,
            }


def _standing(pipeline: Pipeline, candidate: Candidate) -> dict[str, dict[str, Any]]:
    """By interaction: the task of the group, its state, and its settled label if it has one."""
    group = _group(pipeline, candidate)
    tasks = pipeline.review.tasks(group)
    settlement = settle(
        tasks,
        pipeline.review.labels(group),
        pipeline.review.adjudications(group),
        policy=pipeline.settings.review,
    )
    states = dict(settlement.states.select("task_id", "state").iter_rows())
    labels = {row["task_id"]: row for row in settlement.settled.iter_rows(named=True)}
    return {
        task["interaction_id"]: {
            "task_id": task["task_id"],
            "state": states[task["task_id"]],
            "response": json.loads(task["subject_json"]).get("response"),
            "rubric_id": task["rubric_id"],
            "settled": labels.get(task["task_id"]),
        }
        for task in tasks.iter_rows(named=True)
    }


def _row(
    pipeline: Pipeline, answer: Mapping[str, Any], task: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The answer as CANDIDATE_AUDIT has it; a label of another answer is no label of this one."""
    row = {
        name: answer[name]
        for name in ("arm", "item_id", "label_stratum", "label_probability", "score")
    }
    if answer["interaction_id"] is None:
        return {**row, "state": GIVEN}
    if task is None:
        return {**row, "state": NOT_QUEUED}
    asked_by = pointwise_for(pipeline.rubrics, answer["route"]).rubric_id
    if task["response"] != answer["response"] or task["rubric_id"] != asked_by:
        return {**row, "state": STALE, "task_id": task["task_id"]}
    settled = task["settled"] or {}
    told = ("label", "settled_by", "annotators", "labels", "annotator_kind", "labelled_on")
    return {
        **row,
        "task_id": task["task_id"],
        "state": task["state"],
        **{name: settled.get(name) for name in told},
    }
