"""What people settled in a week, what it made of the golden set, and how good judges are."""

from collections.abc import Iterator
from typing import Any, Final

import polars as pl

from eval_pipeline.monitoring.weekly.evidence import WeekEvidence
from eval_pipeline.monitoring.weekly.figure import Figure, count, ends, percent
from eval_pipeline.monitoring.weekly.panel import ALL

PERSON: Final = "person"


def people(known: WeekEvidence) -> Iterator[Figure]:
    """Tasks, labels, and how far people agree."""
    if known.disputes is not None:
        asked = known.disputes.filter(pl.col("selection") != "gold_check").height
        yield count("queued", asked, f"{asked} responses went to people.")
    if known.adjudications is not None:
        own = known.adjudications.filter(pl.col("settled_by") != "recorded")
        third = own.filter(pl.col("settled_by") == "adjudication").height
        yield count("settled", own.height, f"{own.height} labels are settled.")
        yield count("adjudicated", third, f"{third} of them by an adjudicator.")
    for row in ceilings(known.agreement):
        where = "all that was judged" if row["subset"] == ALL else row["subset"]
        who = "two people" if row["annotator_kind"] == PERSON else "two scripts in people's place"
        yield Figure(
            "ceiling",
            row["subset"],
            row["value"],
            f"On {where} {who} agree on {percent(row['value'])} "
            f"({ends(row['lower'], row['upper'])}, {row['tasks']} tasks).",
            row["lower"],
            row["upper"],
        )


def ceilings(agreement: pl.DataFrame | None) -> list[dict[str, Any]]:
    """The human ceiling of each subset over the window: people's where there are any."""
    if agreement is None:
        return []
    rows = agreement.filter(pl.col("span") == "window", pl.col("measure") == "ceiling").drop_nulls(
        ["value", "lower", "upper"]
    )
    ordered = rows.sort("subset", "annotator_kind")  # 'person' before 'scripted'
    return ordered.unique("subset", keep="first", maintain_order=True).to_dicts()


def golden(known: WeekEvidence) -> Iterator[Figure]:
    """What came, left and changed, and what is lacking."""
    version = known.golden
    if version is None:
        return
    yield count(
        "golden_items",
        version.items,
        f"Golden version {version.version} holds {version.items} items.",
    )
    for metric in ("admitted", "retired", "revised"):
        reasons = getattr(version, metric)
        listed = ", ".join(f"{number} {why.replace('_', ' ')}" for why, number in reasons.items())
        changed = sum(reasons.values())
        told = f"{changed} items were {metric}" + (f": {listed}." if listed else ".")
        yield count(metric, changed, told)
    for name, required, found in version.deficits:
        yield count(
            "deficit",
            required - found,
            f"{name} has {found} of the {required} items that the policy wants.",
            about=name,
        )


def judges(known: WeekEvidence) -> Iterator[Figure]:
    """How far each judge agrees with the labels."""
    if known.judges is None:
        return
    rows = known.judges.filter(
        pl.col("rubric_id") == ALL,
        pl.col("measure") == "agreement",
        pl.col("against") == "labels",
    ).drop_nulls("value")
    for row in rows.sort("judge_id").iter_rows(named=True):
        interval = "" if row["lower"] is None else f" ({ends(row['lower'], row['upper'])})"
        yield Figure(
            "judge_agreement",
            row["judge_id"],
            row["value"],
            f"{row['judge_id']} agrees with {percent(row['value'])}{interval} of the labels.",
            row["lower"],
            row["upper"],
        )
