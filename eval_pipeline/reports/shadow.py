"""What shadow mode showed, for reading: sentences, subsets, operations, what was left out."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from eval_pipeline.inert_text import markdown_list
from eval_pipeline.reports.wording import one_line

HEADING: Final = "In shadow, beside the gate and in place of nothing"
AGGREGATE: Final = "all"
MAXIMUM_NAMED: Final = 8
SOURCE_WORDS: Final = {
    "recorded": "production's recorded answers of the week of {week}",
    "asked": "the requests of the week of {week}, both systems asked anew",
    "live": "live requests mirrored up to the week of {week}",
}
SOURCE_ORDER: Final = ("live", "asked", "recorded")
"""Which speaks where several weeks are as new: both measured alike before one of them logged."""
FATE_WORDS: Final = {
    "asked": "asked",
    "received": "received by the mirror",
    "known_beforehand": "not asked: a system may know them beforehand",
    "beyond_maximum_items": "not asked: beyond the limit of items",
    "recorded": "recorded as pairs",
    "not_drawn": "not drawn for the candidate",
    "refused": "refused at the door",
    "forward_failed": "not answered by the baseline's provider",
    "client_left": "given up by the customer",
    "queue_full": "dropped: too many were waiting",
    "budget_spent": "dropped: the candidate's money was spent",
    "not_mirrorable": "dropped: no text that can be masked, or not what the candidate can be asked",
    "suppressed": "dropped: of people who were erased",
    "masking_failed": "dropped: could not be masked",
    "residual_text": "dropped: personal data was left after masking",
    "unreadable": "dropped: the baseline's answer could not be read",
    "stopped": "dropped: the mirror was stopped first",
    "mirror_failed": "answered with 500 for a defect of the mirror",
}
COMPARED_OR_NOT_MEANT: Final = frozenset({"asked", "received", "recorded", "not_drawn"})


def newest(report: pl.DataFrame) -> pl.DataFrame:
    """The rows of one comparison: the newest week's; of one week the source that says most."""
    if report.is_empty():
        return report
    parts = report.select("source", "week").unique().rows()
    source, week = max(parts, key=lambda part: (part[1], -SOURCE_ORDER.index(part[0])))
    return report.filter((pl.col("source") == source) & (pl.col("week") == week))


def sentences(report: pl.DataFrame | None) -> list[str]:
    """A few plain sentences on the newest comparison; none where there is no report.

    They stand beside a decision and say so: certified and blocked are the words of the comparison,
    and neither passes nor stops a candidate.
    """
    if report is None or report.is_empty():
        return []
    rows = newest(report)
    whole = rows.row(by_predicate=pl.col("subset") == AGGREGATE, named=True)
    return [
        one_line(each)
        for each in (
            _summary(rows, whole),
            *_differing(whole),
            *_operations(whole),
            *_left_out(whole),
            *whole["remarks"],
            "A shadow comparison replaces no decision of the gate.",
        )
    ]


def one_sentence(report: pl.DataFrame) -> str:
    """What the newest comparison comes to."""
    rows = newest(report)
    return _summary(rows, rows.row(by_predicate=pl.col("subset") == AGGREGATE, named=True))


def as_list(report: pl.DataFrame) -> str:
    """The sentences as a Markdown list under their heading."""
    return f"**{HEADING}**\n\n" + markdown_list(sentences(report))


def in_words(rows: pl.DataFrame) -> pl.DataFrame:
    """One comparison's subsets with the columns that people read, in points."""
    return rows.select(
        "subset",
        "state",
        "items",
        (100 * pl.col("difference")).round(1).alias("points"),
        (100 * pl.col("lower")).round(1).alias("from"),
        (100 * pl.col("upper")).round(1).alias("to"),
        (100 * pl.col("margin")).round(1).alias("tolerance"),
        (100 * pl.col("differing_share")).round(1).alias("answers differing, %"),
        (pl.col("missing_baseline") + pl.col("missing_candidate")).alias("scores missing"),
        "items_needed",
    )


def figures_of(rows: pl.DataFrame, *, subset: str = AGGREGATE) -> pl.DataFrame:
    """The figures of operations of one subset: a row per metric, each arm with its interval."""
    figures = rows.filter(pl.col("subset") == subset)["figures"].explode().drop_nulls().to_list()
    held = {(one["metric"], one["arm"]): _measured(one) for one in figures}
    return pl.DataFrame(
        [
            (name, held.get((name, "baseline"), ""), held.get((name, "candidate"), ""))
            for name in sorted({one["metric"] for one in figures})
        ],
        schema={"metric": pl.String, "baseline": pl.String, "candidate": pl.String},
        orient="row",
    )


