"""Accuracy against coverage by stated confidence, per subset, and the supported threshold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eval_pipeline.evaluation.escalation import (
    THRESHOLDS,
    Search,
    items_needed,
    search_threshold,
)
from eval_pipeline.evaluation.pairs import EQUAL_SCORES
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.evaluation.scorers.comparing import NO_REFERENCE
from eval_pipeline.evaluation.trial_items import SYNTHETIC
from eval_pipeline.fingerprint import unit_hash
from eval_pipeline.settings import SYNTHETIC_SUBSET, EscalationSettings
from eval_pipeline.statistics.clusters import Floats, cluster_codes
from eval_pipeline.statistics.design_effect import design_effect, intraclass_correlation
from eval_pipeline.statistics.proportions import wilson
from eval_pipeline.statistics.ranking import area_under_curve
from eval_pipeline.tables import CONFIDENCE_CURVES

PREFERENCE: Final = "preference"
SALT: Final = "escalation"
Interval = tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class _Items:
    """One arm's items of one subset, each once; `missing` have no score and are not among them."""

    confidences: Floats
    answered: NDArray[np.bool_]
    right: NDArray[np.bool_]
    codes: NDArray[np.int64]
    first_of_conversation: NDArray[np.bool_]
    missing: int

    @cached_property
    def said(self) -> NDArray[np.bool_]:
        """Answered with a confidence."""
        return self.answered & ~np.isnan(self.confidences)

    def left(self, threshold: float) -> NDArray[np.bool_]:
        return self.said & (np.nan_to_num(self.confidences, nan=-1.0) >= threshold)


def confidence_curves(
    trials: pl.DataFrame, *, subsets: Sequence[str], policy: EscalationSettings
) -> pl.DataFrame:
    """CONFIDENCE_CURVES of REGRESSION_TRIALS: a row per threshold, one row where none is stated.

    Right is a score from `right_from`. An item that the system left without answer is escalated at
    any threshold, and so is an answer without a confidence; both are counted. A preference is no
    accuracy: such items count as missing. Every item counts alike.
    """
    rows: list[dict[str, Any]] = []
    for arm in ("baseline", "candidate"):
        own = trials.filter(
            pl.col("arm") == arm, pl.col("score_error").ne_missing(NO_REFERENCE)
        ).sort("item_id", "trial")
        own = own.unique("item_id", keep="first", maintain_order=True)
        if own.is_empty():
            continue
        given = own["confidence"].null_count() < own.height
        system_id = str(own["system_id"][0])
        for subset in (ALL, *sorted({*subsets, SYNTHETIC_SUBSET})):
            items = _items(own.filter(_inside(subset)), policy=policy)
            if items.answered.size + items.missing:
                place = {"arm": arm, "subset": subset, "system_id": system_id}
                rows += [place | row for row in _subset_rows(items, policy=policy, given=given)]
    return CONFIDENCE_CURVES.conform(pl.DataFrame(rows, schema=CONFIDENCE_CURVES.schema))


def _inside(subset: str) -> pl.Expr:
    if subset == ALL:
        return pl.col("source").ne_missing(SYNTHETIC)
    return pl.col("subsets").list.contains(subset)


def _items(rows: pl.DataFrame, *, policy: EscalationSettings) -> _Items:
    scored = pl.col("score").is_not_null() & ~pl.col("scorer").str.starts_with(PREFERENCE)
    own = rows.filter(scored)
    firsts = _firsts(own["item_id"].to_list(), own["cluster_id"].to_list())
    return _Items(
        confidences=own["confidence"].fill_null(float("nan")).to_numpy().astype(np.float64),
        answered=(own["status"] == "answered").to_numpy().astype(np.bool_),
        right=(own["score"] >= policy.right_from - EQUAL_SCORES).to_numpy().astype(np.bool_),
        codes=cluster_codes(own.height, own["cluster_id"].to_list()),
        first_of_conversation=firsts,
        missing=rows.height - own.height,
    )


