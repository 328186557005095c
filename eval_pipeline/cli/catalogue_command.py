"""`eval-pipeline catalogue`: a DuckDB file with the lake's tables, for people."""

from pathlib import Path
from typing import Annotated

import typer

from eval_pipeline.adapters.catalogue import CATALOGUE, build
from eval_pipeline.cli.options import ConfigOption
from eval_pipeline.cli.session import Session, err


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("catalogue")(catalogue)


def catalogue(
    config: ConfigOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--out", help="Write here; default: the lake's own, else the project's."),
    ] = None,
) -> None:
    """Write a DuckDB catalogue: views over a folder, a copy without texts of an object store."""
    session = Session(config)
    lake = session.pipeline.lake
    file = output or lake.local_path(CATALOGUE) or session.project.folder / CATALOGUE
    with session.progress.shown("reading the lake"):
        build(lake, file)
    err.print(f"The catalogue is {file}. Open it with `duckdb -readonly`.", soft_wrap=True)
