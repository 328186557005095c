"""Nothing planted, and a regression planted in one subset: false blocks and misses."""

from collections import Counter
from collections.abc import Iterator

from eval_pipeline.evaluation.gate_audit.copies import lowered
from eval_pipeline.evaluation.gate_audit.material import Auditor, state_in
from eval_pipeline.evaluation.gate_audit.rates import Count
from eval_pipeline.evaluation.reserve_order import ALL

EQUAL_RUNS = 5
"""Times the replications: a rate of blocks that should be small takes more copies to bound."""
NO_ITEM = "no item of it has a score"
TOO_LARGE = "so large a drop cannot be planted"


def nothing_planted(auditor: Auditor) -> Iterator[Count]:
    """The verdicts and states of the baseline against itself; only false blocks have a limit."""
    policy = auditor.material.policy
    allowed = policy.audit.maximum_false_block_rate
    runs = EQUAL_RUNS * policy.audit.replications
    verdicts: Counter[str] = Counter()
    states: Counter[tuple[str, str | None]] = Counter()
    for run in range(runs):
        arms = auditor.copies.equal_arms(auditor.rng("nothing", run))
        decision = auditor.on(auditor.copies.trials(arms))
        verdicts[decision.verdict] += 1
        for place in auditor.material.places:
            states[place, state_in(decision, place)] += 1
    blocks = Count("nothing", "false_block", ALL, count=verdicts["block"], runs=runs)
    limit = 1 - policy.confidence if allowed is None else allowed
    yield Count(**{**vars(blocks), "allowed": limit})
    for measure, verdict in (("false_inconclusive", "inconclusive"), ("invalid", "invalid")):
        yield Count("nothing", measure, ALL, count=verdicts[verdict], runs=runs)
    for place in auditor.material.places:
        held = auditor.copies.members(place).any()
        made = runs if held else 0
        note = None if held else NO_ITEM
        open_runs = states[place, "undecided"] + states[place, "infeasible"]
        blocked = states[place, "blocked"]
        yield Count("nothing", "blocked", place, count=blocked, runs=made, note=note)
        yield Count(
            "nothing", "undecided", place, count=open_runs if held else 0, runs=made, note=note
        )


def planted_regressions(auditor: Auditor) -> Iterator[Count]:
    """A drop in one place at a time, of every size: how often it is certified, passed and found."""
    for place in auditor.material.places:
        for size in auditor.material.policy.audit.sizes:
            yield from _regression(auditor, place, size=size)


def miss_limit(auditor: Auditor) -> float:
    """The largest true rate of misses that is allowed."""
    policy = auditor.material.policy
    limit = policy.audit.maximum_miss_rate
    return 1 - policy.confidence if limit is None else limit


def _regression(auditor: Auditor, place: str, *, size: float) -> Iterator[Count]:
    drop = size * auditor.material.policy.tolerance_of(place)
    members = auditor.copies.members(place)
    problem = NO_ITEM if not members.any() else TOO_LARGE if drop >= 1 else None
    runs = 0 if problem else auditor.material.policy.audit.replications
    missed = passed = found = 0
    for run in range(runs):
        rng = auditor.rng("regression", place, size, run)
        arms = lowered(auditor.copies.equal_arms(rng), members, drop=drop, rng=rng)
        decision = auditor.on(auditor.copies.trials(arms))
        state = state_in(decision, place)
        missed += state == "certified"
        found += state == "blocked"
        passed += decision.verdict == "pass"
    limit = miss_limit(auditor) if size >= 1 else None
    for measure, count, allowed in (
        ("missed", missed, limit),
        ("passed", passed, None),
        ("blocked", found, None),
    ):
        yield Count(
            "regression", measure, place, size=size, planted=drop, count=count, runs=runs,
            allowed=allowed, note=problem,
        )  # fmt: skip
