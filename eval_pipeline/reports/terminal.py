"""Tables for a terminal of 100 columns: colour helps, words and symbols carry the meaning."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from eval_pipeline.reports import policy_sections, wording
from eval_pipeline.reports.wording import SubsetRow

NAME_LENGTH: Final = 28
VERDICT_STYLES: Final = {
    "pass": "bold blue",
    "block": "bold red",
    "inconclusive": "bold yellow",
    "invalid": "bold magenta",
}
STATE_STYLES: Final = {
    "certified": "blue",
    "blocked": "bold red",
    "undecided": "yellow",
    "infeasible": "dim",
    "reported": "dim",
}


def decision_table(decision: Mapping[str, Any], report: pl.DataFrame) -> RenderableType:
    """The verdict in a sentence and a row per subset; `report` holds REGRESSION_REPORT rows."""
    means = {row["subset"]: row for row in report.iter_rows(named=True)}
    table = _plain_table()
    table.add_column("subset", max_width=NAME_LENGTH, no_wrap=True, overflow="ellipsis")
    table.add_column("state", no_wrap=True)
    for title in ("base %", "cand. %", "change"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("interval", no_wrap=True)
    for title in ("tol.", "items"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in wording.ordered(decision["subsets"]):
        table.add_row(*_cells(row, means))
    table.add_section()
    table.add_row(*_cells(decision["aggregate"], means))
    for row in policy_sections.dimension_rows(decision):
        table.add_row(*_cells(row, {row["subset"]: row}))
    style = VERDICT_STYLES[decision["verdict"]]
    words = [Text(line, style="bold") for line in policy_sections.people_sentences(decision)]
    return Group(Text(wording.headline(decision), style=style), *words, Text(), table)


def _plain_table() -> Table:
    return Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        header_style="dim",
    )


def _cells(row: SubsetRow, means: Mapping[str, SubsetRow]) -> list[Text]:
    name = "all items" if row["subset"] == wording.AGGREGATE else str(row["subset"])
    mean = means.get(str(row["subset"]), {})
    style = STATE_STYLES[row["state"]]
    state = f"{wording.STATE_SYMBOLS[row['state']]} {wording.STATE_WORDS[row['state']]}"
    return [
        Text(wording.one_line(name), style="bold" if row["state"] == "blocked" else ""),
        Text(state, style=style),
        Text(_share(mean.get("baseline_mean"))),
        Text(_share(mean.get("candidate_mean"))),
        Text(wording.points(row.get("difference")), style=style),
        Text(wording.interval(row)),
        Text(wording.tolerance(row.get("margin"))),
        Text(_count(row.get("items"))),
    ]


def _share(value: float | None) -> str:
    return "—" if value is None else f"{100 * value:.1f}"


def _count(value: int | None) -> str:
    return "—" if value is None else f"{value:,}"
