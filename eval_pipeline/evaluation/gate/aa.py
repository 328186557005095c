"""Whether the gate keeps its own promise: what the A/A runs say of its false blocks."""

import polars as pl

from eval_pipeline.evaluation.aa import false_blocks
from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.settings import GateSettings


def aa_grounds(runs: pl.DataFrame | None, policy: GateSettings) -> Grounds:
    """A sentence once a run has blocked; suspends the verdict on a proven excess, if asked to.

    AA_RUNS of all weeks with `week`. A block is not believed either where the gate is shown to
    block what is equal: scores of the two arms then differ by more than the systems.
    """
    found = None if runs is None else false_blocks(runs, policy=policy)
    if found is None or found.blocked == 0:
        return Grounds()
    told = (
        f"The baseline held against itself was blocked in {found.blocked} of {found.runs} A/A runs "
        f"({100 * found.lower:.0f} to {100 * found.upper:.0f} %; "
        f"{100 * (1 - policy.confidence):.0f} % are promised)"
    )
    if not found.is_excess:
        return Grounds(notes=(f"{told}, which chance explains.",))
    told += f": the gate blocks more than it promises (p = {found.p_value:.4f})."
    if policy.aa.when_exceeded == "inconclusive":
        return Grounds(suspending=(told,))
    return Grounds(notes=(told,))
