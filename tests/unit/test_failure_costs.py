"""What a failure mode costs: difference times share of traffic, with an interval, ranked."""

import numpy as np
import polars as pl
import pytest

from eval_pipeline.evaluation.failure_costs import (
    Measured,
    Prices,
    Traffic,
    failure_costs,
    product,
    topic_shares,
    traffic_shares,
)
from eval_pipeline.reports import failure_costs as told
from eval_pipeline.tables import (
    FAILURE_TRIAGE,
    REGRESSION_REPORT,
    STRATIFIED_INTERACTIONS,
    TOPIC_MIX,
)

EVERYTHING = Measured(1.0, 1.0, 1.0)


def report_of(**differences: tuple[float, float, float] | None) -> pl.DataFrame:
    rows = [
        {
            "subset": name,
            "state": "blocked" if figures and figures[0] < 0 else "certified",
            "difference": figures and figures[0],
            "lower": figures and figures[1],
            "upper": figures and figures[2],
            "margin": 0.05,
            "items": 100,
            "wins": 3,
            "losses": 12,
            "missing_baseline": 0,
            "missing_candidate": 0,
        }
        for name, figures in differences.items()
    ]
    return pl.DataFrame(rows, schema=REGRESSION_REPORT.schema)


def shares_of(**shares: float) -> Traffic:
    held = {("subset", name): Measured(share, share, share) for name, share in shares.items()}
    return Traffic(10_000, held)


UNPRICED = Prices({}, None)


def costs_by_name(*arguments: object, **named: object) -> dict[str, dict]:
    rows = failure_costs(*arguments, **named).to_dicts()  # type: ignore[arg-type]
    return {row["name"]: row for row in rows}


def test_a_loss_costs_its_difference_times_its_share_of_the_traffic():
    report = report_of(refunds=(-0.10, -0.16, -0.04), all=(0.02, 0.0, 0.04))
    rows = costs_by_name(report, None, traffic=shares_of(refunds=0.2), prices=UNPRICED)
    # 0.10 x 0.2 x 1000; a share that is known exactly leaves the difference's interval alone
    assert rows["refunds"]["lost"] == pytest.approx(20)
    assert rows["refunds"]["lost_lower"] == pytest.approx(8)
    assert rows["refunds"]["lost_upper"] == pytest.approx(32)
    assert rows["refunds"]["rank"] == 1
    # all traffic gains 20 in a thousand, and is the whole and no mode
    assert rows["all"]["lost"] == pytest.approx(-20)
    assert rows["all"]["rank"] is None


def test_both_intervals_are_squared_and_added():
    # harm 0.10 (0.04 to 0.16), share 0.20 (0.15 to 0.28): 0.02
    # down: hypot(0.20 x 0.06, 0.10 x 0.05) = hypot(0.012, 0.005) = 0.013
    # up:   hypot(0.20 x 0.06, 0.10 x 0.08) = hypot(0.012, 0.008) = 0.014422
    found = product(Measured(0.10, 0.04, 0.16), Measured(0.20, 0.15, 0.28))
    assert found == pytest.approx((0.02, 0.007, 0.034422), abs=1e-6)


def test_of_a_gain_the_larger_share_is_the_larger_gain():
    # harm -0.10 (-0.16 to -0.04): the lower end goes with the share's upper one
    found = product(Measured(-0.10, -0.16, -0.04), Measured(0.20, 0.15, 0.28))
    assert found == pytest.approx((-0.02, -0.034422, -0.007), abs=1e-6)


def test_the_interval_of_a_cost_holds_the_true_cost_as_often_as_it_says():
    # Seed 7: a true harm of 0.08 measured with a standard error of 0.025, and a true share of 0.15
    # seen in 400 conversations. 20,000 weeks; the 95 % intervals should hold 0.012 in about 95 %.
    rng = np.random.default_rng(7)
    weeks = 20_000
    harm = rng.normal(0.08, 0.025, weeks)
    share = rng.binomial(400, 0.15, weeks) / 400
    error = 1.959964 * np.sqrt(share * (1 - share) / 400)
    held = 0
    for one, other, reach in zip(harm, share, error, strict=True):
        found = product(
            Measured(one, one - 1.959964 * 0.025, one + 1.959964 * 0.025),
            Measured(other, other - reach, other + reach),
        )
        held += found.lower <= 0.08 * 0.15 <= found.upper
    assert 0.94 < held / weeks < 0.965


def test_what_is_dear_ranks_above_what_is_frequent_once_prices_are_set():
    report = report_of(rare=(-0.2, -0.3, -0.1), common=(-0.1, -0.15, -0.05))
    traffic = shares_of(rare=0.01, common=0.5)
    plain = costs_by_name(report, None, traffic=traffic, prices=UNPRICED)
    assert (plain["common"]["rank"], plain["rare"]["rank"]) == (1, 2)
    priced = costs_by_name(report, None, traffic=traffic, prices=Prices({"rare": 900.0}, 0.01))
    # rare: 0.002 x 10,000 x 900 = 18,000; common: 0.05 x 10,000 x 0.01 = 5 USD a week
    assert priced["rare"]["usd"] == pytest.approx(18_000)
    assert priced["common"]["usd"] == pytest.approx(5)
    assert (priced["rare"]["rank"], priced["common"]["rank"]) == (1, 2)
    assert (priced["rare"]["usd_basis"], priced["common"]["usd_basis"]) == ("set", "spend")


