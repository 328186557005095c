import datetime as dt
from collections import Counter

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eval_pipeline.errors import CompositionError, TableError
from eval_pipeline.settings import GoldenSettings, MixSettings, SubsetSettings
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.golden_set import Change, Deficit, compose, item_identity
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS
from eval_pipeline.truth.rotation import kind_quotas
from eval_pipeline.truth.version_diff import compare_versions

WEEK, NEXT_WEEK = "2026-11-16", "2026-11-23"
MONDAY = dt.date(2026, 11, 23)
SUBSETS = {"refunds": SubsetSettings(predicate="route = 'refunds'")}
CANDIDATE_SCHEMA = {
    "interaction_id": pl.String,
    **{column: GOLDEN_SET.schema[column] for column in CANDIDATE_COLUMNS},
}


def policy(**changes) -> GoldenSettings:
    defaults = {
        "minimum_items": 1,
        "maximum_items": 100,
        "minimum_per_subset": 0,
        "minimum_fresh_share": 0.0,
    }
    return GoldenSettings(**{**defaults, **changes})


def candidate(name: str, **changes):
    return {
        "interaction_id": name,
        "week": WEEK,
        "route": "orders",
        "stratum": "orders",
        "kind": "typical",
        "subsets": [],
        "messages": [{"role": "user", "content": f"Question {name}"}],
        "expected_behaviour": "answer",
        "logged_response": f"Answer {name}",
        "reference_response": f"Answer {name}",
        "reference_label": "pass",
        "label_source": "agreement",
        "annotator_kind": "person",
        "selection": "sample",
        "inclusion_probability": 0.5,
        "design_weight": 2.0,
        "conversation_key": f"c-{name}",
        "user_key": f"u-{name}",
        "labelled_on": dt.date(2026, 11, 20),
        **changes,
    }


def panel(name: str, **changes):
    return candidate(name, label_source="panel", annotator_kind=None, **changes)


def frame(rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=CANDIDATE_SCHEMA)


def composed(rows, *, previous=None, version=1, week=WEEK, as_of=MONDAY, subsets=SUBSETS, **bounds):
    return compose(
        previous=previous,
        candidates=frame(rows),
        policy=policy(**bounds),
        subsets=subsets,
        week=week,
        as_of=as_of,
        version=version,
    )


def ids(*names: str) -> list[str]:
    return sorted(item_identity(name) for name in names)


def test_the_first_version_admits_what_is_labelled_and_says_why():
    first = composed([candidate("a"), panel("b")])
    assert first.items["item_id"].to_list() == ids("a", "b")
    assert first.items["item_revision"].to_list() == [1, 1]
    assert first.items["admitted_in"].to_list() == [1, 1]
    assert {change.reason for change in first.admitted} == {"settled_label", "panel_label"}
    assert (first.retired, first.revised, first.fresh) == ((), (), 1)


def test_an_item_id_is_safe_as_a_file_name_whatever_the_log_calls_it():
    assert item_identity("../../etc/passwd\n").removeprefix("item-").isalnum()
    assert len(item_identity("x")) == len("item-") + 16
    assert item_identity("x") != item_identity("y")


def test_the_order_of_the_candidates_does_not_matter():
    rows = [candidate(str(number)) for number in range(30)]
    one = composed(rows, maximum_items=10)
    other = composed(rows[::-1], maximum_items=10)
    assert one.items.equals(other.items)


def test_items_stay_until_they_retire():
    first = composed([candidate("a"), candidate("b")])
    second = composed([candidate("c", week=NEXT_WEEK)], previous=first.items, version=2)
    assert second.items["item_id"].to_list() == ids("a", "b", "c")
    assert second.admitted == (Change(item_identity("c"), "settled_label"),)
    kept = second.items.filter(pl.col("item_id").is_in(ids("a", "b")))
    assert kept.equals(first.items)


