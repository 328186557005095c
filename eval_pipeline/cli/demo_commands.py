"""`eval-pipeline demo`: the whole story, on invented logs or on real public ones."""

import signal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from eval_pipeline.cli import demo_desk, real, story
from eval_pipeline.cli.desk_commands import serve_desk
from eval_pipeline.cli.run_folder import RunFolder
from eval_pipeline.cli.session import out
from eval_pipeline.demo.logs import planted_canaries

group = typer.Typer(help="The whole story on embedded defaults, with nothing to start first.")

DirectoryOption = Annotated[
    Path, typer.Option("--directory", help="Where the run leaves its lake and pages.")
]
DEFAULT_DIRECTORY = Path("demo-run")


class Part(StrEnum):
    """The two parts of the run on real data."""

    conversations = "conversations"
    model_change = "model-change"


@group.callback(invoke_without_command=True)
def demo(
    context: typer.Context,
    directory: DirectoryOption = DEFAULT_DIRECTORY,
) -> None:
    """Eight weeks of an online pharmacy's assistant, from logs to two release decisions."""
    if context.invoked_subcommand is None:
        story.tell(directory)


@group.command("real")
def real_data(
    directory: DirectoryOption = Path("real-run"),
    part: Annotated[Part | None, typer.Option(help="Only one of the two parts.")] = None,
) -> None:
    """The same pipeline on real public data: EVAL_PIPELINE_REAL_DATA names its folder."""
    real.tell(directory, part=None if part is None else part.value)


@group.command()
def canaries() -> None:
    """Print every personal string planted in the demo's logs, one a line."""
    for canary in planted_canaries(seed=story.SEED, weeks=story.WEEKS):
        typer.echo(canary)


@group.command()
def provider(directory: DirectoryOption = DEFAULT_DIRECTORY) -> None:
    """Serve the demo's provider again, where the run's configuration expects it; Ctrl-C stops."""
    run = RunFolder.existing(directory)
    with story.provider_at(run.provider_port()) as process:
        process.set_epoch(story.WEEKS[-1].isoformat())
        out.print(f"Serving {process.base_url}; press Ctrl-C to stop.")
        signal.pause()


@group.command()
def desk(
    directory: DirectoryOption = DEFAULT_DIRECTORY,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8321,
    *,
    afresh: Annotated[
        bool, typer.Option("--afresh", help="Forget what was labelled here.")
    ] = False,
) -> None:
    """A review desk to try: the demo's last week, not labelled yet, and four people to be."""
    pipeline = demo_desk.desk_of(RunFolder.existing(directory), afresh=afresh)

    def started(actual_port: int) -> None:
        out.print(f"Review desk: http://127.0.0.1:{actual_port}")
        demo_desk.tell_guests(pipeline)
        out.print("Stop with Ctrl-C; `--afresh` begins again.")

    serve_desk(pipeline, host="127.0.0.1", port=port, started=started)
