"""Whether enough of the golden version was settled since the one before it.

Too little makes the decision invalid, as too old a version does: against a yardstick that nobody
has looked at, neither a pass nor a loss is proven.
"""

from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.settings import GateSettings


def freshness_grounds(policy: GateSettings, evidence: Evidence) -> Grounds:
    """Invalid where the share of fresh items is smaller than the policy demands, or unknown."""
    wanted, counted = policy.minimum_fresh_share, evidence.fresh_items
    if wanted is None:
        return Grounds()
    if counted is None or not counted[1]:
        found = "How much of the golden version was settled since the one before is unknown"
    else:
        fresh, items = counted
        if fresh >= wanted * items - 1e-9:
            return Grounds()
        found = (
            f"Of the golden version's {items} items {fresh} ({fresh / items:.1%}) were settled "
            "since the one before"
        )
    return Grounds(invalid=(f"{found}; the policy demands {wanted:.1%}.",))