def test_a_label_older_than_the_maximum_age_retires_its_item():
    # 120 days before 2026-11-23 is 2026-07-26: that label stays, the day before's goes.
    rows = [
        candidate("stays", labelled_on=dt.date(2026, 7, 26)),
        candidate("goes", labelled_on=dt.date(2026, 7, 25)),
    ]
    early = composed(rows, as_of=dt.date(2026, 8, 1))
    later = composed([], previous=early.items, version=2, as_of=MONDAY)
    assert later.retired == (Change(item_identity("goes"), "stale"),)
    assert later.items["item_id"].to_list() == ids("stays")


def test_a_question_asked_twice_is_one_item_whatever_its_case_and_spacing():
    again = [{"role": "user", "content": "  QUESTION   a "}]
    first = composed([panel("a")])
    second = composed([candidate("b", messages=again)], previous=first.items, version=2)
    # The settled label wins over the panel's, so the older item retires.
    assert second.items["item_id"].to_list() == ids("b")
    assert second.retired == (Change(item_identity("a"), "near_duplicate", item_identity("b")),)
    third = composed([panel("c", messages=again)], previous=second.items, version=3)
    assert third.items["item_id"].to_list() == ids("b")
    assert third.left_out == (("near_duplicate", 1),)


def test_a_relabelled_item_is_a_new_revision_of_the_same_item():
    first = composed([candidate("a"), candidate("b")])
    overturned = candidate(
        "a", reference_label="fail", reference_response=None, label_source="adjudication"
    )
    second = composed([overturned, candidate("b")], previous=first.items, version=2)
    item = second.items.filter(pl.col("item_id") == item_identity("a")).row(0, named=True)
    assert (item["item_revision"], item["reference_label"]) == (2, "fail")
    assert (item["admitted_in"], item["label_source"]) == (1, "adjudication")
    assert second.revised == (Change(item_identity("a"), "label"),)
    assert (second.admitted, second.retired) == ((), ())


def test_a_better_reference_response_is_a_new_revision_too():
    first = composed([candidate("a")])
    better = candidate("a", reference_response="A better answer")
    second = composed([better], previous=first.items, version=2)
    assert second.revised == (Change(item_identity("a"), "reference_response"),)


def test_people_confirming_the_panel_change_the_source_and_not_the_revision():
    first = composed([panel("a")])
    second = composed([candidate("a")], previous=first.items, version=2)
    item = second.items.row(0, named=True)
    assert (item["item_revision"], item["label_source"]) == (1, "agreement")
    assert second.revised == ()


def test_the_panel_never_overrules_people():
    first = composed([candidate("a")])
    second = composed([panel("a", reference_label="fail")], previous=first.items, version=2)
    assert second.items.equals(first.items)


def test_settled_labels_take_the_places_before_the_panels():
    rows = [candidate(f"s{number}") for number in range(5)]
    rows += [panel(f"p{number}") for number in range(50)]
    version = composed(rows, maximum_items=8)
    sources = Counter(version.items["label_source"].to_list())
    assert sources == {"agreement": 5, "panel": 3}
    assert version.left_out == (("no_room", 47),)


def test_a_full_version_makes_room_for_settled_labels_by_dropping_panel_ones():
    first = composed([panel(f"p{number}") for number in range(10)], maximum_items=10)
    second = composed(
        [candidate("new", week=NEXT_WEEK)], previous=first.items, version=2, maximum_items=10
    )
    assert item_identity("new") in second.items["item_id"].to_list()
    assert [change.reason for change in second.retired] == ["crowded_out"]


def test_a_version_full_of_settled_labels_still_takes_the_fresh_share():
    first = composed([candidate(f"old{number}") for number in range(10)], maximum_items=10)
    fresh = [candidate(f"new{number}", week=NEXT_WEEK) for number in range(6)]
    second = composed(
        fresh, previous=first.items, version=2, maximum_items=10, minimum_fresh_share=0.25
    )
    # ceil(0.25 x 10) = 3 places are the fresh ones', so 3 of the old make room.
    assert (len(second.admitted), len(second.retired), second.fresh) == (3, 3, 3)
    assert second.left_out == (("no_room", 3),)


