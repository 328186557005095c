from collections.abc import Sequence

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.evaluation.comparison import compare
from eval_pipeline.evaluation.reserve_order import order_reserve, reserve_counts, with_asked
from eval_pipeline.evaluation.topup import compare_in_looks, next_items
from eval_pipeline.evaluation.trial_items import reserve_identity
from eval_pipeline.settings import GateSettings
from eval_pipeline.tables import REGRESSION_TRIALS

POLICY = GateSettings(looks=(120, 240), tolerances={"default": 0.10}, aggregate_tolerance=0.10)


def trials(
    ids: Sequence[str], subsets: Sequence[Sequence[str]], *, look: int, lost: Sequence[str] = ()
) -> pl.DataFrame:
    """Both arms right on every item, except that the candidate is wrong on items in `lost`."""
    rows = [
        {
            "arm": arm, "system_id": arm, "item_id": item_id, "trial": 1, "look": look,
            "source": "golden" if look == 1 else "reserve", "golden_version": 1,
            "subsets": list(names), "cluster_id": item_id, "scorer": "exact",
            "score": 0.0 if arm == "candidate" and item_id in lost else 1.0,
            "status": "answered", "attempts": 1,
        }
        for arm in ("baseline", "candidate")
        for item_id, names in zip(ids, subsets, strict=True)
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=REGRESSION_TRIALS.schema)


def golden(count: int, *, lost: int = 0) -> pl.DataFrame:
    ids = [f"g{number:03d}" for number in range(count)]
    return trials(ids, [["refunds"]] * count, look=1, lost=ids[:lost])


def reserve(count: int, subsets: Sequence[str] = ("refunds",)) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "interaction_id": [f"{subsets[0]}{number:03d}" for number in range(count)],
            "subsets": [list(subsets)] * count,
        }
    )


def test_an_undecided_subset_is_filled_up_to_the_look_s_target_in_hash_order() -> None:
    first, more = golden(30), reserve(200)
    report = compare(first, policy=POLICY, reserve=more)
    asked = next_items(report, more, trials=first, look=2, policy=POLICY)
    # 120 in all, 30 of them golden
    assert asked == list(order_reserve(more, ["refunds"]).of("refunds")[:90])


def test_the_next_look_asks_only_for_what_the_last_did_not() -> None:
    first, more = golden(30), reserve(300)
    report = compare(first, policy=POLICY, reserve=more)
    second = next_items(report, more, trials=first, look=2, policy=POLICY)
    seen = pl.concat([first, trials(second, [["refunds"]] * len(second), look=2)])
    third = next_items(report, more, trials=seen, look=3, policy=POLICY)
    # 240 - 120, none twice
    assert len(third) == 120
    assert not set(third) & set(second)


def test_nothing_is_asked_for_subsets_that_are_decided() -> None:
    first, more = golden(200), reserve(200)
    report = compare(first, policy=POLICY, reserve=more)
    assert set(report["state"]) == {"certified"}
    assert next_items(report, more, trials=first, look=2, policy=POLICY) == []


def test_nothing_is_asked_after_a_block() -> None:
    first, more = golden(100, lost=50), reserve(200)
    report = compare(first, policy=POLICY, reserve=more)
    assert "blocked" in set(report["state"])
    assert next_items(report, more, trials=first, look=2, policy=POLICY) == []


def test_nothing_is_asked_when_the_whole_reserve_could_not_certify() -> None:
    # alpha .05 / 3: ln .01667 / ln .9 = 38.9, so 39 items are the least; there are 30 + 5
    first, more = golden(30), reserve(5)
    report = compare(first, policy=POLICY, reserve=more)
    assert set(report["state"]) == {"infeasible"}
    assert next_items(report, more, trials=first, look=2, policy=POLICY) == []


def test_nothing_is_asked_past_the_planned_looks() -> None:
    first, more = golden(30), reserve(300)
    report = compare(first, policy=POLICY, reserve=more)
    assert next_items(report, more, trials=first, look=4, policy=POLICY) == []


@given(st.integers(1, 200), st.permutations(range(40)))
def test_the_order_is_nested_and_does_not_depend_on_the_rows_order(
    size: int, shuffled: list[int]
) -> None:
    rows = reserve(40)
    order = order_reserve(rows, ["refunds"])
    assert order_reserve(rows[shuffled], ["refunds"]).of("refunds") == order.of("refunds")
    smaller = order.prefix("refunds", golden=0, target=size)
    assert order.prefix("refunds", golden=0, target=size + 5)[: len(smaller)] == smaller


def test_items_asked_for_another_subset_s_sake_do_not_tilt_a_subset() -> None:
    # 'angry' needs items of its own; some of them are refunds too. Refunds was at its target
    # already, so what angry asks for adds nothing to it.
    both = reserve(200, ("angry", "refunds"))
    plain = reserve(400)
    order = order_reserve(pl.concat([both, plain]), ["refunds"])
    counted = set(order.of("refunds")[:90])
    first = golden(30)
    held = {
        reserve_identity(name): subsets for name, subsets in pl.concat([both, plain]).iter_rows()
    }
    asked = sorted(set(held) & (counted | {name for name in held if "angry" in held[name]}))
    beyond = [name for name in asked if name not in counted]
    frame = pl.concat([first, trials(asked, [held[name] for name in asked], look=2, lost=beyond)])
    report = compare(frame.filter(pl.col("item_id") != "g000"), policy=POLICY)
    refunds = report.row(by_predicate=pl.col("subset") == "refunds", named=True)
    # golden 29 and the first 91 of its own order, of which at most one was lost
    assert refunds["items"] == 120
    assert refunds["losses"] <= 1


def test_looking_ends_as_soon_as_everything_is_decided() -> None:
    looks: list[int] = []

    def ask(look: int, item_ids: Sequence[str]) -> pl.DataFrame:
        looks.append(look)
        return trials(item_ids, [["refunds"]] * len(item_ids), look=look)

    compared = compare_in_looks(golden(30), ask=ask, reserve=reserve(300), policy=POLICY)
    assert looks == [2]
    assert set(compared.report["state"]) == {"certified"}
    assert compared.trials["item_id"].n_unique() == 120


def test_the_report_can_be_rebuilt_from_the_trials_alone() -> None:
    def ask(look: int, item_ids: Sequence[str]) -> pl.DataFrame:
        return trials(item_ids, [["refunds"]] * len(item_ids), look=look, lost=item_ids[::25])

    compared = compare_in_looks(golden(30), ask=ask, reserve=reserve(300), policy=POLICY)
    assert compare(compared.trials, policy=POLICY).equals(compared.report)


def test_an_erased_reserve_item_still_counts_as_one_that_could_be_asked() -> None:
    whole = reserve(5)
    asked = list(map(reserve_identity, whole["interaction_id"][:2]))
    frame = pl.concat([golden(3), trials(asked, [["refunds"]] * 2, look=2)])
    without = whole.slice(1)
    assert reserve_counts(with_asked(without, frame)) == {"refunds": 5, "all": 5}
    # What was never asked is gone for good.
    assert reserve_counts(with_asked(whole.slice(2, 2), frame)) == {"refunds": 4, "all": 4}


def test_what_clusters_are_called_changes_no_figure() -> None:
    frame = golden(40).with_columns(cluster_id=pl.col("item_id").str.slice(0, 3))
    named = frame.with_columns(
        cluster_id=pl.col("cluster_id").replace({"g00": "zz", "g03": "aa", "g02": "g000"})
    )
    assert compare(named, policy=POLICY).equals(compare(frame, policy=POLICY))
