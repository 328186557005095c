"""How often a golden version has decided, told with every decision after the first."""

from eval_pipeline.evaluation.gate.grounds import Grounds
from eval_pipeline.evaluation.ledger import Exposure
from eval_pipeline.settings import GateSettings


def ledger_grounds(exposure: Exposure | None, policy: GateSettings) -> Grounds:
    """A note on earlier candidates; beyond the policy's number it advises a new version."""
    if exposure is None or exposure.number == 1:
        return Grounds()
    earlier = exposure.number - 1
    counted = f"{earlier} candidate{'' if earlier == 1 else 's'}"
    told = f"Golden version {exposure.golden_version} decided on {counted} before this one"
    most = policy.ledger.maximum_exposures
    if exposure.number > most:
        told += (
            f", and the policy advises {most} at most: candidates that are chosen by the same "
            "items come to fit them. Publish a new version, whose items none of them has met"
        )
    return Grounds(notes=(f"{told}.",))
