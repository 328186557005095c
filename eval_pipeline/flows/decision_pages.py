"""The page that tells a decision to people, and the same as JSON beside it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from eval_pipeline.errors import CorruptFileError, MissingPartitionError
from eval_pipeline.evaluation.decision import Decision
from eval_pipeline.evaluation.telling_items import TellingItem, telling_items
from eval_pipeline.flows.contamination import excluded_ids
from eval_pipeline.flows.dimensions import dimensions_held
from eval_pipeline.flows.item_evidence import labels_of_answers, labels_of_items, votes_on
from eval_pipeline.flows.item_texts import item_texts
from eval_pipeline.flows.page_evidence import beside_decision
from eval_pipeline.flows.regression import version_of
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.ports import Message
from eval_pipeline.reports import formats
from eval_pipeline.reports.pages import decision_page
from eval_pipeline.reports.telling_items import ExampleItem, Vote
from eval_pipeline.tables import (
    CANDIDATE_CONTAMINATION,
    DRIFT_REPORT,
    GATE_DECISION,
    OPERATIONS_REPORT,
    REGRESSION_REPORT,
    REGRESSION_TRIALS,
)

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
    trials = counting_trials(pipeline, candidate_id)
    version = version_of(pipeline, trials)
    page = decision_page(
        told,
        pipeline.lake.read(REGRESSION_REPORT, partition=candidate_id),
        examples=_examples(pipeline, decision, trials, erased=erased),
        drift=_drift_so_far(pipeline),
        operations=pipeline.lake.read(OPERATIONS_REPORT, partition=candidate_id),
        dimensions=dimensions_held(pipeline, candidate_id),
        beside=beside_decision(pipeline, candidate_id, trials),
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
    except UnicodeDecodeError:
        place = pipeline.lake.describe(_page(candidate_id, "html"))
        remedy = f"Run `{GATE_DECISION.command_for(candidate_id)}` again, which writes it."
        raise CorruptFileError(place, "it is not text in UTF-8", remedy) from None


def _page(candidate_id: str, suffix: str) -> str:
    return f"{GATE_DECISION.name}/candidate={candidate_id}/decision.{suffix}"


def _drift_so_far(pipeline: Pipeline) -> pl.DataFrame | None:
    if not pipeline.lake.partitions(DRIFT_REPORT):
        return None
    return pipeline.lake.read_all(DRIFT_REPORT, partition_column="week")


def counting_trials(pipeline: Pipeline, candidate_id: str) -> pl.DataFrame:
    """The candidate's REGRESSION_TRIALS without items that a system may know beforehand."""
    trials = pipeline.lake.read(REGRESSION_TRIALS, partition=candidate_id)
    known = pipeline.lake.read_if_made(CANDIDATE_CONTAMINATION, partition=candidate_id)
    if known is None:
        return trials
    return trials.filter(~pl.col("item_id").is_in(excluded_ids(known)))


def shown_items(pipeline: Pipeline, candidate_id: str, decision: Decision) -> list[TellingItem]:
    """The items that the decision's page shows, in its order; scores alone choose them."""
    return _telling(decision, counting_trials(pipeline, candidate_id))


def _telling(decision: Decision, trials: pl.DataFrame) -> list[TellingItem]:
    findings = (*decision.subsets, decision.aggregate)
    return telling_items(trials, {one.subset: one.state for one in findings})


def _examples(
    pipeline: Pipeline, decision: Decision, trials: pl.DataFrame, *, erased: Collection[str]
) -> list[ExampleItem]:
    """The most telling items with both answers, what judges and people said of them."""
    chosen = _telling(decision, trials)
    held = {one.item_id for one in chosen} - set(erased)
    texts = item_texts(pipeline, held, trials)
    rows = trials.filter(pl.col("item_id").is_in([one.item_id for one in chosen]))
    first = rows.sort("trial").unique(["arm", "item_id"], keep="first", maintain_order=True)
    readable = first.filter(pl.col("item_id").is_in(list(texts)))
    evidence = _Evidence(
        arms={(row["arm"], row["item_id"]): row for row in first.iter_rows(named=True)},
        means=_means(rows),
        texts=texts,
        votes=votes_on(pipeline, decision.candidate, readable),
        people=labels_of_answers(pipeline, decision.candidate, texts),
        labels=_labels(pipeline, texts, trials),
    )
    return [_example(one, evidence) for one in chosen]


def _means(rows: pl.DataFrame) -> dict[tuple[str, str], float | None]:
    means = rows.group_by("arm", "item_id").agg(pl.col("score").mean())
    return {(arm, item_id): score for arm, item_id, score in means.iter_rows()}


def _labels(pipeline: Pipeline, texts: Collection[str], trials: pl.DataFrame) -> dict[str, str]:
    found: dict[str, str] = {}
    for version in sorted(set(trials["golden_version"])):
        items = pipeline.golden.items(version).filter(pl.col("item_id").is_in(list(texts)))
        found |= labels_of_items(pipeline, items)
    return found


@dataclass(frozen=True)
class _Evidence:
    """By arm and item the first trial, the mean score, votes and labels; by item its texts."""

    arms: Mapping[tuple[str, str], Mapping[str, Any]]
    means: Mapping[tuple[str, str], float | None]
    texts: Mapping[str, tuple[tuple[Message, ...], str | None]]
    votes: Mapping[tuple[str, str], tuple[Vote, ...]]
    people: Mapping[tuple[str, str], str]
    labels: Mapping[str, str]


def _example(one: TellingItem, known: _Evidence) -> ExampleItem:
    item_id, there = one.item_id, one.item_id in known.texts
    messages, reference = known.texts.get(item_id, ERASED)
    said = {
        arm: known.arms[arm, item_id]["response"] if there else None
        for arm in ("baseline", "candidate")
    }
    return ExampleItem(
        item_id=item_id,
        subset=one.subset,
        why=one.why,
        conversation=messages,
        reference=reference,
        baseline_response=said["baseline"],
        candidate_response=said["candidate"],
        baseline_score=known.means["baseline", item_id],
        candidate_score=known.means["candidate", item_id],
        votes={arm: known.votes.get((arm, item_id), ()) for arm in said},
        people={arm: known.people[arm, item_id] for arm in said if (arm, item_id) in known.people},
        label=known.labels.get(item_id),
    )
