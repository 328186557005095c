"""`eval-pipeline load`: what a system bears, and the limit of its provider."""

import json
import math
from typing import Annotated, Any

import typer
from pydantic import ValidationError
from rich.table import Table as RichTable

from eval_pipeline.cli.options import ConfigOption, JsonOption
from eval_pipeline.cli.session import Session, err, out
from eval_pipeline.errors import SettingsError
from eval_pipeline.flows import load_profile as flow
from eval_pipeline.reports import load_profile_words as words
from eval_pipeline.settings import LoadSettings
from eval_pipeline.tables import LOAD_PROFILE

JOB = "load"
WHOLE_FROM = 100


def register(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command()(load)


def load(  # noqa: PLR0913 - Typer's options
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM", help="A system of the configuration, or a candidate.")
    ],
    config: ConfigOption = None,
    *,
    ramp: Annotated[
        str | None, typer.Option(help="Requests at once, step by step, as 1,2,4,8,16,32.")
    ] = None,
    rates: Annotated[
        str | None,
        typer.Option(help="Arrivals a second, step by step; none: searched for around the limit."),
    ] = None,
    seconds_per_step: Annotated[
        float | None, typer.Option(min=0.1, help="A step ends after so long.")
    ] = None,
    requests_per_step: Annotated[
        int | None, typer.Option(min=20, help="Or after so many requests.")
    ] = None,
    maximum_requests: Annotated[
        int | None, typer.Option(min=20, help="Hard cap on all requests.")
    ] = None,
    maximum_usd: Annotated[float | None, typer.Option(help="Hard cap on what it costs.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before spending.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Press a system with golden questions: throughput, latency and errors by load.

    Each request is made once, without retries. It finds the rate limit, where latency degrades,
    and says what to set. The requests are paid for and recorded; their answers are not kept.
    """
    session = Session(config)
    order = flow.LoadOrder(
        ramp=_whole(_numbers("--ramp", ramp)),
        rates=_numbers("--rates", rates),
        seconds_per_step=seconds_per_step,
        requests_per_step=requests_per_step,
        maximum_requests=maximum_requests,
        maximum_usd=maximum_usd,
    )
    settings = _settings(order, session.project.settings.load)
    flow.system_named(session.project, system)
    _agree(session, system, settings, yes=yes)
    with session.progress.shown(f"{JOB} {system}"):
        run_id = session.launcher.launch(
            JOB, partition=system, config={LOAD_PROFILE.name: order.as_config()}
        )
    rows = flow.load_profile_held(session.pipeline, system)
    if as_json:
        said = words.sentences(rows)
        told = {"system": system, "run_id": run_id, "said": said, "rows": rows.to_dicts()}
        typer.echo(json.dumps(told, indent=2))
        return
    for table in (_steps(words.step_table(rows).to_dicts()), _advice(rows)):
        out.print(table)
    for sentence in words.sentences(rows):
        out.print(f"- {sentence}", markup=False, soft_wrap=True)


def _settings(order: flow.LoadOrder, configured: LoadSettings) -> LoadSettings:
    try:
        return order.over(configured)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in found['loc']) or 'load'}: {found['msg']}"
            for found in error.errors()
        )
        raise SettingsError(f"This load cannot be made: {problems}. Nothing was asked.") from None


def _agree(session: Session, system: str, settings: LoadSettings, *, yes: bool) -> None:
    most = flow.expected_at_most(session.pipeline, system, settings)
    err.print(
        f"Load on '{system}': at most {most.told}, by what its calls took so far. It presses the "
        "provider until requests are refused; others on the same account feel it.",
        markup=False,
        soft_wrap=True,
    )
    if not yes:
        typer.confirm("Ask?", abort=True, err=True)


def _numbers(option: str, text: str | None) -> tuple[float, ...] | None:
    if text is None:
        return None
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if not numbers or not all(math.isfinite(number) for number in numbers):
        raise SettingsError(f"{option}: '{text}' is no list of numbers such as 1,2,4.")
    return numbers


def _whole(numbers: tuple[float, ...] | None) -> tuple[int, ...] | None:
    if numbers is None:
        return None
    if any(number != int(number) for number in numbers):
        raise SettingsError("--ramp: requests at once are whole numbers, such as 1,2,4.")
    return tuple(int(number) for number in numbers)


def _steps(steps: list[dict[str, Any]]) -> RichTable:
    table = RichTable(
        "load", "requests", "served/s", "p50 ms", "p95 ms", "p99 ms", "refused", "other errors",
        "tokens in/out", "USD",
    )  # fmt: skip
    for step in steps:
        errors = {
            name.removeprefix("error_share:"): share
            for name, share in step.items()
            if name.startswith("error_share:") and share and not name.endswith("rate_limited")
        }
        at_once = step["concurrency"] is not None
        table.add_row(
            f"{step['concurrency']} at once" if at_once else f"{step['offered_per_second']:.3g}/s",
            str(step["requests"]),
            _shown(step["served_per_second"]),
            *(
                _shown(step.get(f"latency_{name}_seconds"), scale=1000)
                for name in ("p50", "p95", "p99")
            ),
            f"{100 * (step['refused_share'] or 0):.0f} %",
            ", ".join(f"{name} {100 * share:.1f} %" for name, share in errors.items()) or "none",
            f"{_shown(step['mean_input_tokens'])}/{_shown(step['mean_output_tokens'])}",
            _shown(step["total_cost_usd"]),
        )
    return table


def _advice(rows: Any) -> RichTable:
    table = RichTable("advice", "value", "what for")
    for row in words.advice_table(rows).iter_rows(named=True):
        table.add_row(row["setting"], _shown(row["value"]), row["meaning"])
    return table


def _shown(value: float | None, *, scale: float = 1.0) -> str:
    if value is None:
        return "-"
    told = scale * value
    return f"{told:,.0f}" if abs(told) >= WHOLE_FROM else f"{told:.3g}"
