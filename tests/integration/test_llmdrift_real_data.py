"""Real silent model changes: GPT-4 and GPT-3.5, March against June 2023, through `compare`."""

import numpy as np
import polars as pl
import pytest

from benchmarks import decision_llmdrift as llmdrift
from eval_pipeline.flows.compare_files import FileComparison
from tests.real_data import DATA, needs

pytestmark = [pytest.mark.real_data, needs("llmdrift")]


@pytest.fixture(scope="module")
def done() -> dict[tuple[str, str], FileComparison]:
    return {
        (family, era): llmdrift.compared(DATA, family, baseline=era)
        for family in llmdrift.FAMILIES
        for era in (llmdrift.MARCH, llmdrift.JUNE)
    }


@pytest.mark.parametrize(
    "expected", llmdrift.EXPECTED, ids=lambda case: f"{case.family}-{case.task}-{case.baseline}"
)
def test_the_gate_says_of_each_task_what_was_published_where_the_data_can_tell(done, expected):
    finding = llmdrift.finding_of(done[expected.family, expected.baseline], expected.task)
    assert finding.state in expected.states
    # Published to three places; opinionqa asked eight questions twice, which count once here.
    assert finding.baseline_mean == pytest.approx(expected.before, abs=2e-3)
    assert finding.candidate_mean == pytest.approx(expected.after, abs=2e-3)
    assert (finding.difference > 0) == (expected.after > expected.before)
    assert finding.lower < finding.difference < finding.upper


@pytest.mark.parametrize(
    ("family", "era", "verdict"),
    [
        ("gpt-4", llmdrift.MARCH, "block"),
        ("gpt-4", llmdrift.JUNE, "pass"),
        ("gpt-3.5-turbo", llmdrift.MARCH, "pass"),
        ("gpt-3.5-turbo", llmdrift.JUNE, "block"),
    ],
)
def test_the_verdict_names_the_side_that_lost(done, family, era, verdict) -> None:
    assert done[family, era].decision.verdict == verdict


def test_six_of_a_hundred_are_not_oversold(done) -> None:
    forth = llmdrift.finding_of(done["gpt-3.5-turbo", llmdrift.MARCH], "sensitiveq")
    back = llmdrift.finding_of(done["gpt-3.5-turbo", llmdrift.JUNE], "sensitiveq")
    assert (forth.wins, forth.losses, back.wins, back.losses) == (6, 0, 0, 6)
    # Certified means no worse, and the same six the other way round prove no harm either.
    assert (forth.state, back.state) == ("certified", "undecided")
    assert back.items_needed > back.items
    assert (forth.lower, forth.upper) == pytest.approx((-back.upper, -back.lower))


@pytest.mark.parametrize("family", llmdrift.FAMILIES)
def test_latency_and_cost_per_success_are_those_of_the_raw_file(done, family) -> None:
    answers = pl.read_parquet(DATA / "llmdrift" / "answers.parquet").filter(model_family=family)
    eras = [answers.filter(era=era) for era in (llmdrift.MARCH, llmdrift.JUNE)]
    latencies = [float(np.quantile(each["latency_s"].to_numpy(), 0.95)) for each in eras]
    costs = [each["cost_usd"].sum() / each["score"].sum() for each in eras]
    told = dict(
        done[family, llmdrift.MARCH]
        .operations.filter(arm="candidate", subset="all")
        .select("metric", "value")
        .iter_rows()
    )
    assert told["latency_p95_ratio"] == pytest.approx(latencies[1] / latencies[0], rel=0.02)
    assert told["cost_per_success_ratio"] == pytest.approx(costs[1] / costs[0])


def test_a_limit_on_latency_blocks_what_the_scores_would_pass() -> None:
    policy = llmdrift.POLICY.model_copy(update={"maximum_latency_ratio": 1.5})
    slower = llmdrift.compared(DATA, "gpt-3.5-turbo", baseline=llmdrift.MARCH, policy=policy)
    assert slower.decision.verdict == "block"
    assert "The p95 latency is 1.85 times the baseline's" in slower.decision.reasons[0]
