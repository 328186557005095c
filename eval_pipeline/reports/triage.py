"""Which losses are systematic and which are noise, for reading: sentences, modes, items."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from eval_pipeline.inert_text import markdown_list
from eval_pipeline.reports.wording import one_line

MAXIMUM_SENTENCES: Final = 20
MAXIMUM_MODES: Final = 20
ATTRIBUTE_WORDS: Final = {
    "subset": "Subset",
    "route": "Route",
    "kind": "Kind",
    "source": "Source",
    "topic": "Topic",
    "label": "Failure mode",
}
FINDING_WORDS: Final = {
    "reproduced": "lost every time",
    "flaky": "flaky",
    "not_reproduced": "not lost again",
    "not_measured": "not measured",
    "not_asked": "not asked again",
}


def sentences(triage: pl.DataFrame | None) -> list[str]:
    """What a person should know of FAILURE_TRIAGE, the worst first; empty only without one.

    systematic: a slice that lost more than chance names, or that keeps losing over candidates.
    noise: everything else that looks bad.
    """
    if triage is None:
        return []
    slices = triage.filter(pl.col("about") == "slice")
    named = slices.filter(pl.col("finding") == "named").sort("p_value", "attribute", "name")
    recurring = slices.filter(
        (pl.col("recurrence") == "systematic") & (pl.col("finding") != "named")
    ).sort("e_largest", "attribute", "name", descending=[True, False, False])
    told = [_named(row) for row in named.iter_rows(named=True)]
    told += [_recurring(row) for row in recurring.iter_rows(named=True)]
    tested = slices.filter(pl.col("p_value").is_not_null()).height
    worse = slices.filter((pl.col("difference") < 0) & (pl.col("finding") == "not_named")).height
    if worse:
        told.append(
            f"noise: {worse} of {tested} slices tested lost something, and no more than chance "
            "gives to the worst of so many."
        )
    small = slices.filter(pl.col("finding") == "too_small").height
    if small:
        told.append(f"{small} slices have too few differing conversations to be tested.")
    return told[:MAXIMUM_SENTENCES] or ["No slice lost anything."]


def as_list(triage: pl.DataFrame) -> str:
    """The sentences as a Markdown list."""
    return markdown_list(sentences(triage))


def mode_rows(triage: pl.DataFrame | None) -> list[dict[str, Any]]:
    """One row per failure mode, the dearest first, with words for what came of asking again."""
    if triage is None:
        return []
    modes = triage.filter(pl.col("about") == "mode").sort("rank").head(MAXIMUM_MODES)
    return [
        {
            **row,
            "title": f"{ATTRIBUTE_WORDS[row['attribute']]} {one_line(row['name'])}",
            "outcome": FINDING_WORDS[row["finding"]],
            "again": _again(row),
        }
        for row in modes.iter_rows(named=True)
    ]


def modes_in_words(triage: pl.DataFrame) -> pl.DataFrame:
    """`mode_rows` as a frame with the columns that people read."""
    return pl.DataFrame(
        [
            {
                "rank": row["rank"],
                "mode": row["title"],
                "points lost": 100 * row["cost_points"],
                "losses": row["losses"],
                "wins": row["wins"],
                "asked again": row["again"],
                "why it is kept": row["note"],
            }
            for row in mode_rows(triage)
        ],
        schema_overrides={"why it is kept": pl.String},
    )


def item_rows(failing: pl.DataFrame | None) -> list[dict[str, Any]]:
    """One row per item asked again: reproduced ones first, then by id."""
    if failing is None:
        return []
    order = {"reproduced": 0, "not_reproduced": 1, "not_measured": 2, "flaky": 3}
    rows = sorted(failing.to_dicts(), key=lambda row: (order[row["finding"]], row["item_id"]))
    return [
        {
            "item_id": row["item_id"],
            "subsets": ", ".join(row["subsets"]),
            "route": row["route"],
            "outcome": FINDING_WORDS[row["finding"]],
            "counts": f"{row['lost_again']} of {row['compared']}",
            "finding": row["finding"],
        }
        for row in rows
    ]


def _named(row: Mapping[str, Any]) -> str:
    confirmed = {
        "confirmed": f"; confirmed on {row['fresh_items']} fresh items",
        "not_confirmed": f"; not confirmed on {row['fresh_items']} fresh items",
        "no_fresh_items": "; there is no fresh data to confirm it on",
    }[row["confirmation"]]
    return (
        f"systematic: {_name(row)} lost {row['losses']} of {row['items']} against {row['wins']} "
        f"wins, {100 * row['difference']:+.1f} points ({100 * row['lower']:+.1f} to "
        f"{100 * row['upper']:+.1f}), p = {row['p_value']:.2g} among all slices{confirmed}"
        f"{_over(row)}."
    )


def _recurring(row: Mapping[str, Any]) -> str:
    return (
        f"systematic: {_name(row)} keeps losing: the evidence over {row['candidates']} candidates "
        f"has been {row['e_largest']:.0f} to 1."
    )


def _over(row: Mapping[str, Any]) -> str:
    told = {
        "systematic": f"; it keeps losing over {row['candidates']} candidates",
        "watch": "; one to watch over candidates",
        "noise": "",
    }
    return told[row["recurrence"]] if row["candidates"] > 1 else ""


def _name(row: Mapping[str, Any]) -> str:
    return f"{ATTRIBUTE_WORDS[row['attribute']].lower()} '{one_line(row['name'])}'"


def _again(row: Mapping[str, Any]) -> str:
    asked = row["reproduced"] + row["flaky"] + row["not_reproduced"]
    if not asked:
        return "none"
    return (
        f"{row['reproduced']} of {asked} lost every time, {row['flaky']} flaky, "
        f"{row['not_reproduced']} not lost again"
    )
