"""`eval-pipeline backup` and `restore`: store and lake, to a folder or an object store and back."""

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from typing import Annotated, Any

import typer

from eval_pipeline.adapters.backups.place import BackupPlace
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.cli.options import ConfigOption, JsonOption
from eval_pipeline.cli.session import CallProgress, Session, out
from eval_pipeline.errors import BackupError
from eval_pipeline.flows.backups.restoring import (
    Restored,
    RestoringPipeline,
    check_backup,
    restore_backup,
)
from eval_pipeline.flows.backups.taking import Taken, take_backup
from eval_pipeline.settings_file import Project, load_project

STANDARD_INPUT = "-"
NOT_IN_IT = (
    "The key of the pseudonyms, the configuration, the logs and Dagster's own database are not in "
    "it (docs/backup.md)."
)

PlaceArgument = Annotated[
    str, typer.Argument(help="The folder or URL with the backups; not inside the project's folder.")
]


def register(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    app.command()(backup)
    app.command()(restore)


def backup(to: PlaceArgument, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Back up store and lake as they are at one moment; jobs and the desk may go on.

    Exit 1 if the lake was written to all the time, or anything could not be copied.
    """
    session = Session(config)
    with closing(session.pipeline) as pipeline, session.progress.shown("backing up"):
        taken = take_backup(pipeline, to)
    if as_json:
        typer.echo(json.dumps(_facts_of(taken), indent=2))
        return
    facts = _facts_of(taken)
    _say(
        f"backup {facts['name']} at {facts['place']}: {facts['rows']:,} rows of the store, "
        f"{facts['files']:,} files of the lake, {facts['bytes']:,} bytes"
    )
    _say(NOT_IN_IT)


def restore(  # noqa: PLR0913 - one option each
    source: PlaceArgument,
    config: ConfigOption = None,
    *,
    name: Annotated[
        str | None, typer.Option("--name", help="Which backup; default: the newest complete one.")
    ] = None,
    erasures: Annotated[
        str | None,
        typer.Option(
            "--erasures",
            help="The record of erasures as it is today: the ledger, or a lake that still can be "
            "read. Default: `storage.erasure_ledger`.",
        ),
    ] = None,
    nobody_erased: Annotated[
        bool,
        typer.Option(
            "--nobody-erased-since", help="Say that nobody was erased since the backup was made."
        ),
    ] = False,
    erased_user: Annotated[
        list[str] | None,
        typer.Option(
            "--erased-user",
            help="A person whose erasure an earlier version recorded; repeatable; - reads ids "
            "from standard input, one a line.",
        ),
    ] = None,
    list_them: Annotated[
        bool, typer.Option("--list", help="List the backups; restore nothing.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Read every file and its hash; restore nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Restore a backup into an empty store and an empty lake, and erase again who was since erased.

    Exit 1 if something of an erased person is left, or a golden version does not verify.
    """
    if list_them:
        _list(source, as_json=as_json)
    elif check:
        document, size = check_backup(source, name=name)
        _say(
            f"backup {document.name} of {document.made_at:%Y-%m-%d %H:%M} UTC: "
            f"{len(document.files):,} files, {size:,} bytes, whole"
        )
    else:
        project = load_project(config)
        ledger = _ledger(project, erasures, nobody_erased=nobody_erased)
        progress = CallProgress()
        pipeline = RestoringPipeline(project, report=progress)
        with closing(pipeline), progress.shown("restoring"):
            restored = restore_backup(
                pipeline, source, name=name, ledger=ledger, told=_users(erased_user or ())
            )
        _tell(restored, as_json=as_json)
        if not restored.sound:
            raise typer.Exit(1)


def _ledger(project: Project, asked: str | None, *, nobody_erased: bool) -> Lake | None:
    if asked is not None and nobody_erased:
        raise BackupError(
            "--erasures and --nobody-erased-since contradict each other. Nothing was restored. "
            "Name one of them."
        )
    if nobody_erased:
        return None
    where = asked if asked is not None else project.ledger_url
    if where is None:
        raise BackupError(
            "Nothing says who was erased since the backup was made, and restoring it could bring "
            "somebody back. Nothing was restored. Name the record: --erasures with the folder or "
            "URL that `storage.erasure_ledger` named or with the lake as it was last; or say "
            "--nobody-erased-since."
        )
    return Lake(where)


def _users(asked: Sequence[str]) -> list[str]:
    told: list[str] = []
    for one in asked:
        told += sys.stdin.read().split("\n") if one == STANDARD_INPUT else [one]
    return [one.strip() for one in told if one.strip()]


def _list(source: str, *, as_json: bool) -> None:
    listed = BackupPlace(source).listed()
    if as_json:
        typer.echo(json.dumps([vars(one) for one in listed], indent=2))
        return
    for one in listed:
        _say(f"{one.name}  {'complete' if one.complete else 'interrupted'}")
    if not listed:
        _say("There is none.")


def _facts_of(taken: Taken) -> dict[str, Any]:
    document = taken.document
    return {
        "name": document.name,
        "place": taken.place,
        "rows": sum(table.rows for table in document.tables),
        "files": len(document.lake),
        "bytes": sum(entry.bytes for entry in document.files),
        "store_schema": document.store_schema,
        "rounds": taken.rounds,
    }


def _tell(restored: Restored, *, as_json: bool) -> None:
    if as_json:
        facts = {
            "name": restored.document.name,
            "rows": restored.rows,
            "files": restored.files,
            "erased_again": restored.erased_again,
            "unclean": restored.unclean,
            "problems": restored.problems,
        }
        typer.echo(json.dumps(facts, indent=2))
        return
    _say(
        f"restored {restored.document.name} of {restored.document.made_at:%Y-%m-%d %H:%M} UTC: "
        f"{restored.rows:,} rows, {restored.files:,} files; {restored.erased_again} erasures made "
        "again"
    )
    for erasure_id in restored.unclean:
        _say(f"  erasure {erasure_id}: something is left. Lake and store stay closed; see")
        _say("  docs/backup.md, and run the same command again.")
    for problem in restored.problems:
        _say(f"  {problem}")
    _say("Nobody is signed in at the desk, and tokens of then work no more: make new ones.")


def _say(line: str) -> None:
    out.print(line, markup=False, soft_wrap=True)
