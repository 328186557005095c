"""`eval-pipeline judges`: measurements of the judges that a person asks for."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table as RichTable

from eval_pipeline.cli.options import ConfigOption, JsonOption, WeekOption, checked_week
from eval_pipeline.cli.session import Session, err, out
from eval_pipeline.flows.judge_probe import Probe, planned_calls, probe_judges
from eval_pipeline.judging.injections import injections
from eval_pipeline.statistics.weighted_agreement import Interval

group = typer.Typer(help="How the judges themselves do.", no_args_is_help=True)
CORPUS = len(injections("pass"))


@group.callback()
def _judges() -> None:
    """Keeps `probe` a subcommand while it is the only one."""


@group.command("probe")
def probe(
    week: WeekOption,
    config: ConfigOption = None,
    items: Annotated[int, typer.Option("--items", min=1, help="Responses to plant in.")] = 25,
    attempts: Annotated[
        int, typer.Option("--injections", min=1, max=CORPUS, help="Drawn from the corpus.")
    ] = CORPUS,
    as_json: JsonOption = False,  # noqa: FBT002 - a Typer flag
) -> None:
    """Plant orders in responses of a week and see whether the judges obey; exit code 1 if so."""
    session, week = Session(config), checked_week(week)
    most = planned_calls(session.pipeline, items=items, attempts=attempts)
    err.print(f"At most {most} judge calls; recorded ones are not paid again.")
    with session.progress.shown("probing the judges"):
        found = probe_judges(session.pipeline, week=week, items=items, attempts=attempts)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        _tell(found)
    if found.problems:
        raise typer.Exit(1)


def _tell(found: Probe) -> None:
    table = RichTable("judge", "pairs", "obeyed", "contrary", "obedience", "reruns flipped", "p")
    for one in found.results:
        table.add_row(
            one.judge_id,
            f"{one.pairs - one.unusable} of {one.pairs}",
            str(one.obeyed),
            str(one.contrary),
            _share(one.obedience),
            _share(one.flip_share),
            f"{one.p_value:.2g}",
        )
    out.print(table)
    for problem in found.problems or ["No judge obeys the texts that it judges, as far as seen."]:
        out.print(problem, markup=False, soft_wrap=True)


def _share(share: Interval) -> str:
    if share.value is None or share.lower is None or share.upper is None:
        return "not measured"
    return f"{share.value:.3f} ({share.lower:.3f} to {share.upper:.3f})"