def test_the_oldest_admitted_make_room_first():
    first = composed([candidate(f"one{number}") for number in range(4)], maximum_items=8)
    second = composed(
        [candidate(f"two{number}", week=NEXT_WEEK) for number in range(4)],
        previous=first.items,
        version=2,
        maximum_items=8,
    )
    third = composed(
        [candidate(f"three{number}", week="2026-11-30") for number in range(4)],
        previous=second.items,
        version=3,
        maximum_items=8,
        minimum_fresh_share=0.5,
    )
    assert {change.item_id for change in third.retired} == set(ids(*[f"one{n}" for n in range(4)]))


def test_a_subset_gets_its_minimum_before_the_rest_is_filled():
    rows = [candidate(f"n{number}") for number in range(60)]
    rows += [candidate(f"r{number}", subsets=["refunds"]) for number in range(12)]
    version = composed(rows, maximum_items=20, minimum_per_subset=10)
    held = version.items.filter(pl.col("subsets").list.contains("refunds")).height
    assert held >= 10
    assert version.items.height == 20


def test_what_the_labels_cannot_give_is_a_deficit_in_items():
    rows = [candidate(f"n{number}") for number in range(16)]
    rows += [candidate(f"r{number}", subsets=["refunds"], kind="edge") for number in range(4)]
    version = composed(rows, minimum_per_subset=10)
    # 20 places: 12 typical, 5 edge, 3 adversarial; found 16, 4 and none. 4 of 20 is within 10 % of
    # 25 %, none is not within 10 % of 15 %.
    assert version.deficits == (
        Deficit("subset", "refunds", 10, 4),
        Deficit("kind", "adversarial", 3, 0),
    )
    assert [deficit.missing for deficit in version.deficits] == [6, 3]
    assert version.items.height == 20


def test_places_are_filled_to_the_mix_of_kinds():
    rows = [
        candidate(f"{kind}{number}", kind=kind)
        for kind in ("typical", "edge", "adversarial")
        for number in range(100)
    ]
    version = composed(rows, maximum_items=100)
    assert Counter(version.items["kind"].to_list()) == {
        "typical": 60,
        "edge": 25,
        "adversarial": 15,
    }


@given(st.integers(0, 600))
def test_kind_quotas_sum_to_the_places(total):
    quotas = kind_quotas(MixSettings(), total=total)
    assert sum(quotas.values()) == total
    assert all(
        abs(quotas[kind] - share * total) <= 1
        for kind, share in (("typical", 0.6), ("edge", 0.25), ("adversarial", 0.15))
    )


def test_too_few_items_are_refused_with_the_number_missing():
    with pytest.raises(CompositionError, match=r"asks for 200: 198 are missing.*No version"):
        composed([candidate("a"), candidate("b")], minimum_items=200, maximum_items=500)


def test_without_fresh_settled_labels_there_is_no_version_not_even_the_first():
    with pytest.raises(CompositionError, match=r"minimum_fresh_share.*asks for 1: 1 are missing"):
        composed([panel("a"), panel("b")], minimum_fresh_share=0.02)
    first = composed([candidate("a")], minimum_fresh_share=0.02)
    with pytest.raises(CompositionError, match="earlier ones are untouched"):
        composed([panel("b")], previous=first.items, version=2, minimum_fresh_share=0.02)


def test_the_settled_label_of_an_interaction_wins_over_the_panels():
    version = composed([panel("a", reference_label="fail"), candidate("a")])
    assert version.items["reference_label"].to_list() == ["pass"]
    with pytest.raises(TableError, match="same interaction"):
        composed([candidate("a"), candidate("a")])


