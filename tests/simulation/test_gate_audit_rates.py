"""Whether the audit's own rates are right: where the truth is known, and with broken gates.

Every broken gate is one that a team could have shipped: the same code path with one step lost.
"""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from eval_pipeline.evaluation.decision_inputs import decided
from eval_pipeline.evaluation.gate_audit.auditing import audit_gate
from eval_pipeline.evaluation.gate_audit.drift import changed_model
from eval_pipeline.evaluation.gate_audit.judge import biased_judge
from eval_pipeline.evaluation.gate_audit.labels import swapped_labels
from eval_pipeline.evaluation.gate_audit.material import Auditor, Labels, PinnedRuns
from eval_pipeline.evaluation.gate_audit.missing import dropped_at_random, dropped_failures
from eval_pipeline.evaluation.gate_audit.rates import Count, audit_rows
from eval_pipeline.evaluation.gate_audit.regressions import nothing_planted, planted_regressions
from tests import gate_audit_worlds as worlds
from tests.gate_audit_worlds import drawn_world, policy
from tests.sizes import sized

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

DEFAULT = {"replications": 20, "sizes": [1.0, 1.5, 2.0]}
BROKEN = {
    "its tolerances are lost": (worlds.without_tolerances, planted_regressions, "missed"),
    "missing rows are dropped": (worlds.dropping_what_misses, dropped_failures, "missed"),
    "missing rows are not counted": (worlds.dropping_what_misses, dropped_at_random, "unnoticed"),
    "subsets are not tested": (worlds.blind_to_subsets, planted_regressions, "missed"),
    "a point less is blocked": (worlds.blocking_by_the_point, nothing_planted, "false_block"),
    "people are not heard": (worlds.believing_the_judges, biased_judge, "missed"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_gate_is_caught_by_the_first_audit(fault):
    gate, plant, measure = BROKEN[fault]
    weeks = sized(2, full=40)
    caught = 0
    for number in range(weeks):
        # Small subsets of a large whole: what fails in one of them does not show in all items.
        world = drawn_world(240, gate=policy(audit=DEFAULT), seed=number)
        if plant is planted_regressions and gate is worlds.blind_to_subsets:
            world = _one_small_subset(world, seed=number)
        counts = list(plant(Auditor(world, gate)))
        audit = _audit(counts)
        found = audit.filter(finding="exceeded", measure=measure)
        intact = _audit(list(plant(Auditor(world, decided))))
        assert not intact.filter(finding="exceeded", measure=measure).height
        caught += found.height > 0
    # At least 0.95 of first audits catch it; seeded, and here every one of them does.
    assert caught == weeks


def test_an_intact_gate_fails_its_audit_at_most_as_often_as_declared():
    """Declared: 10 % of audits here, over all rates together; an exact bound keeps far below it."""
    audits = sized(4, full=60)
    told = {"replications": 10, "sizes": [1.0], "confidence": 0.9}
    failed = 0
    for number in range(audits):
        world = drawn_world(120, gate=policy(audit=told), seed=number, week=_week(number))
        rows = audit_gate(world)
        failed += rows.filter(finding="exceeded").height > 0
    # Of 60 audits at 10 % no more than 12 would fail with 99 %; of 4 no more than 2.
    assert failed <= (12 if audits > 4 else 2)


def test_a_rate_that_is_known_is_measured_inside_its_interval():
    """A gate that says 'block' by a coin of 30 %, whatever it is asked."""
    toss = np.random.default_rng(11)

    def coin(inputs):
        made = decided(inputs)
        verdict = "block" if toss.random() < 0.3 else "inconclusive"
        return replace(made, decision=made.decision.model_copy(update={"verdict": verdict}))

    world = drawn_world(40, gate=policy(audit={"replications": sized(20, full=200)}))
    rows = _audit(list(nothing_planted(Auditor(world, coin))))
    row = rows.row(by_predicate=pl.col("measure") == "false_block", named=True)
    assert row["lower"] < 0.3 < row["upper"]
    assert row["finding"] == "exceeded"


def test_of_a_subset_at_its_tolerance_as_few_are_certified_as_the_policy_promises():
    """Truth: the drop is the tolerance, so at most 5 % may be certified, over all looks together.

    With 200 copies of each of three places 0.05 gives at most 46 of 600 in 99.9 % of audits.
    """
    copies = sized(40, full=200)
    told = {"replications": copies, "sizes": [1.0]}
    world = drawn_world(300, gate=policy(audit=told))
    counts = [
        one for one in planted_regressions(Auditor(world, decided)) if one.measure == "missed"
    ]
    missed, runs = sum(one.count for one in counts), sum(one.runs for one in counts)
    assert runs == 3 * copies
    assert missed <= np.ceil(0.05 * runs + 3.1 * np.sqrt(0.05 * 0.95 * runs))


def test_a_judge_that_hides_a_loss_is_believed_until_people_label_it():
    world = drawn_world(240, gate=policy(audit=DEFAULT))
    counts = list(biased_judge(Auditor(world, decided)))
    alone = sum(one.count for one in counts if one.measure == "missed_without_people")
    heard = sum(one.count for one in counts if one.measure == "missed")
    runs = sum(one.runs for one in counts if one.measure == "missed")
    assert alone > 0.5 * runs
    assert heard <= 0.05 * runs


def test_swapped_labels_are_noticed_where_agreement_falls_below_what_the_policy_demands():
    settled = pl.DataFrame({"label": ["pass", "fail"] * 50})
    truth = settled["label"]

    def calibrate(labels: pl.DataFrame) -> pl.DataFrame:
        # A panel that says what is true agrees with as many labels as were not swapped.
        agreed = float((labels["label"] == truth).mean())
        row = {"judge_id": "panel", "measure": "agreement", "lower": agreed}
        return pl.DataFrame([row])

    gate = policy(minimum_judge_agreement=0.85, audit={"swapped_shares": [0.1, 0.2]})
    world = drawn_world(60, gate=gate, labels=Labels(settled, calibrate))
    rows = [one for one in swapped_labels(Auditor(world, decided)) if one.measure == "unnoticed"]
    # 90 of 100 agree where 10 % are swapped, 80 of 100 where 20 % are; the policy demands 85.
    assert [(one.size, one.count, one.runs) for one in rows] == [(0.1, 20, 20), (0.2, 0, 20)]
    # A panel that satisfies nobody from the start notices no swap.
    never = Labels(settled, lambda labels: calibrate(labels).with_columns(lower=pl.lit(0.5)))
    world = replace(world, labels=never)
    rows = [one for one in swapped_labels(Auditor(world, decided)) if one.measure == "unnoticed"]
    assert {(one.runs, one.note) for one in rows} == {
        (0, "with no label swapped the decision is invalid already")
    }


def test_a_changed_model_is_seen_by_its_alarm_and_an_unchanged_one_is_not():
    items, runs = 30, 6
    keys = {
        "item_id": [f"i-{place:03d}" for place in range(items) for _ in range(runs)],
        "item_revision": [1] * items * runs,
    }
    held = pl.DataFrame({**keys, "score": [0.9] * items * runs})
    asked = held.unique("item_id", keep="first", maintain_order=True)

    def signal(trials: pl.DataFrame, history: pl.DataFrame, week: str) -> pl.DataFrame:
        from eval_pipeline.tables import DRIFT_SIGNALS

        value = float(str(trials["score"].mean()))
        row = dict.fromkeys(DRIFT_SIGNALS.schema) | {
            "system_id": "assistant", "stream": "rerun", "subset": "all", "value": value,
            "alarm": value < 0.85, "finding": "within_noise",
        }  # fmt: skip
        assert history.height == len(history["week"].unique())
        return pl.DataFrame([row], schema=DRIFT_SIGNALS.schema)

    gate = policy(audit={"replications": 40, "drifts": [0.3, 0.95]})
    pinned = PinnedRuns(asked, held, signal)
    world = drawn_world(10, gate=gate, pinned=pinned)
    unchanged, changed, too_much = changed_model(Auditor(world, decided))
    assert (unchanged.measure, unchanged.count, unchanged.runs) == ("false_alarm", 0, 10)
    # A third of the items is lost in each of four weeks: the mean is near 0.6, never above 0.85.
    assert (changed.measure, changed.count, changed.runs) == ("unnoticed", 0, 10)
    assert (too_much.runs, too_much.note) == (0, "its mean score is lower than the planted drop")


def _audit(counts: list[Count]) -> pl.DataFrame:
    return audit_rows(counts, confidence=0.99, golden_version=1, basis="candidate:x")


def _one_small_subset(world, *, seed: int):
    """240 items of 'hours', of which 60 are of 'refunds' too."""
    scores = (np.random.default_rng(seed).random(240) < 0.85).astype(float)
    names = [["hours", "refunds"] if place < 60 else ["hours"] for place in range(240)]
    held = worlds.copies(list(scores), discordance=0.04, subsets=names)
    return replace(world, copies=held)


def _week(number: int) -> str:
    return f"2026-{1 + number // 28:02d}-{1 + number % 28:02d}"
