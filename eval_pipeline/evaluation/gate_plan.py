"""What a policy costs at today's sizes: preflight and simulated rates as one document."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eval_pipeline.evaluation.operating_characteristics import Characteristics, Rate
from eval_pipeline.evaluation.preflight import SubsetPlan
from eval_pipeline.settings import GateSettings

ARMS = 2


@dataclass(frozen=True)
class ItemCost:
    """What asking both systems about one item and scoring it costs, and how that is known."""

    usd: float
    basis: str


@dataclass(frozen=True)
class GatePlan:
    """The plan of a policy on a golden version; `exposures` are candidates decided on it."""

    golden_version: int
    exposures: int
    policy: GateSettings
    subsets: Sequence[SubsetPlan]
    rates: Characteristics
    cost: ItemCost

    @property
    def usd_per_gate(self) -> float:
        """Expected, for a candidate that is no worse."""
        return self.rates.items_per_gate * self.cost.usd

    @property
    def false_blocks_per_year(self) -> tuple[float, float, float]:
        """Expected at the simulated rate, with its interval, at the policy's deploys a year."""
        deploys = self.policy.planning.deploys_per_year
        rate = self.rates.no_regression.verdict_rate("block")
        return (rate.value or 0.0) * deploys, rate.interval[0] * deploys, rate.interval[1] * deploys

    @property
    def promised_false_blocks(self) -> float:
        """The most a year that the policy's alpha allows."""
        return (1 - self.policy.confidence) * self.policy.planning.deploys_per_year

    def as_dict(self) -> dict[str, Any]:
        """For JSON: every rate as count, runs, value and interval."""
        rates = self.rates
        expected, lower, upper = self.false_blocks_per_year
        return {
            "golden_version": self.golden_version,
            "exposures": self.exposures,
            "maximum_exposures": self.policy.ledger.maximum_exposures,
            "confidence": self.policy.confidence,
            "looks": list(self.policy.looks),
            "alpha_per_look": self.policy.look_alpha,
            "alpha_of_continuation": self.policy.continuation_alpha,
            "runs": rates.no_regression.runs,
            "overall": {
                "pass": told(rates.no_regression.verdict_rate("pass")),
                "false_block": told(rates.no_regression.verdict_rate("block")),
                "inconclusive": told(rates.no_regression.verdict_rate("inconclusive")),
                "false_pass_at_tolerance": told(rates.at_tolerance.verdict_rate("pass")),
                "false_pass_at_twice": told(rates.at_twice.verdict_rate("pass")),
                "block_at_twice": told(rates.at_twice.verdict_rate("block")),
            },
            "items_per_gate": rates.items_per_gate,
            "generations_per_gate": ARMS * rates.items_per_gate,
            "usd_per_gate": self.usd_per_gate,
            "usd_per_item": self.cost.usd,
            "cost_basis": self.cost.basis,
            "deploys_per_year": self.policy.planning.deploys_per_year,
            "false_blocks_per_year": {
                "expected": expected,
                "lower": lower,
                "upper": upper,
                "promised": self.promised_false_blocks,
            },
            "subsets": [self._subset(plan) for plan in self.subsets],
        }

    def _subset(self, plan: SubsetPlan) -> dict[str, Any]:
        return {**asdict(plan), **{name: told(rate) for name, rate in self.rates_of(plan).items()}}

    def rates_of(self, plan: SubsetPlan) -> dict[str, Rate]:
        """The subset's simulated rates.

        `certified` and `false_block` where nothing is worse; `false_pass_...` of the whole gate
        where this subset alone is worse; `blocked_at_twice`: it is named then.
        """
        name, rates = plan.subset, self.rates
        fine, edge, twice = rates.no_regression, rates.at_tolerance, rates.at_twice
        return {
            "certified": Rate(fine.certified[name], fine.tried[name]),
            "false_block": Rate(fine.blocks[name], fine.tried[name]),
            "false_pass_at_tolerance": Rate(edge.passes[name], edge.tried[name]),
            "false_pass_at_twice": Rate(twice.passes[name], twice.tried[name]),
            "blocked_at_twice": Rate(twice.blocks[name], twice.tried[name]),
        }


def told(rate: Rate) -> dict[str, float | int | None]:
    """A rate for JSON."""
    lower, upper = rate.interval
    return {
        "value": rate.value,
        "lower": lower,
        "upper": upper,
        "count": rate.count,
        "runs": rate.runs,
    }
