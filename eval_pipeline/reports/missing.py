"""What is missing and why, in words: per arm, per reason, with counts."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from eval_pipeline.reports import wording
from eval_pipeline.reports.beside import Beside

MAXIMUM_ROWS: Final = 40
REASON_WORDS: Final = {
    "below_quorum": "too few judges said pass or fail",
    "abstained": "the judge abstained",
    "not_asked": "the judge was not asked",
    "no_weight": "the judges that answered weigh nothing",
    "no_reference": "there is no reference to compare with",
    "unparsable": "the answer could not be read",
    "contradictory": "the judge contradicted itself",
    "truncated": "the answer was cut off at its limit",
    "empty": "the answer was empty",
    "empty_answer": "the answer was empty",
    "unpaired": "one of the two answers is missing",
    "unscored": "nothing scored it",
    "not_scored": "nothing scored it",
    "timeout": "the call timed out",
    "rate_limited": "the provider refused for too many calls",
    "not recorded": "not on record",
}


def reason_words(code: str) -> str:
    """The code in words, with the code where a person has to look it up."""
    plain = code.removeprefix("failed:")
    if plain in REASON_WORDS:
        return REASON_WORDS[plain]
    named = wording.one_line(plain).replace("_", " ")
    return f"the call failed: {named}" if code.startswith("failed:") else named


def score_rows(beside: Beside) -> list[dict[str, Any]]:
    """One row per reason: what is missing and why, and how many trials of each arm."""
    rows = []
    if beside.missing is not None:
        rows = [
            {"what": f"No score: {reason_words(row['code'])}", "code": row["code"],
             "baseline": row["baseline"], "candidate": row["candidate"]}
            for row in beside.missing.head(MAXIMUM_ROWS).iter_rows(named=True)
        ]  # fmt: skip
    if any(beside.refused.values()):
        rows.append({"what": "Refused, which counts as an answer", "code": "refused",
                     **beside.refused})  # fmt: skip
    if beside.excluded:
        rows.append({"what": "Left out: a system may know the item", "code": "contaminated",
                     "baseline": beside.excluded, "candidate": beside.excluded})  # fmt: skip
    return rows


def sentences(decision: Mapping[str, Any], beside: Beside) -> list[str]:
    """What the decision had to do without besides single scores; empty if it lacked nothing."""
    told = list(_of_subsets(decision))
    uncovered = decision["aggregate"].get("uncovered")
    if uncovered:
        told.append(f"No item stands for {100 * uncovered:.1f} % of the week's traffic.")
    told += _labels(beside.audit)
    if beside.judges is None and decision.get("judge_only"):
        told.append("How good the judges are has not been measured.")
    return told


def _of_subsets(decision: Mapping[str, Any]) -> Iterator[str]:
    for row in wording.ordered(decision["subsets"]):
        name = wording.name_of(row)
        needed = row.get("items_needed")
        if row["state"] in {"undecided", "infeasible"} and needed:
            yield f"{name} has {row['items']} items and needs about {needed} to decide."
        absent = [
            f"{row[f'missing_{arm}']} of the {arm}"
            for arm in ("baseline", "candidate")
            if row.get(f"missing_{arm}")
        ]
        if absent:
            yield f"{name} lacks scores: {' and '.join(absent)}."


def _labels(audit: pl.DataFrame | None) -> Iterator[str]:
    if audit is None:
        return
    whole = audit.filter(pl.col("subset") == wording.AGGREGATE)
    for row in whole.iter_rows(named=True):
        if row["missing"]:
            yield (
                f"People's labels are missing for {row['missing']} of {row['drawn']} drawn pairs "
                "of answers."
            )
