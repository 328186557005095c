"""The gate over everything that is known of a candidate, and the page that tells it to people."""

import datetime as dt
from collections.abc import Collection

import polars as pl

from eval_pipeline.errors import MissingPartitionError
from eval_pipeline.evaluation.decision import Decision, read_decision
from eval_pipeline.evaluation.exclusions import exclusion_sentences
from eval_pipeline.evaluation.gate import Evidence, decide
from eval_pipeline.evaluation.trials import SYNTHETIC, reserve_names
from eval_pipeline.evaluation.verbatim import memorisation_sentences
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.contamination import excluded_ids, known_items
from eval_pipeline.flows.dimensions import dimensions_held
from eval_pipeline.flows.memorisation import memorised_by_candidate
from eval_pipeline.flows.regression import version_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.judging.pairwise import order_sentences
from eval_pipeline.ports import Message
from eval_pipeline.reports import formats
from eval_pipeline.reports.pages import ExampleItem, decision_page
from eval_pipeline.settings import SYNTHETIC_SUBSET, GateSettings, family_sentences
from eval_pipeline.tables import (
    ANNOTATOR_AGREEMENT,
    ANONYMISED_INTERACTIONS,
    DRIFT_REPORT,
    GATE_DECISION,
    JUDGE_CALIBRATION,
    OPERATIONS_REPORT,
    REGRESSION_REPORT,
    REGRESSION_TRIALS,
    Table,
)

MODEL_SCORERS = ("panel", "judge", "preference")
EXAMPLES_PER_SUBSET = 4
ERASED = ((Message("erased", "Erased on request, or with its week."),), None)
"""What stands for an item whose texts are gone: its scores still say why the gate decided."""


def decide_on(pipeline: Pipeline, candidate: Candidate) -> Decision:
    """The decision on a candidate whose trials, report and operations are in the lake."""
    partition = candidate.candidate_id
    asked = pipeline.lake.read(REGRESSION_TRIALS, partition=partition)
    version = version_of(pipeline, asked)
    known = known_items(pipeline, candidate, version=version)
    trials = asked.filter(~pl.col("item_id").is_in(excluded_ids(known)))
    panel_scored = _rests_on_models(trials, pipeline.settings.gate)
    return decide(
        pipeline.lake.read(REGRESSION_REPORT, partition=partition),
        candidate_id=candidate.candidate_id,
        baseline_id=candidate.baseline_id,
        golden_version=version,
        policy=pipeline.settings.gate,
        evidence=Evidence(
            trials=trials,
            calibration=_newest(pipeline, JUDGE_CALIBRATION),
            operations=pipeline.lake.read(OPERATIONS_REPORT, partition=partition),
            drift=_newest(pipeline, DRIFT_REPORT),
            agreement=_newest(pipeline, ANNOTATOR_AGREEMENT),
            golden_age_days=_age_in_days(pipeline, version),
            judge_only=True,
            panel_scored=panel_scored,
            notes=(
                *(judge_sentences(pipeline, candidate, trials) if panel_scored else ()),
                *exclusion_sentences(
                    known,
                    candidate_id=candidate.candidate_id,
                    baseline_id=candidate.baseline_id,
                ),
                *memorisation_sentences(
                    memorised_by_candidate(pipeline, candidate, trials),
                    words=pipeline.settings.golden.contamination.verbatim_words,
                ),
            ),
        ),
    )


def judge_sentences(pipeline: Pipeline, candidate: Candidate, trials: pl.DataFrame) -> list[str]:
    """What the decision says of the judges behind its scores: whose kin they are, who is alone."""
    systems = {
        candidate.baseline_id: candidate.baseline,
        candidate.candidate_id: candidate.system,
    }
    alone = sorted(
        scorer.removeprefix("judge:")
        for scorer in trials["scorer"].unique().to_list()
        if scorer.startswith("judge:")
    )
    return [
        *family_sentences(pipeline.settings.judges, systems),
        *(f"Judge '{judge}' scored alone: no panel stood behind it." for judge in alone),
        *order_sentences(trials),
    ]


def write_pages(pipeline: Pipeline, candidate_id: str, decision: Decision) -> str:
    """Writes the decision as HTML and JSON beside its row; returns where the page is."""
    for path, data in render_pages(pipeline, candidate_id, decision).items():
        pipeline.lake.write_bytes(path, data)
    return page_path(pipeline, candidate_id)


def render_pages(
    pipeline: Pipeline,
    candidate_id: str,
    decision: Decision,
    *,
    erased: Collection[str] = (),
) -> dict[str, bytes]:
    """The decision as HTML and JSON, by path; items that were erased, or are, show that.

    `erased` are item ids whose texts are not shown although they are still there.
    """
    told = decision.model_dump(mode="json")
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=candidate_id)
    version = version_of(pipeline, trials)
    page = decision_page(
        told,
        pipeline.lake.read(REGRESSION_REPORT, partition=candidate_id),
        examples=_examples(pipeline, decision, trials, erased=erased),
        drift=_drift_so_far(pipeline),
        operations=pipeline.lake.read(OPERATIONS_REPORT, partition=candidate_id),
        dimensions=dimensions_held(pipeline, candidate_id),
        golden=pipeline.golden.manifest(version).model_dump(mode="json", exclude={"canary"}),
    )
    return {
        _page(candidate_id, "html"): page.encode(),
        _page(candidate_id, "json"): formats.as_json(told).encode(),
    }


