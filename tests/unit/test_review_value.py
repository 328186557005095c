import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.review.overrulings import Overruling
from eval_pipeline.review.value import (
    Evidence,
    GatedSubset,
    chance_of_change,
    consequence,
    narrowing,
    pass_share_of,
)


def row(passes: int, fails: int, *, verdict: str | None = None, **more) -> dict[str, object]:
    return {
        "passes": passes,
        "fails": fails,
        "weighted_pass_share": None,
        "panel_verdict": verdict,
        "reason": "unanimous" if verdict else "split",
        "route": "orders",
        "kind": "typical",
        "subsets": ["risky"],
        **more,
    }


def chance(judged: dict[str, object], evidence: Evidence = Evidence(), share: float = 0.8):  # noqa: B008 - frozen
    return chance_of_change(judged, evidence=evidence, pass_share=share)


def test_the_weeks_pass_share_is_drawn_to_one_half_by_two_votes() -> None:
    # three passes of four votes, and one of two more
    assert pass_share_of([row(2, 0), row(1, 1), row(0, 0)]) == pytest.approx(4 / 6)
    assert pass_share_of([]) == 0.5


def test_a_split_is_worth_what_the_best_guess_would_get_wrong() -> None:
    # (1 + .8) / 3 = .6 pass: the best guess is wrong with .4
    assert chance(row(1, 1)) == pytest.approx(0.4)
    # nobody voted: the week's .8
    assert chance(row(0, 0)) == pytest.approx(0.2)
    # two of three pass: (2 + .8) / 4 = .7
    assert chance(row(2, 1)) == pytest.approx(0.3)


def test_votes_that_weigh_give_the_weighted_share() -> None:
    # (3 x .5 + .8) / 4 = .575
    assert chance(row(2, 1, weighted_pass_share=0.5)) == pytest.approx(0.425)


def test_a_refuted_pass_is_worth_less_the_better_the_refuter_is_known() -> None:
    refuted = row(3, 0, reason="refuted")
    assert chance(refuted) == pytest.approx(0.5)
    # (16 x .9 + 2) / 20 = .82 right
    assert chance(refuted, Evidence(refuter_precision=(0.9, 16))) == pytest.approx(0.18)


def test_an_agreed_verdict_is_worth_what_people_overruled_of_its_cell() -> None:
    # Three passes: (3 + .8) / 4 = .95, a doubt of .05. Of 15 labels .4 overruled the panel:
    # (5 x .05 + 15 x .4) / 20 = .3125
    agreed = row(3, 0, verdict="pass")
    assert chance(agreed) == pytest.approx(0.05)
    cell = ("kind", "orders", "typical")
    known = {cell: Overruling(share=0.4, effective_labels=15, weeks=3)}
    assert chance(agreed, Evidence(overrulings=known)) == pytest.approx(0.3125)
    # A recurring cell speaks before a quiet one that has more labels against it in fewer weeks.
    known[("subset", "risky", "unanimous")] = Overruling(0.1, 5, 3)
    recurring = Evidence(overrulings=known, recurring=frozenset({("subset", "risky", "unanimous")}))
    # (5 x .05 + 5 x .1) / 10
    assert chance(agreed, recurring) == pytest.approx(0.075)


def test_the_first_label_narrows_the_gate_most_and_in_the_tightest_subset() -> None:
    assert narrowing(0) == pytest.approx(1.0)
    # (1/sqrt 4 - 1/sqrt 5) / (1 - 1/sqrt 2)
    assert narrowing(3) == pytest.approx((0.5 - 1 / math.sqrt(5)) / (1 - 1 / math.sqrt(2)))
    evidence = Evidence(subsets={"risky": GatedSubset(0.05, 0), "other": GatedSubset(0.10, 0)})
    assert consequence(["risky"], evidence=evidence, lacking=False) == pytest.approx(5.0)
    assert consequence(["other"], evidence=evidence, lacking=False) == pytest.approx(3.0)
    assert consequence(["other", "risky"], evidence=evidence, lacking=True) == pytest.approx(14.0)
    assert consequence(["unknown"], evidence=evidence, lacking=False) == 1.0


def test_critical_are_undecided_and_tightest_subsets_with_too_few_labels() -> None:
    # ln .05 / ln .9 = 28.4 labels for a tolerance of .10, 58.4 for .05
    subsets = {
        "tight": GatedSubset(0.05, 58),
        "tight_but_known": GatedSubset(0.05, 59),
        "wide": GatedSubset(0.10, 0),
        "undecided": GatedSubset(0.10, 28, undecided=True),
        "undecided_but_known": GatedSubset(0.10, 29, undecided=True),
    }
    assert Evidence(subsets=subsets).critical == {"tight", "undecided"}


def test_where_all_tolerances_are_alike_none_is_the_tightest() -> None:
    subsets = {"one": GatedSubset(0.05, 0), "other": GatedSubset(0.05, 0)}
    assert Evidence(subsets=subsets).critical == frozenset()


@given(
    st.integers(0, 9),
    st.integers(0, 9),
    st.none() | st.floats(0, 1),
    st.sampled_from([None, "pass", "fail"]),
    st.sampled_from(["split", "refuted", "unanimous"]),
    st.floats(0, 1),
    st.integers(0, 10**6),
    st.booleans(),
)
def test_no_value_is_nothing_or_without_bound(
    passes, fails, weighted, verdict, reason, rate, labels, lacking
) -> None:
    evidence = Evidence(
        refuter_precision=(rate, labels),
        overrulings={("kind", "orders", "typical"): Overruling(rate, labels + 1.0, 4)},
        subsets={"risky": GatedSubset(max(rate, 0.001) * 0.99, labels)},
    )
    judged = row(passes, fails, verdict=verdict, weighted_pass_share=weighted, reason=reason)
    assert 0.01 <= chance(judged, evidence, share=rate) <= 0.99
    assert 1 <= consequence(["risky"], evidence=evidence, lacking=lacking) <= 14
