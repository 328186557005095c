"""`eval-pipeline golden`: list, show, diff and verify the published versions."""

import json
from typing import Annotated

import typer
from rich.table import Table as RichTable

from eval_pipeline.cli.options import ConfigOption, JsonOption
from eval_pipeline.cli.session import Session, err, out

group = typer.Typer(help="The golden set's published versions.", no_args_is_help=True)

VersionArgument = Annotated[int, typer.Argument(help="The version's number.")]


@group.command("list")
def list_versions(config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - a Typer flag
    """Every published version, oldest first."""
    golden = Session(config).pipeline.golden
    manifests = [golden.manifest(number) for number in golden.numbers()]
    if as_json:
        typer.echo(json.dumps([manifest.model_dump(mode="json") for manifest in manifests]))
        return
    if not manifests:
        out.print("No version is published yet. Run `eval-pipeline refresh` and `publish`.")
        return
    table = RichTable("version", "week", "items", "admitted", "retired", "revised", "content")
    for manifest in manifests:
        table.add_row(
            str(manifest.version),
            manifest.week,
            str(manifest.files[manifest.items_file].rows),
            str(len(manifest.admitted)),
            str(len(manifest.retired)),
            str(len(manifest.revised)),
            manifest.content_fingerprint[:12],
        )
    out.print(table)


@group.command()
def show(version: VersionArgument, config: ConfigOption = None) -> None:
    """One version's manifest."""
    manifest = Session(config).pipeline.golden.manifest(version)
    typer.echo(manifest.model_dump_json(indent=2))


@group.command()
def diff(
    old: Annotated[int, typer.Argument(help="The older version.")],
    new: Annotated[int, typer.Argument(help="The newer version.")],
    config: ConfigOption = None,
) -> None:
    """What came, went and was revised between two versions, and how the mix moved."""
    difference = Session(config).pipeline.golden.diff(old, new)
    typer.echo(json.dumps(difference.as_dict(), indent=2))


@group.command()
def verify(
    version: Annotated[
        int | None, typer.Argument(help="The version; default: every version.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Recompute every hash and the chain of versions; exit 1 if anything does not hold."""
    golden = Session(config).pipeline.golden
    numbers = golden.numbers() if version is None else [version]
    broken = 0
    for number in numbers:
        problems = golden.verify(number)
        broken += bool(problems)
        out.print(f"version {number}: {'; '.join(problems) if problems else 'sound'}")
    if not numbers:
        err.print("No version is published yet.")
    if broken:
        raise typer.Exit(1)