def _measured(one: Mapping[str, Any]) -> str:
    if one["value"] is None:
        return "not known"
    bounds = ["…" if one[end] is None else f"{one[end]:.4g}" for end in ("lower", "upper")]
    return f"{one['value']:.4g} ({bounds[0]} to {bounds[1]})"


def fates_of(rows: pl.DataFrame) -> pl.DataFrame:
    """What became of the requests, in words."""
    held = rows.filter(pl.col("subset") == AGGREGATE)["fates"].explode().drop_nulls()
    return pl.DataFrame(
        [(each["requests"], FATE_WORDS.get(each["fate"], each["fate"])) for each in held],
        schema={"requests": pl.Int64, "what became of them": pl.String},
        orient="row",
    )


def _summary(rows: pl.DataFrame, whole: Mapping[str, Any]) -> str:
    where = SOURCE_WORDS[whole["source"]].format(week=whole["week"])
    if whole["difference"] is None:
        return f"On {where}, no request has a score in both arms, so nothing can be said."
    found = {
        state: [
            row["subset"]
            for row in rows.sort("difference", nulls_last=True).iter_rows(named=True)
            if row["state"] == state and row["subset"] != AGGREGATE
        ]
        for state in ("blocked", "undecided", "infeasible", "certified")
    }
    told = [f"On {where}, the candidate is {_points(whole)} over all {whole['items']} requests"]
    if found["blocked"]:
        told.append(f"worse beyond its tolerance on {_names(found['blocked'])}")
    open_ones = [*found["undecided"], *found["infeasible"]]
    if open_ones:
        told.append(f"undecided on {_names(open_ones)}")
    if not found["blocked"] and not open_ones:
        told.append("within the tolerance on every subset")
    return "; ".join(told) + "."


def _points(row: Mapping[str, Any]) -> str:
    words = "better" if row["difference"] >= 0 else "worse"
    told = f"{abs(100 * row['difference']):.1f} points {words}"
    if row["lower"] is None:
        return told
    return f"{told} ({100 * row['lower']:+.1f} to {100 * row['upper']:+.1f})"


def _names(names: list[str]) -> str:
    more = len(names) - MAXIMUM_NAMED
    return ", ".join(names[:MAXIMUM_NAMED]) + (f" and {more} more" if more > 0 else "")


def _differing(whole: Mapping[str, Any]) -> list[str]:
    if whole["differing_share"] is None:
        return ["No request was answered by both systems."]
    told = f"The two answers differ on {100 * whole['differing_share']:.0f} % of requests"
    if whole["differing_lower"] is not None:
        told += f" ({100 * whole['differing_lower']:.0f} to {100 * whole['differing_upper']:.0f} %)"
    return [f"{told}, case and punctuation aside."]


def _operations(whole: Mapping[str, Any]) -> list[str]:
    """Latency only where both arms were measured alike."""
    figures = {(one["arm"], one["metric"]): one for one in whole["figures"]}
    told = []
    for metric, words in (
        ("latency_p95_ratio", "latency at p95"),
        ("cost_per_success_ratio", "cost per success"),
    ):
        one = figures.get(("candidate", metric))
        alike = whole["source"] != "recorded" or metric != "latency_p95_ratio"
        if one is not None and one["value"] is not None and alike:
            bounds = ""
            if one["lower"] is not None and one["upper"] is not None:
                bounds = f" ({one['lower']:.2f} to {one['upper']:.2f})"
            told.append(f"The candidate's {words} is {one['value']:.2f} times the other's{bounds}.")
    return told


def _left_out(whole: Mapping[str, Any]) -> list[str]:
    asked = whole["items"] + max(whole["missing_baseline"], whole["missing_candidate"])
    told = []
    for arm in ("baseline", "candidate"):
        if whole[f"missing_{arm}"]:
            told.append(
                f"{whole[f'missing_{arm}']} of some {asked} requests have no score of the {arm}: "
                f"{whole[f'failed_{arm}']} calls failed."
            )
        if whole[f"refused_{arm}"]:
            told.append(f"The {arm} refused {whole[f'refused_{arm}']} of them.")
    dropped = [
        f"{one['requests']} {FATE_WORDS.get(one['fate'], one['fate'])}"
        for one in whole["fates"]
        if one["fate"] not in COMPARED_OR_NOT_MEANT
    ]
    if dropped:
        told.append(f"Not compared: {'; '.join(dropped)}.")
    return told
