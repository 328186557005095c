"""How much of the live traffic the aggregate speaks for: what no item stands for is not known."""

from eval_pipeline.evaluation.decision import SubsetFinding
from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.settings import GateSettings


def coverage_grounds(aggregate: SubsetFinding, policy: GateSettings) -> Grounds:
    """Nothing passes where more of the traffic than the policy accepts has no item (methods 1.4).

    Told as a note where it is less. Where the traffic is not known the aggregate claims nothing of
    it, and nothing is said.
    """
    uncovered = aggregate.uncovered
    if uncovered is None or uncovered == 0:
        return Grounds()
    told = f"No item stands for {uncovered:.1%} of the week's traffic"
    if uncovered <= policy.maximum_uncovered:
        return Grounds(notes=(f"{told}; the aggregate says nothing of it.",))
    demand = f"the policy accepts {policy.maximum_uncovered:.1%}"
    remedy = "label items of the strata that have none, or accept more."
    return Grounds(unknown=(f"{told}, and {demand}: {remedy}",))
