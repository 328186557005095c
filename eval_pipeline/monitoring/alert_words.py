"""An alert in words: what moved, where, how far, since when, and what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from eval_pipeline.monitoring.mixes import MIX_OF, category_of
from eval_pipeline.monitoring.traffic import METRICS

RELATIVE: Final = frozenset(
    name for name, metric in METRICS.items() if metric.scale in {"ratio", "count"}
)
"""Metrics whose change is told in percent of what is usual; of others it is the difference."""

SUBJECTS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType({
    "interactions": ("The number of interactions", ""),
    "error_share": ("The share of failed calls", ""),
    "refusal_share": ("The share of refusals", ""),
    "latency_p50_seconds": ("Latency p50", " seconds"),
    "latency_p95_seconds": ("Latency p95", " seconds"),
    "latency_p99_seconds": ("Latency p99", " seconds"),
    "median_input_tokens": ("The median input", " tokens"),
    "mean_input_tokens": ("The mean input", " tokens"),
    "median_output_tokens": ("The median output", " tokens"),
    "p95_output_tokens": ("The output's p95", " tokens"),
    "mean_output_tokens": ("The mean output", " tokens"),
    "median_response_characters": ("The median response", " characters"),
    "mean_response_characters": ("The mean response", " characters"),
    "cost_per_interaction_usd": ("The cost of an interaction", " USD"),
    "feedback_mean": ("The mean feedback", ""),
    "escalation_share": ("The share of escalations", ""),
    "outcome_mean": ("The mean outcome", ""),
    "quality": ("The share that the panel passes", ""),
    "finish_reason_mix": ("The mix of finish reasons", ""),
    "error_code_mix": ("The mix of error codes", ""),
})  # fmt: skip
"""What a sentence calls each metric, and the unit behind its value."""

_LOGS: Final = "Check that the logs are whole: contracts/week={week}.html in the lake."
_CODES: Final = (
    "See which codes moved with `eval-pipeline monitor --week {week} --json`, then the provider's "
    "status page and your gateway's logs."
)
_PROVIDER: Final = (
    "Ask whether the provider changed: `eval-pipeline watch` now, `eval-pipeline drift --week "
    "{week}` on old versions; then what you deployed that week."
)
_LATENCY: Final = (
    "Compare the median with the tail: if both moved, see lengths and the provider's status; if "
    "only the tail, timeouts and retries of your gateway."
)
_COST: Final = (
    "See whether tokens moved with it; if not, the prices under `systems` and what the logs call "
    "cost."
)
_PEOPLE: Final = (
    "Hold it against `production_quality` and `unnamed_failures` of {week}: which subset passes "
    "less, and which topic fails in no subset."
)
_QUALITY: Final = (
    "Read what failed in `panel_verdicts` of {week}, and make sure of the judges first: "
    "`eval-pipeline judge-checks --week {week}`."
)
_TOPICS: Final = (
    "Look at `topic_mix` of {week}: which topics grew; what grew and has no subset stands in "
    "`unnamed_failures`."
)
NEXT_STEPS: Final[Mapping[str, str]] = MappingProxyType({
    "interactions": _LOGS,
    "error_share": _CODES,
    "error_code_mix": _CODES,
    "finish_reason_mix": _PROVIDER,
    "refusal_share": _PROVIDER,
    "latency_p50_seconds": _LATENCY,
    "latency_p95_seconds": _LATENCY,
    "latency_p99_seconds": _LATENCY,
    "cost_per_interaction_usd": _COST,
    "feedback_mean": _PEOPLE,
    "escalation_share": _PEOPLE,
    "outcome_mean": _PEOPLE,
    "quality": _QUALITY,
    "topic_mix": _TOPICS,
    "topic_share": _TOPICS,
})  # fmt: skip


@dataclass(frozen=True)
class Run:
    """The unbroken run of unusual weeks that ends with this one."""

    since: str
    weeks: int


def next_step(metric: str, *, week: str) -> str:
    """What to look at, and how to say that it is known."""
    step = NEXT_STEPS.get(metric.partition(":")[0], _PROVIDER).format(week=week)
    return f"{step} If it is known, say so under `monitor.acknowledged`."


def place_of(subset: str) -> str:
    """Where an alert is, in words."""
    if subset == "all":
        return "overall"
    return f"on {subset}" if subset.startswith("route: ") else f"in subset '{subset}'"


def figure_sentence(row: Mapping[str, Any], *, subset: str, run: Run) -> str:
    """One sentence about a figure that is unusual."""
    subject, unit = SUBJECTS.get(row["metric"], (row["metric"], ""))
    told = f"{number(row['value'])}{unit}{_interval(row)}"
    usual = f"{size_of(row)} its usual {number(row['baseline_median'])}"
    return f"{subject} {place_of(subset)} is {told}, {usual} ({_compared(row)}); {_since(run)}."


def mix_sentence(
    row: Mapping[str, Any], shares: Sequence[Mapping[str, Any]], *, subset: str, run: Run
) -> str:
    """One sentence about a mix that moved, with the categories that carry it."""
    carrying = [one for one in shares if one["finding"] == "unusual"]
    told = ", ".join(
        f"{category_of(one['metric'])} {number(one['value'])} instead of "
        f"{number(one['baseline_median'])}"
        for one in sorted(carrying, key=lambda one: (-round(abs(one["change"]), 9), one["metric"]))
    )
    return (
        f"{SUBJECTS[row['metric']][0]} {place_of(subset)} moved: {told} "
        f"({_compared(row)}); {_since(run)}."
    )


def topics_sentence(row: Mapping[str, Any], *, run: Run) -> str:
    """One sentence about the whole mix of topics."""
    return (
        f"The mix of topics overall moved: {number(row['moved_share'])} of the traffic is in "
        f"another topic than in {row['reference']}, where chance alone would show "
        f"{number(row['moved_by_chance'])} (p {row['p_value']:.2g}); {_since(run)}."
    )


def topic_sentence(row: Mapping[str, Any], *, run: Run) -> str:
    """One sentence about a topic that grew or shrank while the whole mix moved."""
    way = "above" if row["difference"] > 0 else "below"
    return (
        f"The topic '{row['topic']}' overall is {number(row['share'])} of the traffic"
        f"{_interval({'lower': row['share_lower'], 'upper': row['share_upper']})}, "
        f"{number(abs(row['difference']))} {way} its {number(row['reference_share'])} in "
        f"{row['reference']}; {_since(run)}."
    )


def number(value: float | None) -> str:
    """Three significant digits, no exponent where it can be helped."""
    if value is None:
        return "not known"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"  # noqa: PLR2004 - for reading


def whole_mix_of(metric: str) -> bool:
    """Whether the metric is the test of a whole mix."""
    return metric in MIX_OF


def _interval(row: Mapping[str, Any]) -> str:
    if row["lower"] is None or row["upper"] is None:
        return ""
    return f" ({number(row['lower'])} to {number(row['upper'])})"


def size_of(row: Mapping[str, Any]) -> str:
    """How far from the usual: in percent where the figure changes by a factor."""
    change = row["change"]
    if change is None:
        return "beside"
    way = "above" if change > 0 else "below"
    if row["metric"] in RELATIVE:
        return f"{abs(change):.0%} {way}".replace("%", " %")
    return f"{number(abs(change))} {way}"


def _compared(row: Mapping[str, Any]) -> str:
    weeks = f"{row['baseline_weeks']} weeks of history"
    if row["robust_z"] is None:
        return f"{weeks} without any change"
    return f"{weeks}, robust z {row['robust_z']:.1f}, cut-off {row['cut_off']:.1f}"


def _since(run: Run) -> str:
    return f"unusual since {run.since}, {run.weeks} {'week' if run.weeks == 1 else 'weeks'}"
