"""The page that tells a decision to people, and the same as JSON beside it."""

from collections.abc import Collection

import polars as pl

from eval_pipeline.errors import MissingPartitionError
from eval_pipeline.evaluation.decision import Decision
from eval_pipeline.flows.dimensions import dimensions_held
from eval_pipeline.flows.item_texts import item_texts
from eval_pipeline.flows.page_evidence import beside_decision
from eval_pipeline.flows.regression import version_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.ports import Message
from eval_pipeline.reports import formats
from eval_pipeline.reports.pages import ExampleItem, decision_page
from eval_pipeline.tables import (
    DRIFT_REPORT,
    GATE_DECISION,
    OPERATIONS_REPORT,
    REGRESSION_REPORT,
    REGRESSION_TRIALS,
)

EXAMPLES_PER_SUBSET = 4
ERASED = ((Message("erased", "Erased on request, or with its week."),), None)
"""What stands for an item whose texts are gone: its scores still say why the gate decided."""


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
        beside=beside_decision(pipeline, candidate_id),
        golden=pipeline.golden.manifest(version).model_dump(mode="json", exclude={"canary"}),
    )
    return {
        _page(candidate_id, "html"): page.encode(),
        _page(candidate_id, "json"): formats.as_json(told).encode(),
    }


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


def _drift_so_far(pipeline: Pipeline) -> pl.DataFrame | None:
    if not pipeline.lake.partitions(DRIFT_REPORT):
        return None
    return pipeline.lake.read_all(DRIFT_REPORT, partition_column="week")


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
    texts = item_texts(pipeline, held, trials)
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