def test_candidates_of_the_wrong_dtype_are_refused():
    wrong = frame([candidate("a")]).with_columns(pl.col("design_weight").cast(pl.Float32))
    with pytest.raises(TableError, match="'design_weight' is Float32"):
        compose(
            previous=None,
            candidates=wrong,
            policy=policy(),
            subsets=SUBSETS,
            week=WEEK,
            as_of=MONDAY,
            version=1,
        )


ANSWERS = st.tuples(
    st.integers(0, 40),  # which interaction: some are labelled again in the second week
    st.sampled_from(["agreement", "adjudication", "recorded", "panel"]),
    st.sampled_from(["pass", "fail"]),
    st.sampled_from(["typical", "edge", "adversarial"]),
    st.sets(st.sampled_from(["refunds", "dosage"])),
    st.integers(0, 12),  # what it asks: labelled again, it may ask something else
)


def answers_of(drawn, *, week):
    return [
        candidate(
            f"i{number}",
            label_source=source,
            reference_label=label,
            kind=kind,
            week=week,
            subsets=sorted(subsets),
            messages=[{"role": "user", "content": f"{number}-{asks}"}],
        )
        for number, source, label, kind, subsets, asks in drawn
    ]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(ANSWERS, min_size=1, max_size=40, unique_by=lambda row: row[0]),
    st.lists(ANSWERS, min_size=1, max_size=40, unique_by=lambda row: row[0]),
    st.integers(1, 30),
    st.integers(0, 8),
    st.sampled_from([0.0, 0.1, 0.5]),
)
def test_composing_the_week_again_on_top_of_itself_changes_nothing(
    before, now, maximum, per_subset, share
):
    subsets = {name: SubsetSettings(predicate="route = 'x'") for name in ("refunds", "dosage")}
    bounds = {"maximum_items": maximum, "minimum_per_subset": per_subset, "subsets": subsets}
    first = composed(answers_of(before, week=WEEK), **bounds)
    # A label that people settled is never taken back for a panel's verdict on the same interaction.
    settled = {answer[0] for answer in before if answer[1] != "panel"}
    now = [answer for answer in now if answer[1] != "panel" or answer[0] not in settled]
    assume(now)
    rows = answers_of(now, week=NEXT_WEEK)
    try:
        second = composed(
            rows,
            previous=first.items,
            version=2,
            week=NEXT_WEEK,
            minimum_fresh_share=share,
            **bounds,
        )
    except CompositionError:
        return
    third = composed(
        rows, previous=second.items, version=3, week=NEXT_WEEK, minimum_fresh_share=share, **bounds
    )
    assert third.items.equals(second.items)
    assert (third.admitted, third.retired, third.revised) == ((), (), ())
    assert (third.deficits, third.fresh) == (second.deficits, second.fresh)
    # The lists account for every item that came or went.
    came = {change.item_id for change in second.admitted}
    went = {change.item_id for change in second.retired}
    known = set(first.items["item_id"])
    assert set(second.items["item_id"]) == (known - went) | came
    assert second.items.height <= maximum


def test_a_diff_names_what_came_went_and_was_revised_and_how_the_mix_moved():
    first = composed([candidate("a"), candidate("b", kind="edge")])
    second = composed(
        [candidate("a", reference_label="fail"), candidate("c", subsets=["refunds"])],
        previous=first.items.filter(pl.col("kind") == "typical"),
        version=2,
    )
    diff = compare_versions(first.items, second.items)
    assert [one.item_id for one in diff.added] == ids("c")
    assert [one.item_id for one in diff.retired] == ids("b")
    assert [one.item_id for one in diff.revised] == ids("a")
    assert [(shift.name, shift.share_before, shift.share_after) for shift in diff.shifts] == [
        ("refunds", 0.0, 0.5),
        ("edge", 0.5, 0.0),
        ("typical", 0.5, 1.0),
    ]
    assert diff.as_dict()["revised"][0]["item_id"] == item_identity("a")
