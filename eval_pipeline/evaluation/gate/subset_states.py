"""What each subset's state says: harm that is proven, what is undecided, what only is reported."""

from collections.abc import Iterator

from eval_pipeline.evaluation.decision import SubsetFinding
from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.evaluation.gate.wording import figures_of, name_of, points
from eval_pipeline.evaluation.reserve_order import ALL


def subset_grounds(findings: list[SubsetFinding]) -> Grounds:
    """Blocked subsets block, undecided and infeasible ones keep a candidate from passing."""
    return Grounds(
        blocking=tuple(_blocks(findings)),
        unknown=tuple(_unknowns(findings)),
        notes=tuple(_reported(findings)),
    )


def _blocks(findings: list[SubsetFinding]) -> Iterator[str]:
    for finding in findings:
        if finding.state == "blocked":
            yield (
                f"{name_of(finding)} is worse: {figures_of(finding)}, with {finding.losses} losses "
                f"against {finding.wins} wins."
            )


def _unknowns(findings: list[SubsetFinding]) -> Iterator[str]:
    for finding in findings:
        if finding.state == "reported":
            continue
        if finding.items == 0 and finding.subset != ALL:
            yield (
                f"{name_of(finding)} is gated but holds no item; "
                f"it needs about {finding.items_needed}."
            )
        elif finding.state == "undecided":
            yield (
                f"{name_of(finding)} is undecided: {figures_of(finding)}; {_what_helps(finding)}."
            )
        elif finding.state == "infeasible":
            yield (
                f"{name_of(finding)} cannot be certified with the items there are: "
                f"{figures_of(finding)} in {finding.clusters} clusters; {_what_helps(finding)}"
                f"{',' if finding.items_needed is not None else '; it needs'} a wider tolerance, "
                "or merging with another subset."
            )


def _what_helps(finding: SubsetFinding) -> str:
    if finding.items_needed is not None:
        return f"it needs about {finding.items_needed} items"
    if finding.difference is not None and finding.difference <= -finding.margin:
        return "it seems to lose its tolerance, which no number of items certifies"
    if finding.corrected:
        return "more items alone do not settle it, more of them labelled by people do"
    return "no number of items clears what judges alone may be wrong by; people's labels do"


def passed_sentence(findings: list[SubsetFinding]) -> str:
    """What stands first where a candidate passes."""
    aggregate = findings[0]
    gated = sum(finding.state != "reported" for finding in findings[1:])
    return (
        f"The aggregate and every gated subset ({gated}) are no worse than their "
        f"tolerances allow; overall {figures_of(aggregate)}."
    )


def _reported(findings: list[SubsetFinding]) -> Iterator[str]:
    """What was seen on subsets that decide nothing."""
    for finding in findings:
        if finding.state != "reported":
            continue
        told = "none has a score from both systems"
        if finding.difference is not None and finding.lower is not None:
            passes = [
                f"{round((mean or 0.0) * finding.items, 1):g}"
                for mean in (finding.candidate_mean, finding.baseline_mean)
            ]
            told = (
                f"of {finding.items} the candidate passed {passes[0]} and the baseline "
                f"{passes[1]}: {points(finding.difference)} points ({points(finding.lower)} to "
                f"{points(finding.upper or 0.0)})"
            )
        missing = finding.missing_baseline + finding.missing_candidate
        without = f"; {missing} scores are missing" if missing else ""
        yield f"{name_of(finding)} is reported and decides nothing: {told}{without}."
