"""The human ceiling in the gate: on how much two people agree, and what cannot be certified there.

A label is no better than the people who give it. Where two of them agree on less than the product
owner's minimum, a system that is certified is certified against noise: the subset is undecided,
more items do not help, and the rubric has to be mended. This never passes anything, and a proven
loss stays proven.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import polars as pl

from eval_pipeline.evaluation.decision import SubsetFinding
from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.evaluation.gate.wording import name_of
from eval_pipeline.settings import SYNTHETIC_SUBSET, GateSettings

OPEN_TO_PEOPLE: Final = ("certified", "undecided", "infeasible")
PERSON: Final = "person"


def with_human_agreement(finding: SubsetFinding, agreement: pl.DataFrame | None) -> SubsetFinding:
    """The finding with the ceiling of its subset, from an ANNOTATOR_AGREEMENT; null without one.

    Over the window of weeks. Scripts that stand in for people are told only where nobody else
    labelled, and as what they are. Synthetic items have no ceiling: what they expect was written
    before they were, and nobody labelled it.
    """
    row = _ceiling(finding.subset, agreement)
    if row is None:
        return finding
    told = {f"human_{name}": row[name] for name in ("lower", "upper", "tasks")}
    return finding.model_copy(
        update={**told, "human_agreement": row["value"], "human_kind": row["annotator_kind"]}
    )


def _ceiling(subset: str, agreement: pl.DataFrame | None) -> dict[str, Any] | None:
    if agreement is None or subset == SYNTHETIC_SUBSET:
        return None
    rows = agreement.filter(subset=subset, span="window", measure="ceiling").drop_nulls("value")
    by_kind = {row["annotator_kind"]: row for row in rows.iter_rows(named=True)}
    return by_kind.get(PERSON) or next(iter(by_kind.values()), None)


def ceiling_grounds(findings: Sequence[SubsetFinding], policy: GateSettings) -> Grounds:
    """Holds back every gated subset on which people agree too little, and says so."""
    lacking = dict(too_little_agreement(findings, policy))
    return Grounds(unknown=tuple(lacking.values()), held=frozenset(lacking))


def too_little_agreement(
    findings: Sequence[SubsetFinding], policy: GateSettings
) -> Iterator[tuple[str, str]]:
    """Each gated subset that people's agreement keeps from being certified, and the sentence.

    Too little is shown by the whole interval below the minimum; what nobody measured, or scripts
    alone did, does not meet it either.
    """
    wanted = policy.minimum_human_agreement
    if wanted is None:
        return
    for finding in findings:
        if finding.state in OPEN_TO_PEOPLE and finding.subset != SYNTHETIC_SUBSET:
            lacking = _lacking(finding, wanted)
            if lacking is not None:
                yield finding.subset, f"{name_of(finding)} cannot be certified: {lacking}"


def _lacking(finding: SubsetFinding, wanted: float) -> str | None:
    demand = f"the policy demands {_percent(wanted)}"
    value, upper = finding.human_agreement, finding.human_upper
    if finding.human_kind != PERSON or value is None or upper is None:
        return f"on how much of it two people agree was not measured, and {demand}."
    if upper >= wanted:
        return None
    return (
        f"two people agree on {_percent(value)} of it ({_percent(finding.human_lower or 0.0)} to "
        f"{_percent(upper)}, {finding.human_tasks} tasks), and {demand}; mend the rubric, for more "
        "items do not help."
    )


def held_back(finding: SubsetFinding, subsets: frozenset[str]) -> SubsetFinding:
    """The finding, undecided if it was certified and is among `subsets`.

    It asks for no items: they would not settle it.
    """
    if finding.state != "certified" or finding.subset not in subsets:
        return finding
    return finding.model_copy(update={"state": "undecided", "items_needed": None})


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
