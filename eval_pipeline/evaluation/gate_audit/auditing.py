"""All faults of one audit, planted one after the other, as GATE_AUDIT."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import polars as pl

from eval_pipeline.evaluation.decision_inputs import decided
from eval_pipeline.evaluation.gate_audit.drift import changed_model
from eval_pipeline.evaluation.gate_audit.judge import biased_judge
from eval_pipeline.evaluation.gate_audit.labels import swapped_labels
from eval_pipeline.evaluation.gate_audit.material import Auditor, Decide, Material
from eval_pipeline.evaluation.gate_audit.missing import dropped_at_random, dropped_failures
from eval_pipeline.evaluation.gate_audit.rates import Count, audit_rows
from eval_pipeline.evaluation.gate_audit.regressions import nothing_planted, planted_regressions
from eval_pipeline.evaluation.reserve_order import ALL

Plant = Callable[[Auditor], Iterable[Count]]

ON_TRIALS: Final[tuple[tuple[str, str, Plant], ...]] = (
    ("nothing", "false_block", nothing_planted),
    ("regression", "missed", planted_regressions),
    ("dropped_rows", "unnoticed", dropped_at_random),
    ("dropped_failures", "missed", dropped_failures),
    ("swapped_labels", "unnoticed", swapped_labels),
    ("biased_judge", "missed", biased_judge),
)
"""Fault, the measure that stands for it where there are no trials to copy, and what plants it."""


def audit_gate(material: Material, *, decide: Decide = decided) -> pl.DataFrame:
    """GATE_AUDIT of the week: every fault planted in copies, and what `decide` makes of them.

    A pure function of its inputs: nothing is read, asked or written, and equal inputs give equal
    rows. `decide` is the gate's own code; a test gives a broken one, which the audit has to catch.
    """
    return audit_rows(
        list(_counts(Auditor(material, decide))),
        confidence=material.policy.audit.confidence,
        golden_version=material.golden_version,
        basis=material.basis,
    )


def _counts(auditor: Auditor) -> Iterator[Count]:
    for fault, measure, plant in ON_TRIALS:
        if auditor.material.copies is None:
            yield Count(fault, measure, ALL, note=auditor.material.lacking.get("trials"))
        else:
            yield from plant(auditor)
    yield from changed_model(auditor)