def test_money_ranks_nothing_where_some_of_it_is_not_known():
    report = report_of(rare=(-0.2, -0.3, -0.1), common=(-0.1, -0.15, -0.05))
    prices = Prices({"rare": 900.0}, None)
    rows = costs_by_name(report, None, traffic=shares_of(rare=0.01, common=0.5), prices=prices)
    assert (rows["common"]["rank"], rows["rare"]["rank"]) == (1, 2)
    assert rows["common"]["usd"] is None


def test_a_mode_of_unknown_cost_is_told_and_never_ranked_as_free():
    report = report_of(
        unseen=(-0.3, -0.4, -0.2), unmeasured=None, synthetic_adversarial=(-0.2, -0.3, -0.1)
    )
    traffic = shares_of(unmeasured=0.1)
    frame = failure_costs(report, None, traffic=traffic, prices=UNPRICED)
    assert frame["rank"].null_count() == 3
    assert frame["lost"].null_count() == 3
    known = "12 lost, 3 won; the cost is not known, for"
    assert told.untold(frame) == [
        f"synthetic_adversarial: {known} synthetic items stand for no traffic.",
        f"unmeasured: {known} it could not be compared.",
        f"unseen: {known} its share of the traffic is not known.",
    ]


def test_modes_that_triage_named_stand_beside_the_subsets():
    mode = {
        "about": "mode", "attribute": "topic", "name": "mix, warfarin", "golden_version": 8,
        "items": 40, "losses": 9, "wins": 1, "difference": -0.2, "lower": -0.3, "upper": -0.1,
        "finding": "reproduced", "reproduced": 7, "flaky": 1, "not_reproduced": 1,
    }  # fmt: skip
    subset = {**mode, "attribute": "subset", "name": "refunds"}
    triage = pl.DataFrame([mode, subset], schema=FAILURE_TRIAGE.schema)
    traffic = Traffic(None, {("topic", "mix, warfarin"): Measured(0.1, 0.1, 0.1)})
    frame = failure_costs(report_of(), triage, traffic=traffic, prices=UNPRICED)
    (row,) = told.ranked_rows(frame, triage, whys={})
    assert row["title"] == "Topic mix, warfarin"
    assert row["lost_told"] == "20.0 (10.0 to 30.0)"
    assert row["again"] == "7 of 9 lost every time"


def test_a_share_of_traffic_is_of_design_weights_and_of_the_sample_alone():
    def interaction(number: int, *, weight: float, subsets: list[str], selection: str = "sample"):
        return {
            "interaction_id": f"i{number}", "conversation_key": f"c{number}", "route": "care",
            "stratum": "s", "selection": selection, "unit_hash": 0.1, "subsets": subsets,
            "kind": "typical", "inclusion_probability": 1 / weight, "design_weight": weight,
            "item_fingerprint": f"f{number}",
        }  # fmt: skip

    rows = [
        interaction(1, weight=6.0, subsets=["refunds"]),
        interaction(2, weight=2.0, subsets=[]),
        interaction(3, weight=9.0, subsets=["refunds"], selection="reserve"),
    ]
    stratified = pl.DataFrame(rows, schema=STRATIFIED_INTERACTIONS.schema)
    shares = traffic_shares(stratified, confidence=0.95)
    # 6 of 8; two conversations of unequal weight are (6 + 2)^2 / (36 + 4) = 1.6 conversations
    share = shares["subset", "refunds"]
    assert share.value == pytest.approx(0.75)
    assert share.lower < 0.3
    assert shares["route", "care"].value == pytest.approx(1.0)
    assert traffic_shares(stratified.clear(), confidence=0.95) == {}


def test_topics_without_a_measured_share_have_none():
    rows = [
        {"cluster": "c1", "topic": "refunds", "share": 0.2, "share_lower": 0.1, "share_upper": 0.3},
        {"cluster": "all", "topic": "all topics"},
    ]
    mix = pl.DataFrame(rows, schema=TOPIC_MIX.schema)
    assert topic_shares(mix) == {("topic", "refunds"): Measured(0.2, 0.1, 0.3)}


def test_the_chart_and_the_sentence_say_the_cost_with_its_interval():
    report = report_of(refunds=(-0.10, -0.16, -0.04), all=(0.02, 0.01, 0.04))
    frame = failure_costs(report, None, traffic=shares_of(refunds=0.2), prices=UNPRICED)
    assert "20.0 (8.0 to 32.0)" in told.cost_chart(frame)
    assert told.cost_chart(frame) == told.cost_chart(frame.reverse())
    assert told.whole_in_words(frame) == (
        "All traffic together gains 20.0 (10.0 to 40.0) successes per 1,000 interactions."
    )
    assert told.cost_chart(frame.clear()).startswith("<svg")
