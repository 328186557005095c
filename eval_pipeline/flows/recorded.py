"""Answers that a drift week recorded, read back as items and outcomes to be scored again."""

import polars as pl

from eval_pipeline.evaluation.trial_items import TrialItem, golden_items
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.ports import CallOutcome, ModelCall, ModelSpec
from eval_pipeline.tables import CALL_COLUMNS, DRIFT_TRIALS


def recorded_answers(
    pipeline: Pipeline, system_id: str, *, week: str
) -> tuple[list[TrialItem], list[CallOutcome]]:
    """What the system answered in that week's re-run, with the items as they were then.

    An item is taken from the newest golden version that the week re-ran it for.
    """
    rerun = pipeline.lake.read(DRIFT_TRIALS, partition=week).filter(
        (pl.col("system_id") == system_id) & (pl.col("stream") == "rerun")
    )
    items: dict[str, TrialItem] = {}
    for version in sorted(set(rerun["golden_versions"].explode().drop_nulls())):
        for item in golden_items(pipeline.golden.items(version), golden_version=version):
            items[item.item_id] = item
    known = rerun.filter(pl.col("item_id").is_in(list(items))).sort("item_id")
    return (
        [items[item_id] for item_id in known["item_id"]],
        [_outcome(row, week=week) for row in known.iter_rows(named=True)],
    )


def _outcome(row: dict[str, object], *, week: str) -> CallOutcome:
    """The recorded outcome; its call names what was asked, not how, since it is not asked again."""
    call = ModelCall(
        scope=f"drift:{week}",
        system_id=str(row["system_id"]),
        item_id=str(row["item_id"]),
        spec=ModelSpec(provider="recorded", model=str(row["requested_model"])),
        messages=(),
        trial=int(str(row["trial"])),
    )
    said = {name: row[name] for name in CALL_COLUMNS}
    return CallOutcome(call=call, text=row["response"], **said)  # type: ignore[arg-type]
