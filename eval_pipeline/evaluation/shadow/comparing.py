"""Both arms of shadowed requests compared: scores by the gate's own tests, and the answers."""

from collections.abc import Collection
from typing import Any

import numpy as np
import polars as pl

from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.estimates import hajek_mean
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.evaluation.scorers.comparing import normal_form
from eval_pipeline.settings import GateSettings
from eval_pipeline.statistics.clusters import Floats
from eval_pipeline.tables import SHADOW_REPORT


def compare_shadow(
    trials: pl.DataFrame, *, policy: GateSettings, subsets: Collection[str]
) -> pl.DataFrame:
    """Per subset the columns of SHADOW_REPORT that scores and answers give.

    `trials`: SHADOW_TRIALS of one source and week. The test is the gate's, with one look that has
    the policy's whole alpha; items weigh by the chance that they were asked, so every row, and
    not 'all' alone, speaks of the traffic. Differing answers are Hajek's share of the requests
    that both arms answered, with the conversations as clusters.
    """
    single = policy.model_copy(update={"looks": ()})
    weighed = trials.rename({"design_weight": "weight"})
    report = compare(weighed, policy=single, subsets=subsets)
    rows = []
    for compared in report.iter_rows(named=True):
        own = trials_of(trials, compared["subset"])
        rows.append(
            {name: value for name, value in compared.items() if name in SHADOW_REPORT.schema}
            | _differing(own, confidence=policy.confidence)
            | _counted(own)
        )
    shown = [name for name in SHADOW_REPORT.schema if name in rows[0]]
    return pl.DataFrame(rows, schema={name: SHADOW_REPORT.schema[name] for name in shown})


def trials_of(trials: pl.DataFrame, subset: str) -> pl.DataFrame:
    """The trials of a subset's requests; of 'all', all."""
    if subset == ALL:
        return trials
    return trials.filter(pl.col("subsets").list.contains(subset))


def _differing(trials: pl.DataFrame, *, confidence: float) -> dict[str, Any]:
    arms = [
        trials.filter(pl.col("arm") == arm, pl.col("status") == "answered")
        .drop_nulls("response")
        .select("item_id", "trial", "response", "cluster_id", "design_weight")
        for arm in ("baseline", "candidate")
    ]
    both = arms[0].join(arms[1], on=["item_id", "trial"], suffix="_other").sort("item_id", "trial")
    told: dict[str, Any] = {"answered_pairs": both.height}
    if both.is_empty():
        return told
    texts = list(both.select("response", "response_other").iter_rows())
    weights = both["design_weight"].to_numpy()
    clusters = both["cluster_id"].to_list()
    forms = _ones(_form(one) != _form(other) for one, other in texts)
    share = hajek_mean(forms, weights=weights, clusters=clusters, confidence=confidence)
    exactly = hajek_mean(
        _ones(one != other for one, other in texts), weights=weights, clusters=clusters
    )
    if share is not None and exactly is not None:
        told |= {
            "differing_share": share.value,
            "differing_lower": share.lower,
            "differing_upper": share.upper,
            "differing_exactly": exactly.value,
        }
    return told


def _form(text: str) -> str:
    return normal_form(text, punctuation=False, articles=())


def _ones(found: Any) -> Floats:
    return np.array([float(one) for one in found], dtype=np.float64)


def _counted(trials: pl.DataFrame) -> dict[str, int]:
    return {
        f"{status}_{arm}": trials.filter(pl.col("arm") == arm, pl.col("status") == status).height
        for status in ("refused", "failed")
        for arm in ("baseline", "candidate")
    }
