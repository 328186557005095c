"""Mirrored pairs read back: one item per request, what both arms answered, its subsets."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from eval_pipeline.adapters.mirroring.segments import segments_of
from eval_pipeline.evaluation.trial_items import TrialItem, reserve_identity
from eval_pipeline.flows.candidates import Candidate
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.intake.stratification import membership
from eval_pipeline.ports import CallOutcome, Message, ModelCall, ModelSpec
from eval_pipeline.tables import (
    ANONYMISED_INTERACTIONS,
    CALL_COLUMNS,
    SHADOW_COUNTS,
    SHADOW_PAIRS,
)


@dataclass(frozen=True)
class LivePairs:
    """Items and both arms' outcomes side by side, by pair id; `rows` hold the rest of each."""

    items: list[TrialItem]
    baseline: list[CallOutcome]
    candidate: list[CallOutcome]
    rows: list[dict[str, Any]]


def live_pairs(pipeline: Pipeline, candidate: Candidate) -> LivePairs:
    """Every recorded pair of the candidate whose both arms are there."""
    frame = pairs_frame(pipeline, candidate.candidate_id)
    arms = {
        arm: frame.filter(pl.col("arm") == arm).sort("pair_id") for arm in ("baseline", "candidate")
    }
    both = set(arms["baseline"]["pair_id"]) & set(arms["candidate"]["pair_id"])
    whole = {arm: rows.filter(pl.col("pair_id").is_in(sorted(both))) for arm, rows in arms.items()}
    subsets = _subsets(pipeline, whole["baseline"])
    found = LivePairs([], [], [], [])
    for before, after in zip(
        whole["baseline"].iter_rows(named=True), whole["candidate"].iter_rows(named=True),
        strict=True,
    ):  # fmt: skip
        found.items.append(_item(before, subsets=subsets[before["pair_id"]]))
        found.baseline.append(_outcome(before, scope=candidate.scope))
        found.candidate.append(_outcome(after, scope=candidate.scope))
        monday = before["occurred_at"].date()
        monday -= dt.timedelta(days=monday.weekday())
        found.rows.append({**after, "week": monday.isoformat()})
    return found


def pairs_frame(pipeline: Pipeline, candidate_id: str) -> pl.DataFrame:
    """SHADOW_PAIRS of all segments of the candidate."""
    segments = segments_of(pipeline.lake, SHADOW_PAIRS, candidate_id)
    return pipeline.lake.read_all(SHADOW_PAIRS, partitions=segments)


def fates_of(pipeline: Pipeline, candidate_id: str) -> dict[str, int]:
    """What became of the requests that passed the mirror, over all its starts."""
    segments = segments_of(pipeline.lake, SHADOW_COUNTS, candidate_id)
    counted = pipeline.lake.read_all(SHADOW_COUNTS, partitions=segments)
    sums = counted.group_by("fate").agg(pl.col("requests").sum()).sort("fate")
    return dict(sums.iter_rows())


def _item(row: Mapping[str, Any], *, subsets: list[str]) -> TrialItem:
    return TrialItem(
        item_id=reserve_identity(row["pair_id"]),
        item_revision=1,
        route=row["route"],
        subsets=tuple(subsets),
        messages=tuple(Message(one["role"], one["content"]) for one in row["messages"]),
        reference_response=None,
        conversation_key=row["conversation_key"],
        source="reserve",
        golden_versions=(0,),
    )


def _outcome(row: Mapping[str, Any], *, scope: str) -> CallOutcome:
    call = ModelCall(
        scope=scope,
        system_id=row["system_id"],
        item_id=reserve_identity(row["pair_id"]),
        spec=ModelSpec(provider="mirrored", model=row["requested_model"]),
        messages=(),
        route=row["route"],
    )
    said = {name: row[name] for name in CALL_COLUMNS}
    return CallOutcome(call=call, text=row["response"], **said)


def _subsets(pipeline: Pipeline, baseline: pl.DataFrame) -> dict[str, list[str]]:
    """By pair id the subsets whose predicates hold for the request, as for a logged one."""
    named = baseline.rename({"pair_id": "interaction_id"})
    absent = [
        pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in ANONYMISED_INTERACTIONS.schema.items()
        if name not in named.columns
    ]
    described = named.with_columns(absent).select(list(ANONYMISED_INTERACTIONS.schema))
    held = membership(described, subsets=pipeline.settings.subsets)
    names = [name for name in held.columns if name != "interaction_id"]
    return {
        row["interaction_id"]: [name for name in names if row[name]]
        for row in held.iter_rows(named=True)
    }
