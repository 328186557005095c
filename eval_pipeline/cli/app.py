"""The Typer application: commands in groups, and errors as one clear message with an exit code."""

import os
import sys
from typing import Annotated

import typer

from eval_pipeline import __version__
from eval_pipeline.cli import (
    demo_commands,
    golden_commands,
    job_commands,
    review_commands,
    setup_commands,
)
from eval_pipeline.cli.session import err
from eval_pipeline.errors import EvalPipelineError

TRACEBACK_VARIABLE = "EVAL_PIPELINE_TRACEBACK"

typer_app = typer.Typer(
    name="eval-pipeline",
    help="Keeps the ground truth of LLM evals fresh and turns it into a release decision.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
setup_commands.register(typer_app)
job_commands.register(typer_app)
typer_app.add_typer(review_commands.group, name="review")
typer_app.add_typer(golden_commands.group, name="golden")
typer_app.add_typer(demo_commands.group, name="demo")
typer_app.add_typer(setup_commands.config_group, name="config")


def _show_version(asked: bool) -> None:  # noqa: FBT001 - Typer's callback signature
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@typer_app.callback()
def _main(
    version: Annotated[
        bool | None,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = None,
) -> None:
    """Commands read `eval_pipeline.yaml` here, or the file that --config names."""


def app() -> None:
    """Runs the command line; foreseeable failures end with one message and exit code 1."""
    try:
        typer_app()
    except EvalPipelineError as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        err.print(f"[bold red]Error:[/] {_escaped(str(error))}", soft_wrap=True)
        sys.exit(getattr(error, "exit_code", 1))
    except KeyboardInterrupt:
        err.print("Interrupted. What was answered and written is kept; run the same command again.")
        sys.exit(130)


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")
