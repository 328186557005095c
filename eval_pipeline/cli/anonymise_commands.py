"""Masking on its own: files in and out, the models of names, the hashes of known values."""

import os
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, get_args

import typer

from eval_pipeline.adapters.text_files.failures import (
    AnonymiseRequestError,
    MaskingInterruptedError,
)
from eval_pipeline.adapters.text_files.streams import (
    STANDARD,
    FileFormat,
    check_output,
)
from eval_pipeline.cli.default_command import DEFAULT, DefaultCommand, DefaultCommandGroup
from eval_pipeline.cli.masking_progress import shown_progress
from eval_pipeline.cli.masking_report import report_of, tell, write_report
from eval_pipeline.cli.model_commands import hash_known_values, train
from eval_pipeline.cli.options import ConfigOption, JsonOption
from eval_pipeline.cli.session import err
from eval_pipeline.errors import SettingsError
from eval_pipeline.flows.anonymise_files import AnonymiseRequest, anonymise_file
from eval_pipeline.flows.masked_batches import Explained
from eval_pipeline.secret_values import secret_value
from eval_pipeline.settings import AnonymisationSettings
from eval_pipeline.settings.anonymisation import Language
from eval_pipeline.settings_file import default_config_path, load_section

_SIBLINGS = (
    "Beside it: `anonymise train` makes a model of names from your own labelled text, "
    "`anonymise hash-known-values` makes the list that the known-value check reads."
)
group = typer.Typer(cls=DefaultCommandGroup, help="Mask personal data in a file, on its own.")
group.command("train")(train)
group.command("hash-known-values")(hash_known_values)


@group.command(DEFAULT, cls=DefaultCommand, hidden=True, epilog=_SIBLINGS)
def files(  # noqa: PLR0913, PLR0917 - one option each
    source: Annotated[str, typer.Argument(metavar="IN", help="The file to mask; - for stdin.")],
    target: Annotated[str, typer.Argument(metavar="OUT", help="Where to; - for stdout.")],
    config: ConfigOption = None,
    fields: Annotated[
        list[str] | None,
        typer.Option("--field", help="Scan only this, as messages[].content; repeatable."),
    ] = None,
    file_format: Annotated[
        FileFormat | None, typer.Option("--format", help="Default: by the ending of IN.")
    ] = None,
    route: Annotated[str | None, typer.Option(help="The route whose allow-list holds.")] = None,
    route_field: Annotated[
        str | None, typer.Option(help="The field that holds each record's route.")
    ] = None,
    conversation_field: Annotated[
        str | None,
        typer.Option(help="Neighbours with the same value here are one conversation."),
    ] = None,
    language: Annotated[
        str | None, typer.Option(help="Languages of the texts, as en,de; default: configured.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Worker processes; default: one for each core.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write counts here, as .json or .html; never text.")
    ] = None,
    skip_bad_lines: Annotated[  # noqa: FBT002 - a Typer flag
        bool, typer.Option("--skip-bad-lines", help="Leave out lines that are no JSON.")
    ] = False,
    keep_keys: Annotated[  # noqa: FBT002 - a Typer flag
        bool, typer.Option("--keep-keys", help="Accept personal data in keys of objects.")
    ] = False,
    explain: Annotated[  # noqa: FBT002 - a Typer flag
        bool, typer.Option("--explain", help="Show each value with its rule: personal data!")
    ] = False,
    as_json: JsonOption = False,  # noqa: FBT002
    overwrite: Annotated[  # noqa: FBT002
        bool, typer.Option("--overwrite", help="Replace OUT if it exists.")
    ] = False,
) -> None:
    """Mask every text of a file (JSON lines, Parquet, plain text), or leave nothing behind.

    OUT appears only when all was masked and a second scan found nothing. Keys, order and numbers
    stay; values under sensitive keys are masked whole.
    """
    _check(source, target, report=report, as_json=as_json, explain=explain, overwrite=overwrite)
    settings = _settings(config, language)
    if settings.rewriter is not None:
        err.print("`anonymisation.rewriter` works in the weekly flow; here nothing is rewritten.")
    request = AnonymiseRequest(
        source=source,
        target=target,
        settings=settings,
        key=_key(settings),
        file_format=file_format,
        fields=tuple(fields or ()),
        route=route,
        route_field=route_field,
        conversation_field=conversation_field,
        processes=processes or _cores(),
        skip_bad_lines=skip_bad_lines,
        keep_keys=keep_keys,
        explain=explain,
        overwrite=overwrite,
    )
    begun = time.monotonic()
    with _ended_cleanly(), shown_progress(err, quiet=as_json or explain) as progress:
        done = anonymise_file(
            request,
            progress=progress,
            explained=_explainer(to_stderr=target == STANDARD) if explain else None,
        )
    told = report_of(done, seconds=time.monotonic() - begun)
    if report is not None:
        write_report(report, told)
    tell(told, target=target, as_json=as_json)


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _check(
    source: str, target: str, *, report: Path | None, as_json: bool, explain: bool, overwrite: bool
) -> None:
    if as_json and (target == STANDARD or explain):
        raise AnonymiseRequestError(
            "--json prints the report where OUT or --explain would print. Nothing was read. "
            "Write the report to a file with --report."
        )
    if report is not None:
        if report.suffix.lower() not in {".json", ".html"}:
            raise AnonymiseRequestError(
                f"--report: {report} ends neither in .json nor in .html. Nothing was read."
            )
        if target != STANDARD and report.absolute() == Path(target).absolute():
            raise AnonymiseRequestError("--report names OUT itself. Nothing was read.")
        check_output(source, str(report), overwrite=overwrite)


def _settings(config: Path | None, language: str | None) -> AnonymisationSettings:
    """The file's section, or defaults where no file was named and none is here."""
    file = config or default_config_path()
    settings = AnonymisationSettings()
    if config is not None or file.exists():
        settings = load_section(file, "anonymisation", AnonymisationSettings)
        located = {name: str(file.parent / path) for name, path in settings.name_models.items()}
        settings = settings.model_copy(update={"name_models": located})
    if language is None:
        return settings
    wanted = [name.strip() for name in language.split(",")]
    known = get_args(Language)
    if unknown := [name for name in wanted if name not in known]:
        raise SettingsError(
            f"--language: '{', '.join(unknown)}' is not known; known are {', '.join(known)}. "
            "Nothing was read."
        )
    return settings.model_copy(update={"languages": tuple(wanted)})


def _key(settings: AnonymisationSettings) -> bytes:
    """The configured key; where it is not set one for this run, so nothing links two runs."""
    return secret_value(settings.key_variable).encode() or secrets.token_bytes(32)


@contextmanager
def _ended_cleanly() -> Iterator[None]:
    """Lets a signal end the block as an exception does, so that nothing is left beside OUT."""

    def terminated(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, terminated)
    try:
        yield
    except KeyboardInterrupt:
        raise MaskingInterruptedError from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _explainer(*, to_stderr: bool) -> Any:
    err.print("[bold yellow]--explain shows personal data.[/] Do not store what follows.")

    def show(change: Explained) -> None:
        parts = (change.record, change.place, change.stand_in, change.rule, repr(change.value))
        typer.echo("\t".join(map(str, parts)), err=to_stderr)

    return show
