"""`compare`: the gate's statistics on scored trials from anywhere, without a project."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from eval_pipeline.adapters.result_files.contract import ResultFormat, input_schema
from eval_pipeline.cli.decision_output import (
    AlsoOption,
    DecisionFormat,
    FormatOption,
    OutOption,
    asked_output,
    could_not_evaluate,
    tell_decision,
)
from eval_pipeline.flows.compare_files import (
    ArmRequest,
    FileComparison,
    compare_files,
    read_arm,
    read_policy,
)


class InputFormat(StrEnum):
    """`ResultFormat`, or whatever the content shows."""

    auto = "auto"
    own = ResultFormat.own.value
    promptfoo = ResultFormat.promptfoo.value
    inspect = ResultFormat.inspect.value
    lm_eval = ResultFormat.lm_eval.value
    deepeval = ResultFormat.deepeval.value


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command()(compare)


def _print_schema(asked: bool) -> None:  # noqa: FBT001 - Typer's callback signature
    if asked:
        typer.echo(json.dumps(input_schema(), indent=2, ensure_ascii=False))
        raise typer.Exit


def compare(  # noqa: PLR0913, PLR0917 - one option each
    baseline: Annotated[
        Path, typer.Argument(help="Its scored trials: our Parquet or JSONL, or a tool's results.")
    ],
    candidate: Annotated[Path, typer.Argument(help="The candidate's, of the same items.")],
    policy: Annotated[
        Path, typer.Option(help="A file with a `gate` section, or that section alone.")
    ],
    output_format: FormatOption = DecisionFormat.text,
    output: OutOption = None,
    also: AlsoOption = None,
    input_format: Annotated[
        InputFormat, typer.Option(help="Who wrote the files; auto: as recognised, each by itself.")
    ] = InputFormat.auto,
    metric: Annotated[
        str | None, typer.Option(help="Which metric is the score, where the files hold several.")
    ] = None,
    baseline_system: Annotated[
        str | None, typer.Option(help="Which system of its file, where it holds several.")
    ] = None,
    candidate_system: Annotated[
        str | None, typer.Option(help="Which system of its file, where it holds several.")
    ] = None,
    baseline_name: Annotated[
        str | None, typer.Option(help="Its name in the decision; default: the file's.")
    ] = None,
    candidate_name: Annotated[
        str | None, typer.Option(help="Its name in the decision; default: the file's.")
    ] = None,
    judged: Annotated[
        bool | None,
        typer.Option(
            "--judged/--not-judged",
            help="Whether models gave the scores; default: if the policy asks of judges.",
        ),
    ] = None,
    _schema: Annotated[
        bool | None,
        typer.Option(
            "--print-schema",
            callback=_print_schema,
            is_eager=True,
            help="Print the JSON Schema of a row of our own files.",
        ),
    ] = None,
) -> None:
    """Compare two files of scored trials by a policy; needs no project.

    Exit 0 pass, 1 block, 2 inconclusive, 3 could not be evaluated.
    """
    with could_not_evaluate():
        asked = asked_output(output_format, output, also)
        compared = _compared(
            ArmRequest(baseline, baseline_system, baseline_name),
            ArmRequest(candidate, candidate_system, candidate_name),
            policy=policy,
            result_format=result_format_of(input_format),
            metric=metric,
            judged=judged,
        )
        tell_decision(compared.decision, compared.report, output=asked, page=compared.page, hint="")
    raise typer.Exit(compared.decision.exit_code)


def result_format_of(asked: InputFormat) -> ResultFormat | None:
    """The format that was named, or None for whatever the content shows."""
    return None if asked is InputFormat.auto else ResultFormat(asked.value)


def _compared(
    baseline: ArmRequest,
    candidate: ArmRequest,
    *,
    policy: Path,
    result_format: ResultFormat | None,
    metric: str | None,
    judged: bool | None,
) -> FileComparison:
    rules = read_policy(policy)
    files = [
        read_arm(arm, result_format=result_format, metric=metric) for arm in (baseline, candidate)
    ]
    names = [arm.name or file.name for arm, file in zip((baseline, candidate), files, strict=True)]
    if names[0] == names[1]:
        names = [f"{names[0]} (baseline)", f"{names[1]} (candidate)"]
    return compare_files(
        files[0], files[1], policy=rules, names=(names[0], names[1]), judged=judged
    )
