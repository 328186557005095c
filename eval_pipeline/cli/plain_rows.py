"""Rows and lines on the terminal whose texts people typed: shown, never obeyed."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import typer
from rich.table import Table as RichTable
from rich.text import Text

from eval_pipeline.cli.session import out


def print_rows(rows: Sequence[dict[str, Any]], *, as_json: bool, none: str) -> None:
    """A table with the names of the first row, or JSON; `none` where there are no rows."""
    if as_json:
        typer.echo(json.dumps(rows, default=lambda instant: instant.isoformat(), indent=2))
    elif not rows:
        out.print(none)
    else:
        table = RichTable()
        for position, name in enumerate(rows[0]):
            table.add_column(name.replace("_", " "), no_wrap=position == 0, overflow="fold")
        for row in rows:
            table.add_row(*_cells(row.values()))
        out.print(table)


def _cells(values: Iterable[Any]) -> list[Text]:
    return [Text(_plain(_shown(value))) for value in values]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name}={said}" for name, said in sorted(value.items()))
    if hasattr(value, "isoformat"):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else str(value)


def say(text: str) -> None:
    """One line, with nothing in it taken for markup."""
    out.print(_plain(text), markup=False, soft_wrap=True)


def _plain(text: str) -> str:
    """No character reaches the terminal that could move its cursor or turn its text around."""
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text)
