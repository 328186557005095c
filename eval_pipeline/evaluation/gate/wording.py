"""How the gate's sentences name subsets and tell figures."""

from eval_pipeline.evaluation.decision import DimensionFinding, SubsetFinding
from eval_pipeline.evaluation.reserve_order import ALL


def figures_of(finding: SubsetFinding) -> str:
    """The difference with its interval, the tolerance and the items it rests on."""
    if finding.difference is None or finding.lower is None or finding.upper is None:
        return "no item has a score from both systems"
    return (
        f"{points(finding.difference)} points ({points(finding.lower)} to "
        f"{points(finding.upper)}; tolerance {100 * finding.margin:g}) on {finding.items} items"
    )


def name_of(finding: SubsetFinding) -> str:
    """The subset as a sentence begins with it, and the dimension if it is one's."""
    where = "The aggregate" if finding.subset == ALL else f"Subset '{finding.subset}'"
    return f"{where} in '{finding.dimension}'" if isinstance(finding, DimensionFinding) else where


def points(share: float) -> str:
    """A difference of shares in signed percentage points."""
    return f"{100 * share:+.1f}"
