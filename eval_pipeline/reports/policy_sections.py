"""What the policy adds to a decision's reports: gated dimensions, and what people said of it.

Pure functions of the decision's JSON, of this version or an earlier one.
"""

from collections.abc import Mapping
from typing import Any

from eval_pipeline.reports import wording
from eval_pipeline.reports.wording import SubsetRow


def dimension_rows(decision: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The gated dimensions' findings as rows of subsets, under the names that waivers use.

    What stands in the way first, as everywhere; empty where the policy gates no dimension.
    """
    rows = [
        {**row, "subset": f"{row['dimension']}/{row['subset']}"}
        for row in decision.get("dimensions") or ()
    ]
    return [dict(row) for row in wording.ordered(rows)]


def people_sentences(decision: Mapping[str, Any]) -> list[str]:
    """Who waived what until when, and who looked; whether that lets the candidate ship, first."""
    waivers, approvals = decision.get("waivers") or (), decision.get("approvals") or ()
    sentences = []
    if decision.get("waived"):
        sentences.append(waived_sentence(decision))
    elif waivers:
        sentences.append("Not all that stands in the way is waived, so the exit code stays.")
    sentences += [
        f"{waiver['waived_by']} waived {', '.join(waiver['subsets'])} until {waiver['until']}: "
        f"{waiver['reason']}"
        for waiver in waivers
    ]
    sentences += [
        f"{approval['approved_by']} looked at this decision as it was measured, on "
        f"{str(approval['approved_at'])[:10]}: {approval['reason']}"
        for approval in approvals
    ]
    return [wording.one_line(sentence) for sentence in sentences]


def waived_sentence(decision: Mapping[str, Any]) -> str:
    """Until when and by whom all that is open is waived, and that the verdict stays."""
    waivers = decision["waivers"]
    until = min(str(waiver["until"]) for waiver in waivers)
    names = ", ".join(sorted({str(waiver["waived_by"]) for waiver in waivers}))
    verdict = wording.VERDICT_WORDS[decision["verdict"]].lower()
    return wording.one_line(
        f"Waived until {until} by {names}: the verdict stays {verdict}, the exit code is 0."
    )


def is_waived(row: SubsetRow, decision: Mapping[str, Any]) -> bool:
    """Whether the row is open and the whole decision is waived, so that it stops nobody."""
    subsets = {name for waiver in decision.get("waivers") or () for name in waiver["subsets"]}
    return bool(decision.get("waived")) and row["subset"] in subsets
