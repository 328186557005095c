"""From a sample of someone's logs to the `logs` section of their configuration."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import typer

from eval_pipeline.adapters.logs.column_names import path_of_all
from eval_pipeline.adapters.logs.formats import LOG_COLUMNS
from eval_pipeline.adapters.logs.recognition import Recognised, recognise
from eval_pipeline.cli.session import out
from eval_pipeline.errors import SettingsError
from eval_pipeline.settings.logs import LogFormat


@dataclass(frozen=True)
class LogChoice:
    """What the configuration says of the logs."""

    log_format: LogFormat
    path: str
    columns: Mapping[str, str] = field(default_factory=dict)


def mapping_from(pairs: Sequence[str]) -> dict[str, str]:
    """Canonical column to theirs, from `--map ours=theirs`; raises `SettingsError`."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        if not equals or not theirs or ours not in LOG_COLUMNS:
            raise SettingsError(
                f"--map: '{pair}' is not canonical=yours. Nothing was written. "
                f"Canonical columns are {', '.join(LOG_COLUMNS)}."
            )
        mapping[ours] = theirs
    return mapping


def choose_logs(
    sample: Path,
    *,
    path: str | None,
    log_format: LogFormat | None,
    columns: Mapping[str, str],
    directory: Path,
) -> LogChoice:
    """Recognises the sample, asks at a terminal for what is missing, and tells what it found.

    Raises `SettingsError` with the command that would say it, where nobody can be asked.
    """
    seen = recognise(sample, log_format=log_format, columns=columns)
    if seen.missing and sys.stdin.isatty():
        answered = {**columns, **seen.columns, **_answers(seen)}
        seen = recognise(sample, log_format="canonical", columns=answered)
    if seen.log_format is None or seen.missing:
        raise SettingsError(_unknown(seen, sample=sample, directory=directory))
    chosen = LogChoice(
        seen.log_format,
        path or path_of_all(sample.resolve(), log_format=seen.log_format),
        seen.columns,
    )
    _tell(seen, chosen=chosen)
    return chosen


def _answers(seen: Recognised) -> dict[str, str]:
    out.print(f"Columns of the file: {', '.join(seen.found)}", markup=False, soft_wrap=True)
    return {column: _answer(column, found=seen.found) for column in seen.missing}


def _answer(column: str, *, found: Sequence[str]) -> str:
    while True:
        answer = str(typer.prompt(f"Which of them is {column}?"))
        if answer in found:
            return answer
        out.print("There is no such column.")


def _unknown(seen: Recognised, *, sample: Path, directory: Path) -> str:
    if not seen.found:
        return (
            f"No row among the first {seen.rows} of {sample} is a JSON object. Nothing was "
            "written. Name a file of JSON lines or Parquet, or give --logs and --format."
        )
    known = [f"--map {ours}={shlex.quote(theirs)}" for ours, theirs in seen.columns.items()]
    asked = [f"--map {column}=COLUMN" for column in seen.missing]
    command = [
        "eval-pipeline init",
        shlex.quote(str(directory)),
        "--from",
        shlex.quote(str(sample)),
    ]
    return (
        f"{sample} has no column that could be {', '.join(seen.missing)}. Nothing was written. "
        f"Its columns are: {', '.join(seen.found)}. Say which is which:\n  "
        + " ".join([*command, *known, *asked])
    )


def _tell(seen: Recognised, *, chosen: LogChoice) -> None:
    out.print(f"Recognised {chosen.log_format} ({seen.certainty}).", highlight=False)
    for ours, theirs in chosen.columns.items():
        out.print(f"  {ours} is your column {theirs}", markup=False, highlight=False)
    records = seen.fitting + sum(count for _, count in seen.quarantined)
    out.print(
        f"Of {records} interactions in the first {seen.rows} rows {seen.fitting} fit.",
        highlight=False,
    )
    for reason, count in seen.quarantined:
        out.print(f"  {count} do not: {reason}", highlight=False)
    out.print(f"All files like it: {chosen.path}", markup=False, highlight=False, soft_wrap=True)
