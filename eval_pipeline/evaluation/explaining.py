"""Why a decision says what it says of a subset: look by look, and item by item."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.decision_inputs import DecisionInputs
from eval_pipeline.evaluation.reserve_order import ALL
from eval_pipeline.settings import SYNTHETIC_SUBSET

LOOK_COLUMNS = (
    "subset", "state", "difference", "lower", "upper", "margin", "items", "effective_items",
    "clusters", "wins", "losses", "p_noninferior", "p_harm", "missing_baseline",
    "missing_candidate", "method",
)  # fmt: skip


@dataclass(frozen=True)
class ItemScores:
    """One item of a subset: mean score per arm (null where missing) and who scored it.

    `errors` say why a score is missing, by arm.
    """

    item_id: str
    look: int
    source: str
    route: str
    baseline: float | None
    candidate: float | None
    scorers: tuple[str, ...]
    errors: dict[str, str]

    @property
    def difference(self) -> float | None:
        """Candidate minus baseline; null where either is missing."""
        if self.baseline is None or self.candidate is None:
            return None
        return self.candidate - self.baseline


def looks_of(inputs: DecisionInputs, subset: str) -> list[dict[str, Any]]:
    """The subset's row of the report after each look that asked for items, with `look`."""
    last = int(str(inputs.trials["look"].max())) if inputs.trials.height else 1
    found = []
    for look in range(1, last + 1):
        report = compare(
            inputs.trials.filter(pl.col("look") <= look),
            policy=inputs.policy,
            subsets=inputs.subsets,
            reserve=inputs.reserve,
            judge_bias=inputs.judge_bias,
        )
        rows = report.filter(pl.col("subset") == subset).select(LOOK_COLUMNS).to_dicts()
        found += [{"look": look, **row} for row in rows]
    return found


def items_of(inputs: DecisionInputs, subset: str) -> list[ItemScores]:
    """The subset's items: the largest losses first, then missing ones, then the rest by id."""
    inside = pl.col("subsets").list.contains(SYNTHETIC_SUBSET if subset == ALL else subset)
    rows = inputs.trials.filter(~inside if subset == ALL else inside)
    items = [_item(group) for group in _by_item(rows)]
    return sorted(items, key=lambda item: (_rank(item), item.item_id))


def _rank(item: ItemScores) -> tuple[float, float]:
    difference = item.difference
    if difference is None:
        return (1.0, 0.0)
    return (0.0, difference) if difference < 0 else (2.0, 0.0)


def _by_item(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    yield from rows.sort("item_id", "arm", "trial").partition_by("item_id", maintain_order=True)


def _item(rows: pl.DataFrame) -> ItemScores:
    first = rows.row(0, named=True)
    means = {
        arm: rows.filter(pl.col("arm") == arm)["score"].mean() for arm in ("baseline", "candidate")
    }
    failed = rows.filter(pl.col("score").is_null()).unique("arm", keep="first", maintain_order=True)
    return ItemScores(
        item_id=first["item_id"],
        look=int(first["look"]),
        source=first["source"],
        route=first["route"],
        baseline=None if means["baseline"] is None else float(str(means["baseline"])),
        candidate=None if means["candidate"] is None else float(str(means["candidate"])),
        scorers=tuple(sorted(rows["scorer"].unique().to_list())),
        errors={row["arm"]: row["score_error"] for row in failed.iter_rows(named=True)},
    )
