"""The Typer application: commands in groups, and errors as one clear message with an exit code."""

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer import rich_utils

from eval_pipeline import __version__
from eval_pipeline.adapters.private_files import keep_from_others
from eval_pipeline.cli import (
    aa_command,
    alert_commands,
    anonymise_commands,
    audit_command,
    backup_commands,
    candidates_command,
    catalogue_command,
    compare_command,
    confidence_command,
    continue_command,
    demo_commands,
    drift_commands,
    explain_command,
    forget_commands,
    gate_command,
    golden_commands,
    health_command,
    job_commands,
    judge_commands,
    load_command,
    monitor_command,
    outcome_command,
    plan_command,
    policy_commands,
    report_command,
    review_commands,
    setup_commands,
    shadow_commands,
    store_commands,
    telemetry_commands,
    triage_command,
)
from eval_pipeline.cli.session import err
from eval_pipeline.errors import EvalPipelineError

TRACEBACK_VARIABLE = "EVAL_PIPELINE_TRACEBACK"
DISK_REFUSALS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO}
)
INTERRUPTED = 130
USAGE = 64

# Typer carries its own copy of Click, and exports no more of Click's exceptions than this one.
_exceptions: Any = typer.BadParameter.__mro__
UsageError, CommandError = _exceptions[1:3]

typer_app = typer.Typer(
    name="eval-pipeline",
    help="Keeps the ground truth of LLM evals fresh and turns it into a release decision.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
setup_commands.register(typer_app)
health_command.register(typer_app)
job_commands.register(typer_app)
monitor_command.register(typer_app)
gate_command.register(typer_app)
continue_command.register(typer_app)
plan_command.register(typer_app)
aa_command.register(typer_app)
audit_command.register(typer_app)
compare_command.register(typer_app)
explain_command.register(typer_app)
confidence_command.register(typer_app)
policy_commands.register(typer_app)
typer_app.add_typer(drift_commands.group, name="drift")
forget_commands.register(typer_app)
backup_commands.register(typer_app)
typer_app.add_typer(store_commands.group, name="store")
typer_app.add_typer(anonymise_commands.group, name="anonymise")
typer_app.add_typer(review_commands.group, name="review")
typer_app.add_typer(judge_commands.group, name="judges")
typer_app.add_typer(shadow_commands.group, name="shadow")
typer_app.add_typer(golden_commands.group, name="golden")
catalogue_command.register(typer_app)
triage_command.register(typer_app)
report_command.register(typer_app)
typer_app.add_typer(alert_commands.group, name="alerts")
load_command.register(typer_app)
candidates_command.register(typer_app)
typer_app.add_typer(telemetry_commands.metrics_group, name="metrics")
typer_app.add_typer(telemetry_commands.telemetry_group, name="telemetry")
outcome_command.register(typer_app)
typer_app.add_typer(demo_commands.group, name="demo")
typer_app.add_typer(setup_commands.config_group, name="config")


def _show_version(asked: bool) -> None:  # noqa: FBT001 - Typer's callback signature
    if asked:
        typer.echo(__version__)
        raise typer.Exit


@typer_app.callback()
def _main(
    version: Annotated[  # noqa: ARG001 - its callback shows it
        bool | None,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = None,
) -> None:
    """Commands read `eval_pipeline.yaml` here, or the file that --config names."""
    keep_from_others()


def app(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line; foreseeable failures end with one message and exit code 1.

    A mistake in the command itself ends with 64: 2 is the gate's word for "inconclusive".
    """
    try:
        code = typer_app(arguments, standalone_mode=False)
    except EvalPipelineError as error:
        if os.environ.get(TRACEBACK_VARIABLE):
            raise
        err.print(f"[bold red]Error:[/] {_escaped(str(error))}", soft_wrap=True)
        sys.exit(getattr(error, "exit_code", 1))
    except CommandError as error:
        rich_utils.rich_format_error(error)
        sys.exit(USAGE if isinstance(error, UsageError) else 1)
    except typer.Abort:
        code = INTERRUPTED
    except OSError as error:
        if error.errno not in DISK_REFUSALS or os.environ.get(TRACEBACK_VARIABLE):
            raise
        err.print(f"[bold red]Error:[/] {_escaped(_refused(error))}", soft_wrap=True)
        sys.exit(getattr(error, "exit_code", 1))
    except Exception as error:
        if not hasattr(error, "exit_code"):
            raise
        traceback.print_exc()
        sys.exit(error.exit_code)
    if code == INTERRUPTED:
        err.print("Interrupted. What was answered and written is kept; run the same command again.")
    sys.exit(code)


def _refused(error: OSError) -> str:
    """A file outside the lake and the store: a temporary one, a page, a project's own."""
    file = error.filename or f"in the temporary folder {tempfile.gettempdir()}, or where it writes"
    return (
        f"The system refuses a file that the command needs ({file}): {error.strerror}. What was "
        "written and answered before is kept. Free space there or give this user the right to it, "
        "then run the same command again."
    )


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")
