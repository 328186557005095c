"""`eval-pipeline golden export` and `golden weights`: a version elsewhere, and for live traffic."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from eval_pipeline.adapters.lake import parquet_bytes
from eval_pipeline.cli.options import ConfigOption, JsonOption, WeekOption, checked_week
from eval_pipeline.cli.session import Session, err, out
from eval_pipeline.flows.golden_exports import ExportFormat, export_version, write_export
from eval_pipeline.flows.golden_weights import live_scores, weights_for
from eval_pipeline.truth.exports.formats import Export
from eval_pipeline.truth.live_estimate import LiveEstimate
from eval_pipeline.truth.post_stratification import (
    WeightSummary,
    clustered_design_effect,
    summary_of,
)

VersionArgument = Annotated[int, typer.Argument(help="The version's number.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]
LEFT_OUT_WORDS = {
    "no_expectation": "without a known good answer",
    "role_unknown": "with messages that the tool has no role for",
}
REASON_WORDS = {
    "synthetic": "synthetic: nothing drew them",
    "no_design": "without a stratum",
    "no_traffic": "in cells without traffic this week",
}


def register(group: typer.Typer) -> None:
    """Adds both commands to `golden`."""
    group.command("export")(export)
    group.command("weights")(weights)


def export(
    version: VersionArgument,
    file_format: Annotated[ExportFormat, typer.Option("--format", help="Which tool reads it.")],
    target: Annotated[Path, typer.Option("--out", help="The file to write.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a Typer flag
    force: ForceOption = False,  # noqa: FBT002
) -> None:
    """Write a version in the format of another tool; the same version gives the same bytes.

    An export is a copy: `eval-pipeline forget` does not reach it. Make it anew after an erasure.
    """
    session = Session(config)
    with session.progress.shown(f"Exporting version {version}"):
        origin, made = export_version(session.pipeline, version=version, file_format=file_format)
        paths = write_export(target, made, force=force)
    if as_json:
        told = {
            **asdict(origin),
            "format": file_format,
            "files": [str(path) for path in paths],
            "items": made.items,
            "without_expectation": made.without_expectation,
            "left_out": dict(made.left_out),
        }
        typer.echo(json.dumps(told))
        return
    out.print(_export_line(version, file_format, made, paths), soft_wrap=True)
    for reason, count in made.left_out.items():
        err.print(f"Left out: {count} items {LEFT_OUT_WORDS[reason]}.", soft_wrap=True)


def _export_line(version: int, file_format: str, made: Export, paths: list[Path]) -> str:
    unknown = f", {made.without_expectation} of them without a known good answer"
    return (
        f"Wrote {made.items} items of version {version} for {file_format}"
        f"{unknown if made.without_expectation else ''}: {', '.join(str(path) for path in paths)}"
    )


def weights(
    version: VersionArgument,
    week: WeekOption,
    config: ConfigOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a Typer flag
    target: Annotated[
        Path | None, typer.Option("--out", help="Write each item's weight here, as Parquet.")
    ] = None,
    correlation: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Of scores inside a conversation, for the design effect."),
    ] = None,
    force: ForceOption = False,  # noqa: FBT002
) -> None:
    """What a version's items weigh in an estimate of a week's live traffic, and what that costs."""
    session, week = Session(config), checked_week(week)
    weighed = weights_for(session.pipeline, version=version, week=week)
    summary = summary_of(weighed)
    scores = live_scores(session.pipeline, weighed, week=week)
    if target is not None:
        write_export(
            target, Export({"": parquet_bytes(weighed)}, weighed.height, 0, {}), force=force
        )
    if as_json:
        told: dict[str, Any] = {"golden_version": version, "week": week, **asdict(summary)}
        if correlation is not None:
            clustered = clustered_design_effect(weighed, correlation=correlation)
            told["clustered_design_effect"] = clustered
        told["live_scores"] = {system: asdict(one) for system, one in scores.items()}
        typer.echo(json.dumps(told))
        return
    out.print(_weights_lines(summary, version=version, week=week), soft_wrap=True)
    if correlation is not None:
        clustered = clustered_design_effect(weighed, correlation=correlation)
        out.print(f"With conversations of that correlation the design effect is {clustered:.2f}.")
    for system, estimate in scores.items():
        out.print(_score_line(system, estimate), soft_wrap=True)
    if target is not None:
        out.print(f"Wrote {weighed.height} weights to {target}", soft_wrap=True)


def _weights_lines(summary: WeightSummary, *, version: int, week: str) -> str:
    without = "; ".join(
        f"{count} {REASON_WORDS[reason]}" for reason, count in summary.without_weight.items()
    )
    told = (
        f"Version {version} for the traffic of {week}: {summary.weighted_items} of "
        f"{summary.items} items weigh, in {summary.cells} cells.\n"
        f"They are worth {summary.effective_items:.0f} items of equal weight "
        f"(design effect {summary.design_effect:.2f}).\n"
        f"Traffic without any item: {summary.uncovered:.1%}; in cells pooled with others: "
        f"{summary.borrowed:.1%}; weight moved by the cap: {summary.trimmed:.1%}."
    )
    return f"{told}\nWithout weight: {without}." if without else told


def _score_line(system: str, estimate: LiveEstimate) -> str:
    interval = (
        "no interval: one conversation alone"
        if estimate.lower is None or estimate.upper is None
        else f"95 % interval {estimate.lower:.1%} to {estimate.upper:.1%}"
    )
    missing = f"; {estimate.missing_items} items without a score" if estimate.missing_items else ""
    return (
        f"{system}: {estimate.mean:.1%} on live traffic ({interval}), {estimate.unweighted:.1%} "
        f"unweighted over {estimate.items} items{missing}"
    )
