"""Which slices lost: found in one half of the data, confirmed in the other, and over candidates."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from eval_pipeline.evaluation.paired_tests import holm
from eval_pipeline.evaluation.triage.items import slice_members
from eval_pipeline.evaluation.triage.recurrence import e_value, over_candidates, recurrence_of
from eval_pipeline.evaluation.triage.slices import SliceTest, slices_lost
from eval_pipeline.fingerprint import seed_for
from eval_pipeline.settings import TriageSettings
from eval_pipeline.statistics.clusters import Floats, cluster_codes

Key = tuple[str, str]
Mask = NDArray[np.bool_]
_JOINT: Final = "\x1f"


@dataclass(frozen=True)
class SliceRow:
    """One slice with its items and what the tests say of it."""

    attribute: str
    name: str
    items: pl.DataFrame
    test: SliceTest
    fresh_items: int
    fresh_p_value: float | None
    confirmed: bool
    e_value: float
    e_product: float
    e_largest: float
    candidates: int
    recurrence: str

    def columns(self) -> dict[str, Any]:
        """The columns of FAILURE_TRIAGE that only slices have."""
        confirmation = None
        if self.test.named:
            confirmation = "confirmed" if self.confirmed else "not_confirmed"
            confirmation = confirmation if self.fresh_p_value is not None else "no_fresh_items"
        finding = "named" if self.test.named else "not_named"
        return {
            "p_value": self.test.adjusted,
            "fresh_items": self.fresh_items,
            "fresh_p_value": self.fresh_p_value,
            "confirmation": confirmation,
            "e_value": self.e_value,
            "e_product": self.e_product,
            "e_largest": self.e_largest,
            "candidates": self.candidates,
            "recurrence": self.recurrence,
            "finding": finding if self.test.adjusted is not None else "too_small",
        }


def measured_slices(
    items: pl.DataFrame,
    earlier: pl.DataFrame,
    *,
    candidate_id: str,
    golden_version: int,
    policy: TriageSettings,
) -> list[SliceRow]:
    """Every declared slice of `item_differences`, by attribute and name.

    Slices are found on the first look's items and confirmed on what top-ups added, which did not
    find them: of those named, with Holm's adjustment. Evidence over candidates takes the first
    look's items of each, in the order of golden versions and names; candidates of later versions
    than this one's are not yet known to it. Candidates share items: the evidence says that systems
    keep losing there, given these items.
    """
    members = slice_members(items, policy.attributes, maximum=policy.maximum_slices)
    first = (items["look"] == 1).to_numpy()
    found = _tested(items, members, first, policy=policy, seed=seed_for("triage", candidate_id))
    fresh = _confirmed(items, {key: members[key] for key in members if found[key].named}, ~first,
                       policy=policy, seed=seed_for("triage-fresh", candidate_id))  # fmt: skip
    rows = []
    for key, inside in members.items():
        own = e_value(_cluster_means(items, inside & first))
        before = _before(earlier, key, candidate_id=candidate_id, golden_version=golden_version)
        evidence = over_candidates([*before, own])
        p_value = fresh.get(key)
        rows.append(
            SliceRow(
                attribute=key[0],
                name=key[1],
                items=items.filter(pl.Series(inside)),
                test=found[key],
                fresh_items=int((inside & ~first).sum()),
                fresh_p_value=p_value,
                confirmed=p_value is not None and p_value <= policy.error_rate,
                e_value=own,
                e_product=evidence.product,
                e_largest=evidence.largest,
                candidates=evidence.times,
                recurrence=recurrence_of(
                    evidence, slices=len(members), error_rate=policy.error_rate
                ),
            )
        )
    return rows


def _tested(
    items: pl.DataFrame,
    members: dict[Key, Mask],
    chosen: Mask,
    *,
    policy: TriageSettings,
    seed: int,
) -> dict[Key, SliceTest]:
    found = slices_lost(
        items["difference"].to_numpy(),
        {_JOINT.join(key): inside & chosen for key, inside in members.items()},
        clusters=_codes(items),
        seed=seed,
        permutations=policy.permutations,
        least_clusters=policy.least_clusters,
        by=policy.slices_by,
        error_rate=policy.error_rate,
    )
    return {key: found[_JOINT.join(key)] for key in members}


def _confirmed(
    items: pl.DataFrame,
    named: dict[Key, Mask],
    fresh: Mask,
    *,
    policy: TriageSettings,
    seed: int,
) -> dict[Key, float]:
    """Holm's p of each named slice on the fresh items; none where too few of them differ."""
    found = _tested(items, named, fresh, policy=policy, seed=seed)
    plain = {
        _JOINT.join(key): test.p_value for key, test in found.items() if test.p_value is not None
    }
    adjusted = holm(plain)
    return {key: adjusted[_JOINT.join(key)] for key in found if _JOINT.join(key) in adjusted}


def _before(
    earlier: pl.DataFrame, key: Key, *, candidate_id: str, golden_version: int
) -> list[float]:
    """The slice's e-values of other candidates, of this golden version or older."""
    attribute, name = key
    rows = earlier.filter(
        (pl.col("about") == "slice")
        & (pl.col("attribute") == attribute)
        & (pl.col("name") == name)
        & (pl.col("candidate") != candidate_id)
        & (pl.col("golden_version") <= golden_version)
    )
    values: list[float] = rows.sort("golden_version", "candidate")["e_value"].to_list()
    return values


def _cluster_means(items: pl.DataFrame, inside: Mask) -> Floats:
    own = items.filter(pl.Series(inside))
    means = own.group_by("cluster_id", maintain_order=True).agg(pl.col("difference").mean())
    values: Floats = means["difference"].to_numpy()
    return values


def _codes(items: pl.DataFrame) -> NDArray[np.int64]:
    return cluster_codes(items.height, items["cluster_id"].to_list())
