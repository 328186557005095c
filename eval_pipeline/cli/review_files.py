"""`eval-pipeline review export` and `review import`: the queue and the answers as files."""

import datetime as dt
import json
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal, get_args

import typer

from eval_pipeline.cli.options import ConfigOption, JsonOption, WeekOption, checked_week
from eval_pipeline.cli.session import Session, err, out
from eval_pipeline.errors import ReviewError
from eval_pipeline.flows import review_exports, review_imports
from eval_pipeline.flows.review_imports import Imported, ImportOptions
from eval_pipeline.review.interchange.people import named_people
from eval_pipeline.review.interchange.recognition import Form, recognised
from eval_pipeline.review.interchange.report import Place, Problem
from eval_pipeline.yaml_text import YamlTextError, parse_yaml

ExportName = Literal["jsonl", "label-studio", "argilla", "label-studio-config", "argilla-settings"]
PLACES_SHOWN = 8
"""Places that a line of the report names; --json names all."""


def register(group: typer.Typer) -> None:
    """Adds both commands to `review`."""
    group.command("export")(export)
    group.command("import")(import_answers)


def export(
    week: WeekOption,
    config: ConfigOption = None,
    output: Annotated[Path | None, typer.Option("--out", help="Write to this file.")] = None,
    name: Annotated[ExportName, typer.Option("--format", help="Whose form it has.")] = "jsonl",
    config_output: Annotated[
        Path | None,
        typer.Option("--config-out", help="Write the tool's labelling interface to this file."),
    ] = None,
    *,
    for_adjudicators: Annotated[
        bool,
        typer.Option("--for-adjudicators", help="What is disputed, with labels and claims."),
    ] = False,
) -> None:
    """Write the week's queue for people to label; judges' verdicts are not in it."""
    if for_adjudicators and name != "jsonl":
        raise typer.BadParameter("--for-adjudicators writes JSON lines only")
    if config_output is not None and name not in ("label-studio", "argilla"):
        raise typer.BadParameter("--config-out goes with --format label-studio or argilla")
    pipeline, week = Session(config).pipeline, checked_week(week)
    if for_adjudicators:
        text = review_exports.export_for_adjudicators(pipeline, week=week)
    elif name == "label-studio-config":
        text = review_exports.configuration(pipeline, form="label-studio")
    elif name == "argilla-settings":
        text = review_exports.configuration(pipeline, form="argilla")
    else:
        text = review_exports.export(pipeline, week=week, form=name)
        if config_output is not None and name != "jsonl":
            _write(config_output, review_exports.configuration(pipeline, form=name))
    if output is None:
        typer.echo(text, nl=False)
    else:
        _write(output, text)


def import_answers(  # noqa: PLR0913 - a Typer command
    file: Annotated[Path, typer.Argument(help="Labels or adjudications, in a known form.")],
    week: WeekOption,
    config: ConfigOption = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="Whose form it has; default: as it looks.")
    ] = None,
    annotators: Annotated[
        Path | None,
        typer.Option(
            "--annotators", help="YAML or JSON: their ids or addresses and whom they mean."
        ),
    ] = None,
    exported_at: Annotated[
        str | None,
        typer.Option(
            "--exported-at", help="When the file was made, for answers without a time of their own."
        ),
    ] = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a Typer flag
    *,
    adjudications: Annotated[
        bool, typer.Option("--adjudications", help="The lines are adjudications.")
    ] = False,
    assume_submitted: Annotated[
        bool,
        typer.Option(
            "--assume-submitted", help="Take Argilla's responses whose file names no status."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be recorded.")
    ] = False,
) -> None:
    """Read labels (or adjudications) back in; the same file twice changes nothing."""
    if adjudications and form not in (None, "jsonl"):
        raise typer.BadParameter("--adjudications reads JSON lines only")
    session, week = Session(config), checked_week(week)
    text = _text_of(file)
    chosen = "jsonl" if adjudications else form or _recognised(file, text)
    options = ImportOptions(
        form=chosen,
        people={} if annotators is None else _named_people(annotators),
        exported_at=_instant(exported_at),
        assume_submitted=assume_submitted,
        dry_run=dry_run,
    )
    take = review_imports.import_adjudications if adjudications else review_imports.import_labels
    imported = take(session.pipeline, text, week=week, options=options)
    guessed = form is None and not adjudications
    if as_json:
        typer.echo(json.dumps(_facts(imported, week=week, options=options, guessed=guessed)))
    else:
        _print(imported, options=options, guessed=guessed)
    if imported.refused:
        raise typer.Exit(1)


def _print(imported: Imported, *, options: ImportOptions, guessed: bool) -> None:
    if guessed:
        err.print(f"read as {options.form}, by its looks")
    counts = [
        (imported.recorded, "recorded"),
        (imported.corrected, "corrected"),
        (imported.known, "known already"),
        (imported.superseded, "older than what stands"),
        (imported.skipped, "skipped"),
        (imported.drafts, "drafts"),
        (len({problem.place for problem in imported.refused}), "refused"),
    ]
    always = {"recorded", "known already", "refused"}
    told = ", ".join(f"{count} {what}" for count, what in counts if count or what in always)
    out.print(f"{told}{' (dry run: nothing was written)' if options.dry_run else ''}")
    row = "line" if options.form == "jsonl" else "row"
    places: dict[str, list[Problem]] = defaultdict(list)
    for problem in imported.refused:
        places[problem.reason].append(problem)
    for reason, problems in places.items():
        named = "; ".join(_named(problem.place, row=row) for problem in problems[:PLACES_SHOWN])
        more = len(problems) - PLACES_SHOWN
        rest = f" and {more} more (all by --json)" if more > 0 else ""
        err.print(f"{named}{rest}: {reason}", markup=False, soft_wrap=True)


def _named(place: Place, *, row: str) -> str:
    return f"{row} {place.row}" + (f", answer {place.answer}" if place.answer else "")


def _facts(
    imported: Imported, *, week: str, options: ImportOptions, guessed: bool
) -> dict[str, object]:
    refused = [
        {
            "row": problem.place.row,
            "answer": problem.place.answer or None,
            "field": problem.field or None,
            "problem": problem.problem,
        }
        for problem in imported.refused
    ]
    return {
        "week": week,
        "format": options.form,
        "format_guessed": guessed,
        "dry_run": options.dry_run,
        **asdict(imported),
        "refused": refused,
    }


def _text_of(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        why = f"it is not UTF-8 text (byte {error.start})"
    except OSError as error:
        why = error.strerror or type(error).__name__
    raise ReviewError(f"{file} cannot be read: {why}. The store is unchanged.")


def _recognised(file: Path, text: str) -> Form:
    form = recognised(text)
    if form is None:
        raise ReviewError(
            f"{file} looks like none of {', '.join(get_args(Form))}, or like several. "
            "The store is unchanged. Say what it is by --format."
        )
    return form


def _named_people(file: Path) -> dict[str, str]:
    try:
        value = parse_yaml(_text_of(file))
    except YamlTextError:
        raise ReviewError(
            f"--annotators: {file} is neither YAML nor JSON. The store is unchanged."
        ) from None
    return named_people(value)


def _instant(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise typer.BadParameter("--exported-at: write it with its zone, as 2026-11-24T09:00:00Z")
    return instant.astimezone(dt.UTC)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ReviewError(f"{file} cannot be written: {error.strerror}.") from None
    err.print(f"written to {file}", soft_wrap=True)
