"""The baseline against itself: which items, what is counted as noise, when the gate says so."""

import polars as pl
import pytest

from eval_pipeline.evaluation.aa import aa_rows, false_blocks, items_of_run
from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.gate.aa import aa_grounds
from eval_pipeline.evaluation.gate.deciding import decide
from eval_pipeline.evaluation.gate.evidence import Evidence
from eval_pipeline.evaluation.trial_items import TrialItem
from eval_pipeline.settings import SYNTHETIC_SUBSET, GateSettings
from eval_pipeline.tables import AA_RUNS, REGRESSION_TRIALS

POLICY = GateSettings.model_validate({"aa": {"maximum_items": 10, "weeks": 26}})
STRICT = GateSettings.model_validate({"aa": {"when_exceeded": "inconclusive"}})
WEEKS = [f"2026-W{n:02d}" for n in range(1, 53)]


def item(name: str, *, synthetic: bool = False) -> TrialItem:
    return TrialItem(
        item_id=name, item_revision=1, route="r", messages=(), reference_response=None,
        subsets=(SYNTHETIC_SUBSET,) if synthetic else ("a",), conversation_key=name,
        source="synthetic" if synthetic else "golden", golden_versions=(1,),
    )  # fmt: skip


def trials(pairs: list[tuple[float, float]]) -> pl.DataFrame:
    rows = [
        {
            "arm": arm, "system_id": "base", "item_id": f"i{place}", "trial": trial, "look": 1,
            "source": "golden", "golden_version": 1, "subsets": ["a" if place % 2 else "b"],
            "cluster_id": f"i{place}", "scorer": "exact", "status": "answered", "attempts": 1,
            "score": pair[trial - 1],
        }
        for place, pair in enumerate(pairs)
        for trial, arm in ((1, "baseline"), (2, "candidate"))
    ]  # fmt: skip
    return REGRESSION_TRIALS.conform(pl.DataFrame(rows, schema=REGRESSION_TRIALS.schema))


def runs(blocked: int, of: int) -> pl.DataFrame:
    rows = [
        {
            "week": week, "subset": "a", "verdict": "block" if place < blocked else "pass",
            "state": "blocked" if place < blocked else "certified", "items": 9, "margin": 0.1,
            "run_cost_usd": 0.0,
        }
        for place, week in enumerate(WEEKS[:of])
    ]  # fmt: skip
    return pl.DataFrame(rows, schema={"week": pl.String, **AA_RUNS.schema})


def test_a_week_asks_its_own_choice_of_gated_items_and_always_the_same():
    items = [item(f"i{n}") for n in range(100)] + [item("made", synthetic=True)]
    first = items_of_run(items, week=WEEKS[0], policy=POLICY)
    assert len(first) == 10
    assert first == items_of_run(items, week=WEEKS[0], policy=POLICY)
    assert first != items_of_run(items, week=WEEKS[1], policy=POLICY)
    everything = POLICY.model_copy(
        update={"aa": POLICY.aa.model_copy(update={"maximum_items": 500})}
    )
    assert len(items_of_run(items, week=WEEKS[0], policy=everything)) == 100


def test_discordance_is_the_mean_square_and_a_flip_is_any_difference():
    # Of subset 'a' (odd places): 1 → 0, 1 → 1, .5 → 1: (1 + 0 + .25) / 3 and two of three.
    pairs = [(1.0, 1.0), (1.0, 0.0), (1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (0.5, 1.0)]
    rows = trials(pairs)
    report = compare(rows, policy=POLICY)
    decision = decide(
        report, candidate_id="base", baseline_id="base", golden_version=1, policy=POLICY,
        evidence=Evidence(trials=rows, panel_scored=False),
    )  # fmt: skip
    told = aa_rows(report, rows, decision=decision, golden_version=1, cost_usd=0.5)
    own = told.row(by_predicate=pl.col("subset") == "a", named=True)
    assert own["discordance"] == pytest.approx(1.25 / 3)
    assert own["flip_rate"] == pytest.approx(2 / 3)
    calm = told.row(by_predicate=pl.col("subset") == "b", named=True)
    assert (calm["discordance"], calm["flip_rate"]) == (0.0, 0.0)
    assert set(told["verdict"]) == {decision.verdict}
    assert set(told["run_cost_usd"]) == {0.5}


def test_the_rate_is_of_the_newest_runs_with_an_exact_test():
    found = false_blocks(runs(4, 26), policy=POLICY)
    assert found is not None
    assert (found.blocked, found.runs) == (4, 26)
    # P(4 or more of 26 at .05) = .0388: above chance. Three have .138.
    assert found.p_value == pytest.approx(0.0388, abs=5e-4)
    assert found.is_excess
    assert not false_blocks(runs(3, 26), policy=POLICY).is_excess
    # Blocks of more than 26 weeks ago are forgotten.
    assert false_blocks(runs(4, 40), policy=POLICY).blocked == 0
    assert false_blocks(runs(0, 0), policy=POLICY) is None


def test_the_gate_speaks_of_it_from_the_first_block_on_and_suspends_only_where_asked():
    assert aa_grounds(None, POLICY).notes == ()
    assert aa_grounds(runs(0, 26), POLICY).notes == ()
    (chance,) = aa_grounds(runs(1, 26), POLICY).notes
    assert "blocked in 1 of 26 A/A runs (0 to 20 %; 5 % are promised), which chance" in chance
    proven = aa_grounds(runs(6, 26), POLICY)
    assert "the gate blocks more than it promises" in proven.notes[0]
    assert not proven.suspending
    assert aa_grounds(runs(6, 26), STRICT).suspending