def load_decision(pipeline: Pipeline, candidate_id: str) -> Decision:
    """The decision as it was written."""
    row = pipeline.lake.read(GATE_DECISION, partition=candidate_id).row(0, named=True)
    return read_decision(row["decision_json"])


def page_path(pipeline: Pipeline, candidate_id: str) -> str:
    """Where the decision's page lies: a file, or an object's URL."""
    return pipeline.lake.describe(_page(candidate_id, "html"))


def read_page(pipeline: Pipeline, candidate_id: str) -> str:
    """The decision's page; raises `MissingPartitionError` before the decision."""
    try:
        return pipeline.lake.read_bytes(_page(candidate_id, "html")).decode()
    except FileNotFoundError:
        command = GATE_DECISION.command_for(candidate_id)
        raise MissingPartitionError(GATE_DECISION.name, candidate_id, command) from None


def _page(candidate_id: str, suffix: str) -> str:
    return f"{GATE_DECISION.name}/candidate={candidate_id}/decision.{suffix}"


def _newest(pipeline: Pipeline, table: Table) -> pl.DataFrame | None:
    weeks = pipeline.lake.partitions(table)
    return pipeline.lake.read(table, partition=weeks[-1]) if weeks else None


def _drift_so_far(pipeline: Pipeline) -> pl.DataFrame | None:
    if not pipeline.lake.partitions(DRIFT_REPORT):
        return None
    return pipeline.lake.read_all(DRIFT_REPORT, partition_column="week")


def _age_in_days(pipeline: Pipeline, version: int) -> int:
    """From the end of the week whose labels the version holds until the newest week's end.

    Counted in the logs' own time, so that the same inputs give the same decision on any day.
    """
    labelled = dt.date.fromisoformat(pipeline.golden.manifest(version).week)
    weeks = pipeline.lake.partitions(ANONYMISED_INTERACTIONS)
    newest = dt.date.fromisoformat(weeks[-1]) if weeks else labelled
    return max(0, (newest - labelled).days)


def _rests_on_models(trials: pl.DataFrame, policy: GateSettings) -> bool:
    """Whether a model's verdict is behind a score that can decide."""
    deciding = trials
    if not policy.decides_on(SYNTHETIC_SUBSET):
        deciding = trials.filter(pl.col("source").ne_missing(SYNTHETIC))
    scorers = deciding["scorer"].unique().to_list()
    return any(scorer.split(":")[0] in MODEL_SCORERS for scorer in scorers)


def _examples(
    pipeline: Pipeline, decision: Decision, trials: pl.DataFrame, *, erased: Collection[str]
) -> list[ExampleItem]:
    """The items that a blocked subset lost, both answers side by side."""
    chosen = [
        (finding.subset, item_id)
        for finding in (*decision.subsets, decision.aggregate)
        for item_id in finding.losing_items[:EXAMPLES_PER_SUBSET]
    ]
    held = {item_id for _, item_id in chosen} - set(erased)
    texts = _texts(pipeline, held, trials)
    arms = {(row["arm"], row["item_id"]): row for row in trials.iter_rows(named=True)}
    examples: dict[str, ExampleItem] = {}
    for subset, item_id in chosen:
        baseline, candidate = arms["baseline", item_id], arms["candidate", item_id]
        messages, reference = texts.get(item_id, ERASED)
        examples.setdefault(
            item_id,
            ExampleItem(
                item_id=item_id,
                subset=subset,
                conversation=messages,
                reference=reference,
                baseline_response=baseline["response"] if item_id in texts else None,
                candidate_response=candidate["response"] if item_id in texts else None,
                baseline_score=baseline["score"],
                candidate_score=candidate["score"],
            ),
        )
    return list(examples.values())


def _texts(
    pipeline: Pipeline, item_ids: set[str], trials: pl.DataFrame
) -> dict[str, tuple[tuple[Message, ...], str | None]]:
    """The anonymised conversation and reference of golden and reserve items, by item id."""
    versions = trials["golden_version"].unique().to_list()
    found: dict[str, tuple[tuple[Message, ...], str | None]] = {}
    for version in sorted(versions):
        items = pipeline.golden.items(version).filter(pl.col("item_id").is_in(item_ids))
        for row in items.iter_rows(named=True):
            found[row["item_id"]] = (_messages(row), row["reference_response"])
    missing = {item_id for item_id in item_ids if item_id not in found}
    if missing:
        reserve = pipeline.lake.read_all(ANONYMISED_INTERACTIONS)
        for row in reserve.select("interaction_id", "messages").iter_rows(named=True):
            for item_id in missing.intersection(reserve_names(row["interaction_id"])):
                found[item_id] = (_messages(row), None)
    return found


def _messages(row: dict[str, object]) -> tuple[Message, ...]:
    messages: list[dict[str, str]] = row["messages"]  # type: ignore[assignment]
    return tuple(Message(part["role"], part["content"]) for part in messages)
