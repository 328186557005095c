"""What e-processes over later weeks say of subsets that the planned looks left undecided."""

import polars as pl

from eval_pipeline.evaluation.decision import SubsetFinding
from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.evaluation.gate.wording import name_of, points


def with_continuation(finding: SubsetFinding, report: pl.DataFrame | None) -> SubsetFinding:
    """The finding with its row of a CONTINUATION_REPORT, and the state that this leads to.

    A subset that the e-processes leave undecided keeps the state and figures of the planned looks.
    """
    if report is None or finding.state not in {"undecided", "infeasible"}:
        return finding
    rows = report.filter(pl.col("subset") == finding.subset).to_dicts()
    if not rows:
        return finding
    row = rows[0]
    decided = row["state"] != "undecided"
    return finding.model_copy(
        update={
            "state": row["state"] if decided else finding.state,
            "items_needed": None if decided else finding.items_needed,
            "continued_since": row["since_look"],
            "continued_items": row["items"],
            "continued_difference": row["difference"],
            "e_noninferior": row["e_noninferior"],
            "e_harm": row["e_harm"],
            "e_noninferior_needed": 1 / row["alpha"],
            "e_harm_needed": row["hypotheses"] / row["alpha"],
        }
    )


def continuation_grounds(findings: list[SubsetFinding]) -> Grounds:
    """A note for every subset that was continued: since when, on what, with which evidence."""
    return Grounds(
        notes=tuple(_told(finding) for finding in findings if finding.continued_since is not None)
    )


def _told(finding: SubsetFinding) -> str:
    evidence = {
        "certified": _evidence("no worse than its tolerance", finding, harm=False),
        "blocked": _evidence("worse", finding, harm=True),
    }
    said = evidence.get(finding.state) or (
        f"{_evidence('not worse', finding, harm=False)}; {_evidence('worse', finding, harm=True)}"
    )
    change = points(finding.continued_difference or 0.0)
    return (
        f"{name_of(finding)} continued by e-process since look {finding.continued_since}: "
        f"{change} points on {finding.continued_items} further items; {said}."
    )


def _evidence(claim: str, finding: SubsetFinding, *, harm: bool) -> str:
    value, needed = (
        (finding.e_harm, finding.e_harm_needed)
        if harm
        else (finding.e_noninferior, finding.e_noninferior_needed)
    )
    return (
        f"evidence that it is {claim}: {value or 0.0:.3g}-fold of {needed or 0.0:.0f}-fold needed"
    )
