"""Slices and failure modes of a candidate, as FAILURE_TRIAGE."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from eval_pipeline.evaluation.paired_tests import paired_test
from eval_pipeline.evaluation.triage.modes import (
    asked_again,
    costs,
    failure_modes,
    finding_of,
    ranked,
)
from eval_pipeline.evaluation.triage.systematic import SliceRow, measured_slices
from eval_pipeline.settings import TriageSettings
from eval_pipeline.statistics.clusters import cluster_codes
from eval_pipeline.tables import FAILURE_TRIAGE

SUBSET: Final = "subset"


def failure_triage(
    items: pl.DataFrame,
    failing: pl.DataFrame,
    earlier: pl.DataFrame,
    *,
    candidate_id: str,
    golden_version: int,
    notes: Mapping[str, str],
    policy: TriageSettings,
    confidence: float,
) -> pl.DataFrame:
    """FAILURE_TRIAGE of one candidate.

    `items`: of `item_differences`; `failing`: its FAILING_ITEMS; `earlier`: FAILURE_TRIAGE of other
    candidates, with a column candidate; `notes`: why the team keeps a subset. Flaky items stay in
    every estimate; only what is told of modes leaves them out.
    """
    slices = measured_slices(
        items,
        earlier,
        candidate_id=candidate_id,
        golden_version=golden_version,
        policy=policy,
    )
    rows = [
        *_slices(slices, failing, confidence=confidence),
        *_modes(items, failing, confidence=confidence),
    ]
    frame = pl.DataFrame(
        [
            {
                **row,
                "golden_version": golden_version,
                "note": notes.get(row["name"]) if row["attribute"] in {SUBSET, "label"} else None,
            }
            for row in rows
        ],
        schema=FAILURE_TRIAGE.schema,
        infer_schema_length=None,
    )
    return FAILURE_TRIAGE.conform(frame)


def _slices(
    slices: list[SliceRow], failing: pl.DataFrame, *, confidence: float
) -> Iterator[dict[str, Any]]:
    for one in slices:
        yield {
            "about": "slice",
            "attribute": one.attribute,
            "name": one.name,
            **_figures(one.items, confidence=confidence),
            **one.columns(),
            **asked_again(one.items, failing),
        }


def _modes(
    items: pl.DataFrame, failing: pl.DataFrame, *, confidence: float
) -> list[dict[str, Any]]:
    weight = float(items["weight"].sum())
    modes = []
    for attribute, name, own in failure_modes(items):
        outcomes = asked_again(own, failing)
        modes.append(
            {
                "about": "mode",
                "attribute": attribute,
                "name": name,
                **_figures(own, confidence=confidence),
                **outcomes,
                **costs(own, failing, weight=weight),
                "finding": finding_of(outcomes),
            }
        )
    return ranked(modes)


def _figures(rows: pl.DataFrame, *, confidence: float) -> dict[str, Any]:
    """Counts, and the difference with its interval; nothing weighs more than anything else."""
    values = rows["difference"].to_numpy()
    clusters = cluster_codes(rows.height, rows["cluster_id"].to_list())
    binary = bool(
        rows.select(pl.all_horizontal(pl.col("baseline", "candidate").is_in([0.0, 1.0])))
        .to_series()
        .all()
    )
    lower, upper = paired_test(values, binary=binary, clusters=clusters).interval(confidence)
    return {
        "items": rows.height,
        "clusters": int(clusters.max()) + 1,
        "losses": int((values < 0).sum()),
        "wins": int((values > 0).sum()),
        "difference": float(values.mean()),
        "lower": lower,
        "upper": upper,
    }
