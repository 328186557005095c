"""Refuses a tolerance that no sample within the policy's own looks could ever certify.

Only what the configuration itself says is held against it: how many items a subset may hold after
the last look, and the alpha of one look. Whether the traffic brings so many is `plan`'s question.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from eval_pipeline.settings.gate import SYNTHETIC_SUBSET, GateSettings
from eval_pipeline.settings.golden import GoldenSettings
from eval_pipeline.settings.planning import least_items

MINIMUM_CLUSTERS: Final = 10
"""Of fewer clusters no variance can be estimated that a decision could rest on."""

NAMED: Final = 3


@dataclass(frozen=True)
class Uncertifiable:
    """A tolerance, where it stands in the file, and what it would need against what there can be.

    `subsets` are those that it holds for; empty for the aggregate's.
    """

    key: tuple[str, ...]
    tolerance: float
    subsets: tuple[str, ...]
    needed: int
    reachable: int

    def sentence(self, policy: GateSettings) -> str:
        """What is wrong, what it would need, and what can be done."""
        held = f" of {_listed(self.subsets)}" if self.subsets else " of all items together"
        widest = 1 - policy.look_alpha ** (1 / max(self.reachable, MINIMUM_CLUSTERS))
        return (
            f"a tolerance of {self.tolerance:g}{held} can never be certified: with alpha "
            f"{policy.look_alpha:.4g} at each of {policy.planned_looks} looks even a candidate "
            f"without one loss needs {self.needed} items, and the looks and "
            f"`golden.maximum_items` allow {self.reachable}. Raise the last of `gate.looks` to "
            f"{self.needed} or more, accept a drop of {_up(widest)} or more, or merge small "
            "subsets"
        )


def uncertifiable(
    policy: GateSettings, golden: GoldenSettings, *, subsets: Mapping[str, object]
) -> Iterator[Uncertifiable]:
    """Every tolerance of the policy that no reachable sample can certify, with its key."""
    held: dict[tuple[str, ...], list[str]] = {}
    for name in subsets:
        own = name if name in policy.tolerances else "default"
        held.setdefault(("gate", "tolerances", own), []).append(name)
    last = policy.looks[-1] if policy.looks else 0
    largest = max(golden.maximum_items, last)
    for key, names in held.items():
        yield from _check(policy, key, policy.tolerances[key[-1]], tuple(names), largest)
    if policy.decides_on(SYNTHETIC_SUBSET):
        key = ("gate", "tolerances", SYNTHETIC_SUBSET)
        share = int(golden.maximum_items * golden.adversarial.maximum_share)
        yield from _check(
            policy, key, policy.tolerances[SYNTHETIC_SUBSET], (SYNTHETIC_SUBSET,), share
        )
    overall = max(golden.maximum_items, last * max(1, len(subsets)))
    yield from _check(
        policy, ("gate", "aggregate_tolerance"), policy.aggregate_tolerance, (), overall
    )


def refuse_uncertifiable(
    policy: GateSettings, golden: GoldenSettings, *, subsets: Mapping[str, object]
) -> None:
    """Raises pydantic's `ValidationError`, one error per tolerance, each at its own key."""
    problems = [
        InitErrorDetails(
            type=PydanticCustomError("uncertifiable", "{told}", {"told": one.sentence(policy)}),
            loc=one.key,
            input=one.tolerance,
        )
        for one in uncertifiable(policy, golden, subsets=subsets)
    ]
    if problems:
        raise ValidationError.from_exception_data("Settings", problems)


def _check(
    policy: GateSettings,
    key: tuple[str, ...],
    tolerance: float,
    names: tuple[str, ...],
    reachable: int,
) -> Iterator[Uncertifiable]:
    needed = max(MINIMUM_CLUSTERS, least_items(margin=tolerance, alpha=policy.look_alpha))
    if reachable < needed:
        yield Uncertifiable(key, tolerance, names, needed, reachable)


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:NAMED])
    rest = len(names) - NAMED
    return f"{shown} and {rest} other subsets" if rest > 0 else shown


def _up(share: float) -> str:
    """Rounded up to the next tenth of a percentage point, so that it does suffice."""
    return f"{-(-share * 1000 // 1) / 1000:.3f}"
