"""Judges' answers made up for tests of what is measured of them."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from eval_pipeline.tables import ADJUDICATIONS, JUDGE_PROBES, PANEL_VERDICTS, VERDICTS

WEEK = "2026-11-16"


def probe_rows(rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    """JUDGE_PROBES with a column week; what a row leaves out is as it usually is."""
    usual = {
        "probe": "retest",
        "judge_id": "owl",
        "answered_by": "owl",
        "order": "single",
        "repeat": 1,
        "rubric_id": "general@0",
        "source": "sample",
        "status": "answered",
        "attempts": 1,
        "week": WEEK,
    }
    schema = pl.Schema({**JUDGE_PROBES.schema, "week": pl.String})
    return pl.DataFrame([usual | row for row in rows], schema=schema)


def position_probes(
    answers: Sequence[Sequence[str | None]], *, judge_id: str = "owl"
) -> pl.DataFrame:
    """Per pair its four answers: first order, second order, and both again."""
    orders = ("response_first", "response_second")
    return probe_rows(
        {
            "probe": "position",
            "judge_id": judge_id,
            "item_id": f"p{pair:04}",
            "order": orders[place % 2],
            "repeat": 1 + place // 2,
            "source": "reference",
            "verdict": answer,
        }
        for pair, four in enumerate(answers)
        for place, answer in enumerate(four)
    )


def verdict_rows(
    judge_id: str, given: Sequence[str | None], *, family: str = "strix"
) -> pl.DataFrame:
    """VERDICTS of one judge on i0000, i0001, …; null where it did not answer."""
    rows = [
        {
            "interaction_id": f"i{item:04}",
            "judge_id": judge_id,
            "rubric_id": "general@0",
            "family": family,
            "order": "single",
            "verdict": verdict,
            "status": "answered" if verdict else "failed",
            "attempts": 1,
        }
        for item, verdict in enumerate(given)
    ]
    return VERDICTS.conform(pl.DataFrame(rows, schema=VERDICTS.schema))


def label_rows(
    labels: Sequence[str],
    *,
    probabilities: Sequence[float] | None = None,
    selection: str = "audit",
) -> pl.DataFrame:
    """ADJUDICATIONS by agreement on i0000, i0001, …"""
    rows = [
        {
            "interaction_id": f"i{item:04}",
            "label": label,
            "settled_by": "agreement",
            "selection": selection,
            "label_probability": probabilities[item] if probabilities else 0.5,
            "annotators": ["ann", "ben"],
            "labels": [label, label],
            "annotator_kind": "person",
            "labelled_on": dt.date(2026, 11, 20),
        }
        for item, label in enumerate(labels)
    ]
    return ADJUDICATIONS.conform(pl.DataFrame(rows, schema=ADJUDICATIONS.schema))


def no_panel() -> pl.DataFrame:
    """PANEL_VERDICTS without rows."""
    return PANEL_VERDICTS.empty()


def response_rows(
    count: int,
    *,
    characters: Sequence[int] | None = None,
    families: Sequence[str | None] | None = None,
    strata: Sequence[str] | None = None,
) -> pl.DataFrame:
    """What is known of the responses i0000, i0001, …, one conversation each."""
    names = range(count)
    return pl.DataFrame(
        {
            "interaction_id": [f"i{item:04}" for item in names],
            "conversation_key": [f"c{item:04}" for item in names],
            "stratum": list(strata) if strata is not None else ["one"] * count,
            "design_weight": [1.0] * count,
            "characters": list(characters) if characters is not None else [100] * count,
            "response_family": list(families) if families is not None else [None] * count,
        },
        schema_overrides={"response_family": pl.String, "characters": pl.Int64},
    )
