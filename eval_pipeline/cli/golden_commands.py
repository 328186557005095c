"""`eval-pipeline golden`: the published versions, what changed, and whether they still hold."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from eval_pipeline.cli import golden_exports, golden_withdrawals
from eval_pipeline.cli.golden_contamination import contamination
from eval_pipeline.cli.golden_report import (
    difference_tables,
    history_table,
    manifest_tables,
    rebuilt_line,
    versions_table,
)
from eval_pipeline.cli.options import ConfigOption, JsonOption
from eval_pipeline.cli.session import Session, err, out
from eval_pipeline.evaluation.ledger import told_exposures
from eval_pipeline.flows.ledger import exposures_of_versions
from eval_pipeline.flows.rebuilding import rebuild as rebuild_versions

group = typer.Typer(help="The golden set's published versions.", no_args_is_help=True)
golden_withdrawals.register(group)
golden_exports.register(group)
group.command()(contamination)

VersionArgument = Annotated[int, typer.Argument(help="The version's number.")]
AnyVersionArgument = Annotated[
    int | None, typer.Argument(help="The version; default: every version.")
]
NONE_YET = "No version is published yet. Run `eval-pipeline refresh` and `publish`."


@group.command("list")
def list_versions(config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Every published version, oldest first."""
    golden = Session(config).pipeline.golden
    manifests = [golden.manifest(number) for number in golden.numbers()]
    if as_json:
        _print_json([manifest.model_dump(mode="json") for manifest in manifests])
    elif manifests:
        out.print(versions_table(manifests))
    else:
        out.print(NONE_YET)


@group.command()
def show(
    version: VersionArgument, config: ConfigOption = None, *, as_json: JsonOption = False
) -> None:
    """One version: what it holds, where it comes from, what it lacks. --json: its manifest."""
    pipeline = Session(config).pipeline
    golden = pipeline.golden
    manifest = golden.manifest(version)
    if as_json:
        typer.echo(manifest.model_dump_json(indent=2))
        return
    for table in manifest_tables(manifest, manifest_hash=golden.manifest_hash(version)):
        out.print(table)
    most = pipeline.settings.gate.ledger.maximum_exposures
    out.print(told_exposures(exposures_of_versions(pipeline), version=version, maximum=most))


@group.command()
def diff(
    old: Annotated[int, typer.Argument(help="The older version.")],
    new: Annotated[int, typer.Argument(help="The newer version.")],
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """What came, went and was revised between two versions, why, and how the mix moved."""
    difference = Session(config).pipeline.golden.diff(old, new)
    if as_json:
        _print_json(difference.as_dict())
        return
    out.print(
        f"version {old}: {difference.items_before} items; version {new}: "
        f"{difference.items_after} items; {difference.kept} in both and unchanged"
    )
    for table in difference_tables(difference):
        out.print(table)


@group.command()
def history(
    item: Annotated[str, typer.Argument(help="The item's id.")],
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """All that happened to an item: admitted, revised, retired, erased, and why."""
    events = Session(config).pipeline.golden.history(item)
    if as_json:
        _print_json([event.as_dict() for event in events])
    else:
        out.print(history_table(events))


@group.command()
def verify(
    version: AnyVersionArgument = None,
    config: ConfigOption = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Recompute every hash and the chain of versions; exit 1 if anything does not hold."""
    session = Session(config)
    golden = session.pipeline.golden
    numbers = golden.numbers() if version is None else [version]
    problems: dict[int, Sequence[str]] = {}
    with session.progress.shown("verifying versions"):
        for done, number in enumerate(numbers, start=1):
            problems[number] = golden.verify(number)
            session.progress(done, len(numbers), "verifying versions")
    if as_json:
        _print_json([{"version": number, "problems": found} for number, found in problems.items()])
    else:
        for number, found in problems.items():
            out.print(f"version {number}: {'; '.join(found) or 'sound'}", markup=False)
        if not numbers:
            err.print(NONE_YET)
    if any(problems.values()):
        raise typer.Exit(1)


@group.command()
def rebuild(
    version: AnyVersionArgument = None,
    config: ConfigOption = None,
    *,
    restore: Annotated[
        bool,
        typer.Option("--restore", help="Write a missing or broken items file again, if it is it."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the items again from the weeks' labels; exit 1 unless every byte is as published.

    No items file is read for that: versions are replayed from the first one on, as their
    manifests decided.
    """
    session = Session(config)
    with session.progress.shown("rebuilding versions"):
        found = list(rebuild_versions(session.pipeline, version=version, restore=restore))
    if as_json:
        _print_json([one.as_dict() for one in found])
    else:
        for one in found:
            out.print(rebuilt_line(one), markup=False)
        if not found:
            err.print(NONE_YET)
    if not all(one.sound for one in found):
        raise typer.Exit(1)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2))