def _firsts(item_ids: Sequence[str], clusters: Sequence[str]) -> NDArray[np.bool_]:
    """One item of each conversation, drawn by hash: neither answers nor confidences choose it."""
    first: dict[str, str] = {}
    for item_id, cluster in zip(item_ids, clusters, strict=True):
        held = first.setdefault(cluster, item_id)
        first[cluster] = min(held, item_id, key=lambda one: (unit_hash(SALT, one), one))
    chosen = [first[cluster] == one for one, cluster in zip(item_ids, clusters, strict=True)]
    return np.array(chosen, dtype=np.bool_)


def _subset_rows(
    items: _Items, *, policy: EscalationSettings, given: bool
) -> Iterator[dict[str, Any]]:
    thresholds = THRESHOLDS if given else THRESHOLDS[:1]
    searched = _searched(items, policy) if given else Search((), None)
    tested = {one.threshold: one for one in searched.tested}
    shared = _shared(items, searched, policy=policy, given=given)
    for threshold in thresholds:
        left = items.left(threshold) if given else items.answered
        coverage = _share(left.astype(np.float64), items.codes, confidence=policy.confidence)
        accuracy = _share(
            items.right[left].astype(np.float64), items.codes[left], confidence=policy.confidence
        )
        test = tested.get(threshold)
        yield {
            **shared,
            "threshold": threshold,
            "supported": given and threshold == searched.supported,
            "answered": int(left.sum()),
            "right": int((left & items.right).sum()),
            **dict(zip(("coverage", "coverage_lower", "coverage_upper"), coverage, strict=True)),
            **dict(zip(("accuracy", "accuracy_lower", "accuracy_upper"), accuracy, strict=True)),
            "tested_items": None if test is None else test.items,
            "tested_right": None if test is None else test.right,
            "p_value": None if test is None else test.p_value,
        }


def _searched(items: _Items, policy: EscalationSettings) -> Search:
    """On one item of each conversation, what is not said counting as never answered."""
    chosen = items.first_of_conversation
    said = np.where(items.said, items.confidences, np.nan)
    return search_threshold(said[chosen], items.right[chosen], policy=policy)


def _shared(
    items: _Items, searched: Search, *, policy: EscalationSettings, given: bool
) -> dict[str, Any]:
    """What all thresholds of a subset have in common."""
    said = items.said
    area = area_under_curve(
        items.confidences[said],
        items.right[said],
        codes=cluster_codes(int(said.sum()), items.codes[said]),
        confidence=policy.confidence,
    )
    needed = None
    if given and searched.supported is None:
        chosen = items.first_of_conversation
        left = [items.left(threshold) for threshold in THRESHOLDS]
        counts = [
            (int((one & chosen).sum()), int((one & chosen & items.right).sum())) for one in left
        ]
        needed = items_needed(counts, items=items.right.size, policy=policy)
    return {
        "state": _state(searched, policy=policy, given=given),
        "items": items.right.size,
        "missing": items.missing,
        "without_confidence": int((items.answered & ~said).sum()),
        "target": policy.minimum_accuracy,
        **dict(zip(("auroc", "auroc_lower", "auroc_upper"), area, strict=True)),
        "items_needed": needed,
    }


def _state(searched: Search, *, policy: EscalationSettings, given: bool) -> str:
    if not given:
        return "not_given"
    if policy.minimum_accuracy is None:
        return "no_target"
    return "not_supported" if searched.supported is None else "supported"


def _share(values: Floats, codes: NDArray[np.int64], *, confidence: float) -> Interval:
    """A share with Wilson's interval at the items that clusters leave; null of nothing."""
    if not values.size:
        return None, None, None
    own = cluster_codes(values.size, codes)
    rate = float(values.mean())
    effect = design_effect(
        weights=None, codes=own, correlation=intraclass_correlation(values, codes=own)
    )
    return rate, *wilson(rate, values.size / effect, confidence=confidence)
