"""`eval-pipeline golden contamination`: which golden items systems may have seen beforehand."""

import json
from typing import Annotated

import polars as pl
import typer
from rich.table import Table as RichTable

from eval_pipeline.cli.options import ConfigOption, JsonOption
from eval_pipeline.cli.session import Session, out
from eval_pipeline.evaluation.exclusions import finding_sentences
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.contamination import screen_candidate, screen_version
from eval_pipeline.flows.reserve import newest_version
from eval_pipeline.tables.contamination import ANY

CandidateChoice = Annotated[
    str | None,
    typer.Option(
        "--candidate", help="Search this candidate's and the baseline's sources, reserve included."
    ),
]
SHOWN = 40


def contamination(
    candidate: CandidateChoice = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a Typer flag
) -> None:
    """Search prompts, few-shot and fine-tuning files for golden items; nothing is written."""
    session = Session(config)
    with session.progress.shown("searching sources"):
        if candidate is None:
            found = screen_version(session.pipeline, version=newest_version(session.pipeline))
        else:
            chosen = resolve_candidate(session.project, candidate)
            found = screen_candidate(session.pipeline, chosen)
    if as_json:
        typer.echo(json.dumps(found.to_dicts()))
        return
    _tell(found)


def _tell(found: pl.DataFrame) -> None:
    if found.is_empty():
        out.print(
            "No system has a prompt or names a file. Name what systems have learnt from under "
            "`systems.<id>.fine_tuning_files`, `few_shot_files` or `golden.contamination.sources`."
        )
        return
    read = found.filter(pl.col("measure") == "records")
    records = int(read["value"].sum())
    out.print(f"Sources read: {read.height}; records in them: {records}.")
    for sentence in finding_sentences(found) or ["No golden item was found in any of them."]:
        out.print(sentence, markup=False)
    items = found.filter(pl.col("item_id") != ANY)
    if items.is_empty():
        return
    table = RichTable("item", "matched", "measure", "value", "source", "record")
    for row in items.head(SHOWN).iter_rows(named=True):
        table.add_row(
            row["item_id"],
            row["matched"],
            row["measure"],
            f"{row['value']:.2f}",
            row["source"],
            str(row["record"]),
        )
    out.print(table)
    if items.height > SHOWN:
        out.print(f"{items.height - SHOWN} further findings; --json shows all.")
