"""Failures that no subset covers, by topic: where a team finds its next subset."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from eval_pipeline.monitoring.intervals import NOT_LOGGED, Measured
from eval_pipeline.statistics.proportions import wilson
from eval_pipeline.tables import UNNAMED_FAILURES

NONE: Final = "none"
EXAMPLES: Final = 5
TERMS_IN_PREDICATE: Final = 3
LEAST_JUDGED: Final = 10
DECIMALS: Final = 9

TermsOf = Callable[[Sequence[str]], list[str]]
"""The terms that tell the texts of these interactions from all others of the week."""


def find_unnamed_failures(
    *,
    stratified: pl.DataFrame,
    panel_verdicts: pl.DataFrame,
    topics: Mapping[str, tuple[str, list[str]]],
    terms_of: TermsOf,
    week: str,
    confidence: float,
) -> pl.DataFrame:
    """UNNAMED_FAILURES of a week: a row per topic with a failing interaction in no subset.

    Rates and shares are of the judged sample by design weight, with Wilson's interval at the
    effective number of conversations. `topics` gives the clusters' readable names and
    terms, which stand in where the failures are too few to have terms of their own. A failure is
    what the panel says; people may settle it otherwise later.
    """
    judged = _judged(stratified, panel_verdicts)
    rows = []
    for cluster in sorted(judged.filter("unnamed")["cluster"].unique()):
        inside = judged.filter(pl.col("cluster") == cluster)
        unnamed = inside.filter("unnamed")
        topic, topic_terms = topics.get(cluster, ("no topic", []))
        terms = terms_of(unnamed["interaction_id"].to_list()) or topic_terms
        own = _rate(inside, "failed", confidence)
        rest = _rate(judged.filter(pl.col("cluster") != cluster), "failed", confidence)
        traffic = _rate(
            judged.with_columns(hit=pl.col("unnamed") & (pl.col("cluster") == cluster)),
            "hit",
            confidence,
        )
        rows.append(
            {
                "cluster": cluster,
                "topic": topic,
                "failures": unnamed.height,
                "judged": inside.height,
                **_columns("traffic_share", traffic),
                **_columns("failure_rate", own),
                **_columns("rest_failure_rate", rest),
                "terms": terms,
                "examples": _examples(unnamed),
                "subset_stub": subset_stub(
                    terms, cluster=cluster, topic=topic, failures=unnamed.height, week=week
                ),
                "finding": _finding(own, rest),
            }
        )
    return UNNAMED_FAILURES.conform(pl.DataFrame(rows, schema=UNNAMED_FAILURES.schema))


def subset_stub(terms: Sequence[str], *, cluster: str, topic: str, failures: int, week: str) -> str:
    """YAML to paste into the configuration: a name to change and a predicate to sharpen."""
    named = [term for term in terms if term.isascii() and term.isalpha()]
    name = "_".join(["unnamed", *named[:2]])[:80]
    chosen = list(terms[:TERMS_IN_PREDICATE])
    conditions = [f"lower(conversation_text) LIKE '%{term}%'" for term in chosen]
    predicate = " OR ".join(conditions) or "conversation_text IS NULL"
    why = (
        f"{failures} failing interactions of {week} in topic {cluster} ({topic}) that no "
        "subset covers."
    )
    return (
        "subsets:\n"
        f"  {name}:  # give it your own name\n"
        f"    predicate: {_quoted(predicate)}  # a beginning: make it say what fails\n"
        "    kind: edge\n"
        "    owner: unowned\n"
        f"    why: {_quoted(why)}\n"
    )


def _quoted(text: str) -> str:
    """As a YAML scalar: JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=False)


def _judged(stratified: pl.DataFrame, panel_verdicts: pl.DataFrame) -> pl.DataFrame:
    """The sample's interactions with a panel verdict; the reserve is not judged."""
    return (
        stratified.filter(pl.col("selection") == "sample")
        .join(
            panel_verdicts.select("interaction_id", "panel_verdict").drop_nulls("panel_verdict"),
            on="interaction_id",
        )
        .with_columns(pl.col("cluster").fill_null(NONE), failed=pl.col("panel_verdict") == "fail")
        .with_columns(unnamed=pl.col("failed") & (pl.col("subsets").list.len() == 0))
        .sort("interaction_id")
    )


def _rate(rows: pl.DataFrame, column: str, confidence: float) -> Measured:
    """A weighted share; the effective size counts a conversation as one observation."""
    if rows.is_empty():
        return NOT_LOGGED
    weights = rows["design_weight"].to_numpy()
    share = float(np.clip(weights @ rows[column].to_numpy() / weights.sum(), 0, 1))
    units = rows.group_by("conversation_key", maintain_order=True).agg(
        pl.col("design_weight").sum()
    )
    sums = units["design_weight"].to_numpy()
    effective = float(sums.sum() ** 2 / np.square(sums).sum())
    return Measured(share, *wilson(share, effective, confidence=confidence), rows.height)


def _columns(name: str, measured: Measured) -> dict[str, Any]:
    values = {"": measured.value, "_lower": measured.lower, "_upper": measured.upper}
    return {
        f"{name}{suffix}": None if value is None else round(value, DECIMALS)
        for suffix, value in values.items()
    }


def _examples(unnamed: pl.DataFrame) -> list[str]:
    """By the draw's own hash: neither the first nor the worst."""
    chosen = unnamed.sort("unit_hash", "interaction_id").head(EXAMPLES)
    return chosen["interaction_id"].to_list()


def _finding(own: Measured, rest: Measured) -> str:
    """Newcombe's interval of the difference of two rates lies above zero, or not."""
    if min(own.count, rest.count) < LEAST_JUDGED or own.value is None or rest.value is None:
        return "too_little"
    reach = math.hypot(own.value - (own.lower or 0.0), (rest.upper or 0.0) - rest.value)
    return "higher" if own.value - rest.value > reach else "not_higher"
