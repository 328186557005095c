"""What is on record of an item beside its scores: verdicts on both answers, people's labels."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import polars as pl

from eval_pipeline.adapters.model_calls.runner import call_key
from eval_pipeline.evaluation.trial_items import (
    TrialItem,
    golden_items,
    reserve_identity,
    reserve_items,
)
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.reserve import reserve_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.calls import judge_system_id
from eval_pipeline.judging.panel_scoring import PANEL_SCORER, plan_scores
from eval_pipeline.judging.parsing import Unusable, parse_verdict
from eval_pipeline.judging.rubrics import asked_of, pointwise_for
from eval_pipeline.ports import ScoreRequest
from eval_pipeline.reports.telling_items import Vote
from eval_pipeline.settings import JudgeSettings
from eval_pipeline.tables import ADJUDICATIONS, CANDIDATE_AUDIT
from eval_pipeline.truth.entries import item_identity

NOT_RECORDED = "not recorded"
ArmOfItem = tuple[str, str]


def votes_on(
    pipeline: Pipeline, candidate_id: str, trials: pl.DataFrame
) -> dict[ArmOfItem, tuple[Vote, ...]]:
    """By arm and item what each judge said of the answer in `trials`, read from the call journal.

    Nothing is asked. Only answers that judges scored have votes; a call that is not on record, for
    the rubric or a judge has changed since, is told as such.
    """
    judged = trials.filter(
        (pl.col("scorer") == PANEL_SCORER) | pl.col("scorer").str.starts_with(judge_system_id("")),
        pl.col("response").is_not_null(),
    )
    items = {item.item_id: item for item in _items(pipeline, judged)}
    found: dict[ArmOfItem, tuple[Vote, ...]] = {}
    for row in judged.filter(pl.col("item_id").is_in(list(items))).iter_rows(named=True):
        request = _request(items[row["item_id"]], row)
        found[row["arm"], row["item_id"]] = _votes(
            pipeline, request, scope=f"{Candidate.paid_as}:{candidate_id}", scorer=row["scorer"]
        )
    return found


def labels_of_answers(
    pipeline: Pipeline, candidate_id: str, item_ids: Collection[str]
) -> dict[ArmOfItem, str]:
    """By arm and item what people settled of the candidate's audit, in words."""
    audit = pipeline.lake.read_if_made(CANDIDATE_AUDIT, partition=candidate_id)
    if audit is None:
        return {}
    rows = audit.filter(pl.col("item_id").is_in(list(item_ids)), pl.col("label").is_not_null())
    return {
        (row["arm"], row["item_id"]): f"{row['label']}, {_settled(row)}"
        for row in rows.iter_rows(named=True)
    }


def labels_of_items(pipeline: Pipeline, golden: pl.DataFrame) -> dict[str, str]:
    """By item how people settled the answer that was logged, in words; people are not named.

    `golden`: GOLDEN_SET rows. Raises nothing where a week's labels are gone.
    """
    labelled = golden.filter(pl.col("reference_label").is_not_null())
    settled: dict[str, Mapping[str, Any]] = {}
    for week in sorted(set(labelled["week"])):
        rows = pipeline.lake.read_if_made(ADJUDICATIONS, partition=week)
        for row in () if rows is None else rows.iter_rows(named=True):
            settled[item_identity(row["interaction_id"])] = row
    return {
        row["item_id"]: _label(row, settled.get(row["item_id"]))
        for row in labelled.iter_rows(named=True)
    }


def _items(pipeline: Pipeline, trials: pl.DataFrame) -> Iterable[TrialItem]:
    wanted = set(trials["item_id"])
    for version in sorted(set(trials["golden_version"])):
        golden = pipeline.golden.items(version)
        held = golden.filter(pl.col("item_id").is_in(list(wanted)))
        yield from golden_items(held, golden_version=version)
        missing = sorted(wanted - set(held["item_id"]))
        if missing:
            reserve = reserve_of(pipeline, version=version)
            known = [item for item in missing if item in _reserve_ids(reserve)]
            yield from reserve_items(reserve, known, look=1, golden_version=version)


def _reserve_ids(reserve: pl.DataFrame) -> set[str]:
    return {reserve_identity(one) for one in reserve["interaction_id"]}


def _request(item: TrialItem, row: Mapping[str, Any]) -> ScoreRequest:
    return ScoreRequest(
        item_id=item.item_id,
        trial=row["trial"],
        route=row["route"],
        messages=item.messages,
        response=row["response"],
        reference_response=item.reference_response,
        expected_behaviour=item.expected_behaviour,
    )


def _votes(
    pipeline: Pipeline, request: ScoreRequest, *, scope: str, scorer: str
) -> tuple[Vote, ...]:
    judges: dict[str, JudgeSettings] = dict(pipeline.settings.judges)
    alone = scorer.removeprefix(judge_system_id(""))
    if alone in judges:
        judges = {alone: judges[alone]}
    calls = plan_scores([request], judges=judges, rubrics=pipeline.rubrics, scope=scope)
    recorded = pipeline.journal.settled_calls([call_key(call) for call in calls])
    rubric = asked_of(pointwise_for(pipeline.rubrics, request.route), request.expected_behaviour)
    votes = []
    for judge_id, call in zip(judges, calls, strict=True):
        attempt = recorded.get(call_key(call))
        if attempt is None:
            votes.append(Vote(judge_id, None, error=NOT_RECORDED))
            continue
        answer = parse_verdict(attempt.text, rubric=rubric)
        if isinstance(answer, Unusable):
            votes.append(Vote(judge_id, None, error=answer.code))
        else:
            votes.append(Vote(judge_id, answer.verdict, rationale=answer.rationale))
    return tuple(votes)


def _settled(row: Mapping[str, Any]) -> str:
    how = {"agreement": "two agreed", "adjudication": "adjudicated"}.get(
        row["settled_by"], "settled"
    )
    return f"{how} (scripted)" if row["annotator_kind"] == "scripted" else how


def _label(golden: Mapping[str, Any], settled: Mapping[str, Any] | None) -> str:
    """'The logged answer was labelled fail by agreement: fail, fail. Its reason'."""
    told = f"The logged answer was labelled {golden['reference_label']} by {golden['label_source']}"
    if golden["annotator_kind"] == "scripted":
        told += " of scripts"
    if settled is None:
        return f"{told}."
    told += f": {', '.join(settled['labels'])}." if settled["labels"] else "."
    return f"{told} {settled['rationale']}" if settled["rationale"] else told
