"""A decision told as asked: on the terminal or to a file, in one form or in several at once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import polars as pl
import typer

from eval_pipeline.cli.session import err, out
from eval_pipeline.errors import EvalPipelineError
from eval_pipeline.evaluation.decision import Decision
from eval_pipeline.reports import formats
from eval_pipeline.reports.terminal import decision_table

COULD_NOT_EVALUATE = 3


class DecisionFormat(StrEnum):
    """How a decision is told."""

    text = "text"
    json = "json"
    junit = "junit"
    markdown = "markdown"
    html = "html"


FormatOption = Annotated[DecisionFormat, typer.Option("--format", help="How to tell the decision.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Write it to this file instead.")]
AlsoOption = Annotated[
    list[str] | None,
    typer.Option("--also", help="format=file: write it in this form too; repeatable."),
]


class OutputError(EvalPipelineError):
    """The decision was made and cannot be told as asked."""


@dataclass(frozen=True)
class Output:
    """What a person asked for."""

    output_format: DecisionFormat
    file: Path | None
    also: tuple[tuple[DecisionFormat, Path], ...] = ()


def asked_output(
    output_format: DecisionFormat, file: Path | None, also: Sequence[str] | None
) -> Output:
    """The options as one; raises `OutputError` for an `--also` that is not format=file."""
    return Output(output_format, file, tuple(_pair(text) for text in also or ()))


@contextmanager
def could_not_evaluate() -> Iterator[None]:
    """A failure in here ends with 3: Python's own exit code is 1, which means block."""
    try:
        yield
    except Exception as error:
        error.exit_code = COULD_NOT_EVALUATE  # type: ignore[attr-defined]
        raise


def tell_decision(
    decision: Decision, report: pl.DataFrame, *, output: Output, page: Callable[[], str], hint: str
) -> None:
    """Writes the decision; `page` renders its HTML, `hint` stands under a table on the terminal.

    Files are written before anything is printed. Raises `OutputError` if one cannot be.
    """
    told = decision.model_dump(mode="json")
    renderers: dict[DecisionFormat, Callable[[], str]] = {
        DecisionFormat.text: lambda: formats.as_text(told),
        DecisionFormat.json: lambda: formats.as_json(told),
        DecisionFormat.junit: lambda: formats.as_junit(told),
        DecisionFormat.markdown: lambda: formats.as_markdown(told),
        DecisionFormat.html: page,
    }
    for output_format, file in output.also:
        _write(file, renderers[output_format](), decision.verdict)
    if output.file is not None:
        _write(output.file, renderers[output.output_format](), decision.verdict)
    elif output.output_format is DecisionFormat.text:
        out.print(decision_table(told, report))
        if hint:
            out.print(hint, markup=False, soft_wrap=True)
    else:
        typer.echo(renderers[output.output_format]())


def _pair(text: str) -> tuple[DecisionFormat, Path]:
    name, _, file = text.partition("=")
    known = [each.value for each in DecisionFormat]
    if name not in known or not file:
        raise OutputError(
            f"--also: '{text}' is not format=file. Nothing was decided. "
            f"Write, for example, junit=gate.xml; formats are {', '.join(known)}."
        )
    return DecisionFormat(name), Path(file)


def _write(file: Path, text: str, verdict: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(
            f"The verdict is {verdict}, and {file} cannot be written ({error.strerror}). "
            "Name a file in a folder that is there."
        ) from None
    err.print(f"{verdict}: written to {file}", markup=False, soft_wrap=True)
