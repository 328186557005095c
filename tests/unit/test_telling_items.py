"""Which twenty items a page shows, and what it says was missing."""

import polars as pl

from eval_pipeline.evaluation.missing_scores import missing_scores, refusals
from eval_pipeline.evaluation.telling_items import telling_items
from eval_pipeline.tables import REGRESSION_TRIALS


def trials_of(*items: tuple[str, list[str], float | None, float | None, str]) -> pl.DataFrame:
    rows = [
        {
            "arm": arm, "system_id": arm, "item_id": item_id, "trial": 1, "source": source,
            "look": 1, "golden_version": 1, "route": "care", "subsets": subsets,
            "cluster_id": item_id, "scorer": "panel", "score": score, "status": "answered",
            "attempts": 1, "score_error": None if score is not None else "below_quorum",
        }
        for item_id, subsets, baseline, candidate, source in items
        for arm, score in (("baseline", baseline), ("candidate", candidate))
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=REGRESSION_TRIALS.schema)


def item(item_id: str, subset: str, change: float, *, source: str = "golden"):
    baseline = 1.0 if change < 0 else 0.0
    return item_id, [subset], baseline, baseline + change, source


STATES = {"blocked_one": "blocked", "fine": "certified", "other": "certified", "all": "certified"}


def test_losses_in_what_blocks_come_first_then_other_losses_then_gains():
    trials = trials_of(
        item("a", "fine", -1.0), item("b", "blocked_one", -0.5), item("c", "fine", 1.0),
        item("d", "other", -0.5), item("e", "fine", 0.0),
    )  # fmt: skip
    found = [(one.item_id, one.subset, one.why) for one in telling_items(trials, STATES)]
    assert found == [
        ("b", "blocked_one", "loss"),
        ("a", "fine", "loss"),
        ("d", "other", "loss"),
        ("c", "fine", "gain"),
    ]


def test_half_of_the_places_are_for_what_blocks_and_a_fifth_for_gains():
    many = [item(f"blocked-{n:02}", "blocked_one", -1.0) for n in range(30)]
    many += [item(f"fine-{n:02}", "fine", -1.0) for n in range(30)]
    many += [item(f"gain-{n:02}", "other", 1.0) for n in range(30)]
    found = telling_items(trials_of(*many), STATES)
    assert len(found) == 20
    assert [one.why for one in found] == ["loss"] * 16 + ["gain"] * 4
    assert [one.subset for one in found] == ["blocked_one"] * 10 + ["fine"] * 6 + ["other"] * 4


def test_places_that_one_kind_leaves_open_go_to_the_next():
    many = [item("blocked-1", "blocked_one", -1.0)]
    many += [item(f"fine-{n:02}", "fine", -1.0) for n in range(30)]
    found = telling_items(trials_of(*many), STATES)
    assert len(found) == 20
    assert [one.subset for one in found] == ["blocked_one"] + ["fine"] * 19


def test_an_item_of_no_subset_is_shown_where_there_is_room():
    bare = [("bare", [], 1.0, 0.0, "golden"), ("better", [], 0.0, 1.0, "golden")]
    found = telling_items(trials_of(*bare, item("a", "fine", -0.5)), STATES)
    assert [(one.item_id, one.subset) for one in found] == [
        ("a", "fine"), ("bare", "all"), ("better", "all"),
    ]  # fmt: skip


def test_of_equal_losses_those_with_a_human_label_come_first_then_by_id():
    trials = trials_of(
        item("a-reserve", "fine", -1.0, source="reserve"),
        item("z-golden", "fine", -1.0),
        item("b-golden", "fine", -1.0),
    )
    ids = [one.item_id for one in telling_items(trials, STATES)]
    assert ids == ["b-golden", "z-golden", "a-reserve"]


def test_no_item_is_shown_twice_and_the_order_of_rows_does_not_matter():
    trials = trials_of(
        ("both", ["blocked_one", "fine"], 1.0, 0.0, "golden"), item("one", "fine", -0.5)
    )
    found = telling_items(trials, STATES)
    assert [one.item_id for one in found] == ["both", "one"]
    assert telling_items(trials.reverse(), STATES) == found


def test_an_item_without_a_score_is_missing_and_no_loss():
    trials = trials_of(("gone", ["fine"], 1.0, None, "golden"))
    assert telling_items(trials, STATES) == []


def test_what_has_no_score_is_counted_by_why_and_by_arm():
    trials = trials_of(("a", ["fine"], 1.0, None, "golden"), ("b", ["fine"], None, None, "golden"))
    failed = trials.head(1).with_columns(
        status=pl.lit("failed"), error_code=pl.lit("timeout"), score=pl.lit(None, pl.Float64),
        item_id=pl.lit("c"), scorer=pl.lit("none"), score_error=pl.lit("timeout"),
    )  # fmt: skip
    rows = missing_scores(pl.concat([trials, failed])).to_dicts()
    assert rows == [
        {"code": "below_quorum", "scorer": "panel", "baseline": 1, "candidate": 2},
        {"code": "failed:timeout", "scorer": "none", "baseline": 1, "candidate": 0},
    ]
    assert missing_scores(trials.clear()).is_empty()


def test_a_refusal_is_an_answer_and_is_counted_beside():
    refused = trials_of(("a", ["fine"], 1.0, 0.0, "golden")).with_columns(
        status=pl.when(pl.col("arm") == "candidate").then(pl.lit("refused")).otherwise("status")
    )
    assert refusals(refused) == {"baseline": 0, "candidate": 1}
    assert missing_scores(refused).is_empty()
