"""Setting up: init, doctor, and the configuration's own commands."""

import datetime as dt
import json
import sys
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer
from jinja2 import Environment, StrictUndefined, Template

from eval_pipeline.cli.log_set_up import LogChoice, choose_logs, mapping_from
from eval_pipeline.cli.options import ConfigOption, JsonOption
from eval_pipeline.cli.session import Session, out
from eval_pipeline.errors import SettingsError
from eval_pipeline.flows.doctor import examine
from eval_pipeline.flows.wiring import utc_now
from eval_pipeline.settings import undeclared_families
from eval_pipeline.settings.logs import LogFormat
from eval_pipeline.settings_file import DEFAULT_CONFIG, parse_settings, settings_json_schema

config_group = typer.Typer(help="The configuration itself.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the set-up commands to the application."""
    app.command()(init)
    app.command()(doctor)


def init(  # noqa: PLR0913, PLR0917 - one option each
    directory: Annotated[Path, typer.Argument(help="Where to put the configuration.")] = Path(),
    sample: Annotated[
        Path | None, typer.Option("--from", help="One of your log files, to recognise them by.")
    ] = None,
    logs: Annotated[str | None, typer.Option(help="Glob of your log files.")] = None,
    log_format: Annotated[
        LogFormat | None,
        typer.Option("--format", help="What the log files are; default: as recognised."),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", help="canonical=yours: the name of a column; repeatable."),
    ] = None,
    provider_url: Annotated[str | None, typer.Option(help="OpenAI-style base URL.")] = None,
    key_variable: Annotated[
        str, typer.Option(help="The environment variable with the provider's key.")
    ] = "OPENAI_API_KEY",
    model: Annotated[str | None, typer.Option(help="The model your feature runs on.")] = None,
    judges: Annotated[
        str | None, typer.Option(help="Two judges as family/model,family/model.")
    ] = None,
    first_week: Annotated[
        str | None, typer.Option(help="The first Monday to handle; default: last week's.")
    ] = None,
) -> None:
    """Scaffold a configuration for your own logs, by flags or by questions."""
    file = directory / DEFAULT_CONFIG
    if file.exists():
        raise SettingsError(f"{file} exists already and was left as it is. Choose another folder.")
    first, second = _two_judges(judges or _asked("Two judges", "openai/gpt-4.1,anthropic/claude"))
    chosen = _logs(sample, path=logs, log_format=log_format, pairs=mapping, directory=directory)
    text = _starter().render(
        log_format=chosen.log_format,
        logs=json.dumps(chosen.path),
        columns={ours: json.dumps(theirs) for ours, theirs in chosen.columns.items()},
        provider_url=provider_url or _asked("Base URL", "http://127.0.0.1:4000/v1"),
        key_variable=key_variable,
        model=model or _asked("The model your feature runs on", "gpt-4.1"),
        first_judge=first[1],
        first_family=first[0],
        second_judge=second[1],
        second_family=second[0],
        first_week=first_week or _last_monday().isoformat(),
    )
    parse_settings(text, file=str(file))
    (directory / "candidates").mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    query = directory / "logs.sql"
    if chosen.log_format == "sql" and not query.exists():
        query.write_text(_shipped("logs.sql"), encoding="utf-8")
    out.print(f"Wrote {file}. Next: name your subsets in it, then run", soft_wrap=True)
    out.print("  export EVAL_PIPELINE_KEY=$(openssl rand -hex 32)   # once; keep it")
    out.print(f"  eval-pipeline doctor --config {file}", soft_wrap=True)


def doctor(config: ConfigOption = None, as_json: JsonOption = False) -> None:  # noqa: FBT002 - a Typer flag
    """Check configuration, keys, logs, providers, store and lake, and say how to mend each."""
    session = Session(config)
    findings = examine(session.pipeline)
    if as_json:
        typer.echo(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        marks = {"ok": "[green]ok  [/]", "warn": "[yellow]warn[/]", "fail": "[bold red]FAIL[/]"}
        for finding in findings:
            out.print(f"{marks[finding.state]}  {finding.subject}: ", end="")
            out.print(finding.detail, markup=False, soft_wrap=True)
            for example in finding.examples:
                shown = "  ".join(f"{name}: {value}" for name, value in example.items())
                out.print(f"      {shown}", markup=False, highlight=False, soft_wrap=True)
            if finding.remedy:
                out.print(f"      -> {finding.remedy}", markup=False, soft_wrap=True)
    if any(finding.state == "fail" for finding in findings):
        raise typer.Exit(1)


@config_group.command("schema")
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    typer.echo(json.dumps(settings_json_schema(), indent=2))


@config_group.command("check")
def check(config: ConfigOption = None) -> None:
    """Load the configuration and say whether it holds; errors name file, line and key."""
    session = Session(config)
    out.print(f"{session.project.file}: sound.", soft_wrap=True)
    for name in undeclared_families(session.project.settings.systems):
        out.print(f"systems.{name}: family not declared.", markup=False, soft_wrap=True)


def _logs(
    sample: Path | None,
    *,
    path: str | None,
    log_format: LogFormat | None,
    pairs: list[str] | None,
    directory: Path,
) -> LogChoice:
    columns = mapping_from(pairs or ())
    if sample is not None and log_format != "sql":
        return choose_logs(
            sample, path=path, log_format=log_format, columns=columns, directory=directory
        )
    where = path or _asked("Glob of your log files", "logs/week={week}/*.parquet")
    return LogChoice(log_format or "canonical", where, columns)


def _shipped(name: str) -> str:
    return (resources.files("eval_pipeline.cli") / "starter" / name).read_text("utf-8")


def _starter() -> Template:
    text = _shipped(DEFAULT_CONFIG)
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - YAML
    return environment.from_string(text)


def _asked(question: str, default: str) -> str:
    """The answer of a person at a terminal; elsewhere the default."""
    if not sys.stdin.isatty():
        return default
    return str(typer.prompt(question, default=default))


def _two_judges(text: str) -> list[tuple[str, str]]:
    pairs = [tuple(part.strip().split("/", 1)) for part in text.split(",")]
    if len(pairs) != 2 or any(len(pair) != 2 for pair in pairs):  # noqa: PLR2004 - two by design
        raise SettingsError(
            f"--judges: '{text}' is not two judges. Write family/model,family/model, "
            "of two different families."
        )
    return [(pair[0], pair[1]) for pair in pairs]


def _last_monday() -> dt.date:
    today = utc_now().date()
    return today - dt.timedelta(days=today.weekday() + 7)
