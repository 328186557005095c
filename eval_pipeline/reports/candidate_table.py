"""The table of all candidates for the terminal, for Markdown and for pages."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from eval_pipeline.reports.templating import page_environment

COLUMNS: Final = (
    "candidate",
    "verdict",
    "golden",
    "quality",
    "difference",
    "p50 / p95 latency",
    "p95 ratio",
    "cost per task",
    "cost per success",
    "cost ratio",
    "tokens in / out",
    "refused / failed",
    "change",
)
DASH: Final = "—"


def rows(table: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The cells of `COLUMNS` in words, from the rows of a candidate table.

    Shares are in percent, differences in points, latencies in milliseconds below a second; an
    interval follows its figure.
    """
    return [_cells(row) for row in table]


def fragment(table: Sequence[Mapping[str, Any]], notes: Sequence[str]) -> str:
    """One `<section>` that a page can include; every text escaped."""
    template = page_environment().get_template("candidate_table.html.jinja")
    return template.render(columns=COLUMNS, rows=rows(table), notes=notes)


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["name"],
        row["verdict"],
        str(row["golden_version"]),
        _with_interval(row["quality"], scale=100, form=".1f", unit=" %"),
        _with_interval(row["difference"], scale=100, form="+.1f"),
        f"{_seconds(row['latency_p50_seconds'])} / {_seconds(row['latency_p95_seconds'])}",
        _with_interval(row["latency_p95_ratio"], form=".2f"),
        _usd(row["cost_per_task_usd"]),
        _usd(row["cost_per_success_usd"]),
        _with_interval(row["cost_per_success_ratio"], form=".2f"),
        f"{_number(row['mean_input_tokens'])} / {_number(row['mean_output_tokens'])}",
        f"{_percent(row['refusal_share'])} / {_percent(row['failure_share'])}",
        row["change"],
    )


def _with_interval(
    figure: Mapping[str, float | None], *, scale: float = 1.0, form: str, unit: str = ""
) -> str:
    value, lower, upper = figure["value"], figure["lower"], figure["upper"]
    if value is None:
        return DASH
    told = f"{scale * value:{form}}{unit}"
    if lower is None or upper is None:
        return told
    return f"{told} ({scale * lower:{form}} … {scale * upper:{form}})"


def _seconds(figure: Mapping[str, float | None]) -> str:
    value, lower, upper = figure["value"], figure["lower"], figure["upper"]
    if value is None:
        return DASH
    scale, unit = (1000, "ms") if value < 1 else (1, "s")
    told = f"{scale * value:.3g} {unit}"
    if lower is None or upper is None:
        return told
    return f"{told} ({scale * lower:.3g} … {scale * upper:.3g})"


def _usd(figure: Mapping[str, float | None]) -> str:
    return _with_interval(figure, form=".3g", unit=" USD")


def _number(figure: Mapping[str, float | None]) -> str:
    return DASH if figure["value"] is None else f"{figure['value']:,.0f}"


def _percent(figure: Mapping[str, float | None]) -> str:
    return DASH if figure["value"] is None else f"{100 * figure['value']:.1f} %"
