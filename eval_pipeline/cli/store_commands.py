"""`eval-pipeline store`: the operational store's schema, and its migration by command."""

import json
from contextlib import closing

import typer

from eval_pipeline.adapters.migrations import HEAD
from eval_pipeline.adapters.store import Store
from eval_pipeline.cli.options import ConfigOption, JsonOption
from eval_pipeline.cli.session import out
from eval_pipeline.settings_file import load_project

group = typer.Typer(help="The operational store: its schema.", no_args_is_help=True)


@group.command("status")
def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - a Typer flag
    """Say which schema the store has and which this program needs; exit 1 if they differ."""
    with closing(Store.connect(load_project(config).store_url)) as store:
        found, address = store.schema(), store.address
    if as_json:
        typer.echo(json.dumps({"store": address, "schema": found, "needed": HEAD}, indent=2))
    else:
        out.print(
            f"{address}: schema {found or 'none'}; this program needs {HEAD}.",
            markup=False,
            soft_wrap=True,
        )
    if found != HEAD:
        raise typer.Exit(1)


@group.command("upgrade")
def upgrade(config: ConfigOption = None) -> None:
    """Migrate the store to this program's schema, in one transaction; may be run at any time.

    What still runs of an earlier version writes to the store no more from then on, and says so.
    """
    url = load_project(config).store_url
    with closing(Store.connect(url)) as store:
        before = store.schema()
    with closing(Store.open(url)) as store:
        now, address = store.schema(), store.address
    changed = f"from schema {before or 'none'} to {now}" if before != now else f"at schema {now}"
    out.print(f"{address}: {changed}.", markup=False, soft_wrap=True)
