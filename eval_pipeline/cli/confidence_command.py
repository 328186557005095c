"""`eval-pipeline confidence` and `earn`: what a system may answer alone, what a model is worth."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.table import Table as RichTable

from eval_pipeline.cli.options import CandidateOption, ConfigOption, JsonOption
from eval_pipeline.cli.plain_rows import say
from eval_pipeline.cli.session import Session, out
from eval_pipeline.evaluation.earning import earning_sentences
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.confidence import earnings_of
from eval_pipeline.reports.confidence import confidence_sentences, curve_rows
from eval_pipeline.tables import CONFIDENCE_CURVES


def register(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    app.command()(confidence)
    app.command()(earn)


def confidence(
    candidate: CandidateOption,
    config: ConfigOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a Typer flag
) -> None:
    """How right both systems are by how sure they say they are, and what may go unescalated.

    Needs the candidate's evaluation. Nothing is asked and nothing written.
    """
    session = Session(config)
    resolve_candidate(session.project, candidate)
    curves = session.pipeline.lake.read(CONFIDENCE_CURVES, partition=candidate)
    if as_json:
        told = {
            "candidate": candidate,
            "sentences": confidence_sentences(curves),
            "curves": curves.to_dicts(),
        }
        typer.echo(json.dumps(told, indent=2))
        return
    for sentence in confidence_sentences(curves):
        say(sentence)
    table = RichTable("arm", "subset", "from", "answered", "right", "AUROC")
    for row in curve_rows(curves):
        if row["state"] == "not_given":
            continue
        table.add_row(
            row["arm"],
            row["subset"],
            f"{row['threshold']:g}",
            _share(row, "coverage"),
            _share(row, "accuracy"),
            _share(row, "auroc"),
        )
    out.print(table)


def earn(
    candidate: Annotated[
        str, typer.Argument(help="A naive candidate, or one whose baseline is naive.")
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a Typer flag
) -> None:
    """Does the model earn its cost? What it gains over a naive system, and what a gain costs.

    Needs the candidate's evaluation. Nothing is asked and nothing written.
    """
    session = Session(config)
    told = earnings_of(session.pipeline, resolve_candidate(session.project, candidate))
    sentences = earning_sentences(told)
    if as_json:
        document = {
            "candidate": candidate,
            "sentences": sentences,
            "subsets": [one.as_dict() for one in told],
        }
        typer.echo(json.dumps(document, indent=2))
        return
    for sentence in sentences:
        say(sentence)
    table = RichTable(
        "subset", "items", "naive", "model", "gain", "USD more a task", "USD a success"
    )
    for one in told:
        row = one.as_dict()
        table.add_row(
            one.subset,
            str(one.items),
            _percent(one.naive_mean),
            _percent(one.model_mean),
            _share(
                {"gain": one.difference, "gain_lower": one.lower, "gain_upper": one.upper}, "gain"
            ),
            _usd(row, "extra_cost"),
            _usd(row, "cost_per_success"),
        )
    out.print(table)


def _share(row: Mapping[str, Any], name: str) -> str:
    value, lower, upper = row[name], row[f"{name}_lower"], row[f"{name}_upper"]
    if value is None:
        return "-"
    return _percent(value) + ("" if lower is None else f" ({_percent(lower)} to {_percent(upper)})")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{round(100 * value) + 0} %"


def _usd(row: Mapping[str, Any], name: str) -> str:
    value, lower, upper = row[f"{name}_usd"], row[f"{name}_lower"], row[f"{name}_upper"]
    if value is None:
        return "-"
    return f"{value:.3g}" + (" (no bounds)" if lower is None else f" ({lower:.3g} to {upper:.3g})")
