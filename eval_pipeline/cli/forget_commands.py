"""`eval-pipeline forget`: erases one person everywhere, records that, and proves it by a scan."""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from eval_pipeline.cli.options import ConfigOption, JsonOption
from eval_pipeline.cli.session import DAGSTER_HOME, Session, err, out
from eval_pipeline.errors import SettingsError
from eval_pipeline.flows.erasure.forgetting import Forgotten, forget
from eval_pipeline.flows.erasure.places import Looked

STANDARD_INPUT = "-"
THE_LOGS = (
    "The logs themselves are yours: erase the person there too, and in backups, replicas and old "
    "versions of objects (docs/erasure.md)."
)
REMEDY = (
    "Something of the person is left, so the masked interactions that lead to it were kept. "
    "Delete what is named above if you made it (an exported queue, a copy), stop what is running, "
    "and run the same command again."
)


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command("forget")(forget_person)


def forget_person(
    user: Annotated[
        str,
        typer.Option(
            "--user", help="The person's id as the logs have it; - reads it from standard input."
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept, masked.")],
    by: Annotated[str, typer.Option("--by", help="Who asks for it; it is kept.")],
    config: ConfigOption = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be erased; change nothing.")
    ] = False,
    suppress: Annotated[
        bool,
        typer.Option(
            "--suppress", help="Keep the person out of later draws although nothing is here yet."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Erase one person from every week and golden version, and prove it; exit 1 if a trace is left.

    Scores, labels and decisions stay, without the texts. May be run again at any time.
    """
    user_id = sys.stdin.read().strip() if user == STANDARD_INPUT else user
    for option, value in (("--user", user_id), ("--reason", reason), ("--by", by)):
        if not value.strip():
            raise SettingsError(f"{option} is empty. Nothing was read or written.")
    session = Session(config)
    home = dagster_home(session.project.folder)
    with session.progress.shown("looking for the person"):
        forgotten = forget(
            session.pipeline,
            user_id,
            by=by,
            reason=reason,
            dry_run=dry_run,
            suppress=suppress,
            dagster_home=home,
        )
    if as_json:
        typer.echo(json.dumps(facts_of(forgotten), indent=2))
    else:
        _tell(forgotten, home=home)
    if not forgotten.clean:
        raise typer.Exit(1)


def dagster_home(folder: Path) -> Path | None:
    """Where Dagster keeps its history on this machine; null where there is none."""
    home = Path(os.environ.get(DAGSTER_HOME) or folder / "dagster").absolute()
    return home if home.is_dir() else None


def facts_of(forgotten: Forgotten) -> dict[str, object]:
    """The outcome for machines; no text and nothing that names the person."""
    return {
        "erasure_id": forgotten.erasure_id,
        "dry_run": forgotten.dry_run,
        "found": forgotten.found,
        "changes": [asdict(change) for change in forgotten.changes],
        "looked_for": forgotten.sought,
        "looked_in": [asdict(looked) | {"clean": looked.clean} for looked in forgotten.looked],
        "clean": forgotten.clean if forgotten.looked else None,
        "suppressed": forgotten.suppressed,
    }


def _tell(forgotten: Forgotten, *, home: Path | None) -> None:
    found = ", ".join(f"{count} {name}" for name, count in forgotten.found.items() if count)
    _say(f"found: {found or 'nothing of this person'}")
    for change in forgotten.changes:
        would = "would be " if forgotten.dry_run else ""
        rows = change.rows_removed or change.rows_blanked
        _say(f"  {change.place}: {would}{change.treatment}{f', {rows} rows' if rows else ''}")
    for looked in forgotten.looked:
        _say(
            f"looked in {looked.place} ({looked.address}): {looked.files} files, "
            f"{looked.bytes:,} bytes: {'no trace' if looked.clean else 'TRACES'}"
        )
        _tell_hits(looked)
    if forgotten.looked and home is None:
        _say("Dagster's home was not found here; if its storage is a server, look there yourself.")
    if not forgotten.dry_run:
        _say(
            f"erasure {forgotten.erasure_id}: later draws leave the person out"
            if forgotten.suppressed
            else "Nothing was here and nothing was recorded; --suppress keeps the person out of "
            "later draws all the same."
        )
    _say(THE_LOGS)
    if not forgotten.clean:
        err.print(REMEDY, soft_wrap=True)


def _tell_hits(looked: Looked) -> None:
    for file, hits in sorted(looked.hits.items()):
        _say(f"  {file}: {hits}")
    for file in looked.unread:
        _say(f"  {file}: cannot be read")


def _say(line: str) -> None:
    out.print(line, markup=False, soft_wrap=True)
