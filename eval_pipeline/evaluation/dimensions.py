"""What a candidate's trials are worth in every dimension, side by side; nothing here decides.

What the policy gates of it stands in `dimension_states`. The dimension that decides on an item is
the trial's own score. No dimension is averaged with another.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from eval_pipeline.evaluation.aggregate_weights import mix_weights
from eval_pipeline.evaluation.pairs import Mask, Pairs, pair_trials
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.evaluation.scorers.comparing import NO_REFERENCE
from eval_pipeline.evaluation.subset_readings import read_subset
from eval_pipeline.evaluation.trials import NOT_SCORED
from eval_pipeline.ports import Score
from eval_pipeline.settings import SYNTHETIC_SUBSET
from eval_pipeline.tables import DIMENSION_REPORT, TRIAL_DIMENSIONS

REFUSAL = Score(0.0, None, "refusal")
SHARED_COLUMNS = (
    "arm", "item_id", "trial", "source", "look", "route", "subsets", "cluster_id",
)  # fmt: skip
EVERYTHING_MISSING = 1.0


def unanswered_score(trial: Mapping[str, Any]) -> Score:
    """The score, in any dimension that asks for an answer, of a trial without a usable one.

    A refusal is an output and scores 0.0; a failed call has no score and says why; so has a trial
    whose item or text is gone.
    """
    if trial["status"] == "refused":
        return REFUSAL
    if trial["status"] == "failed":
        return Score(None, trial["error_code"] or "failed", "none")
    return Score(None, NOT_SCORED, "none")


def dimension_rows(
    trial: Mapping[str, Any], *, deciding: str, others: Mapping[str, Score]
) -> list[dict[str, Any]]:
    """Rows of TRIAL_DIMENSIONS of one row of REGRESSION_TRIALS, whose score is the deciding one."""
    shared = {name: trial[name] for name in SHARED_COLUMNS}
    own = Score(trial["score"], trial["score_error"], trial["scorer"])
    scores = {**others, deciding: own}
    return [
        {
            **shared,
            "dimension": dimension,
            "deciding": dimension == deciding,
            "scorer": score.scorer,
            "score": score.value,
            "score_error": score.error,
        }
        for dimension, score in scores.items()
    ]


def dimension_frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    """The rows as TRIAL_DIMENSIONS."""
    return TRIAL_DIMENSIONS.conform(pl.DataFrame(rows, schema=TRIAL_DIMENSIONS.schema))


def compare_dimensions(scores: pl.DataFrame, *, confidence: float) -> pl.DataFrame:
    """The DIMENSION_REPORT of TRIAL_DIMENSIONS: per dimension 'all' and every subset with items.

    Intervals are the gate's, two-sided at `confidence`, each by itself: neither dimensions nor
    looks are corrected for, since nothing is decided by them. 'all' is held to the mix of the
    first look. Items without a reference are counted and in no mean; missing scores are counted
    per arm and their items left out.
    """
    rows = []
    for dimension in sorted(scores["dimension"].unique()):
        own = scores.filter(pl.col("dimension") == dimension)
        pairs = pair_trials(own)
        for name in _names(own):
            chosen = pairs.members(name)
            counted = _counts(own, name)
            read = _read(pairs, chosen, name=name, confidence=confidence)
            named = {"dimension": dimension, "subset": name, "state": "reported"}
            rows.append({**named, **counted, **read})
    return DIMENSION_REPORT.conform(pl.DataFrame(rows, schema=DIMENSION_REPORT.schema))


def _names(own: pl.DataFrame) -> list[str]:
    named = set(own["subsets"].explode().drop_nulls())
    synthetic = [SYNTHETIC_SUBSET] if SYNTHETIC_SUBSET in named else []
    return [ALL, *sorted(named - {SYNTHETIC_SUBSET}), *synthetic]


def _counts(own: pl.DataFrame, name: str) -> dict[str, int]:
    inside = pl.col("subsets").list.contains(SYNTHETIC_SUBSET if name == ALL else name)
    members = own.filter(~inside if name == ALL else inside)
    bare = members.filter(pl.col("score_error").eq_missing(NO_REFERENCE))
    return {
        "without_reference": bare["item_id"].n_unique(),
        "deciding_items": members.filter("deciding")["item_id"].n_unique(),
    }


def _read(pairs: Pairs, chosen: Mask, *, name: str, confidence: float) -> dict[str, Any]:
    weights = mix_weights(pairs, chosen, names=pairs.named()) if name == ALL else None
    reading = read_subset(pairs, chosen, weights=weights, bound_missing_above=EVERYTHING_MISSING)
    missing = {
        "missing_baseline": int(np.isnan(pairs.baseline[chosen]).sum()),
        "missing_candidate": int(np.isnan(pairs.candidate[chosen]).sum()),
    }
    if reading is None:
        return {"items": 0, "effective_items": 0.0, "clusters": 0, **missing}
    lower, upper = reading.test.interval(confidence)
    return {
        **missing,
        "baseline_mean": reading.baseline_mean,
        "candidate_mean": reading.candidate_mean,
        "difference": reading.difference,
        "lower": lower,
        "upper": upper,
        "items": reading.items,
        "effective_items": reading.effective_items,
        "clusters": reading.clusters,
        "wins": reading.wins,
        "losses": reading.losses,
        "method": reading.test.method,
    }
