"""Who holds a place beside whom: near-duplicates, caps, barred, saturated and synthetic items."""

import datetime as dt
import random
from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.errors import CompositionError
from eval_pipeline.settings import (
    AdversarialSettings,
    GoldenSettings,
    SaturationSettings,
    SubsetSettings,
)
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.golden_set import Change, Composition, Deficit, compose, item_identity
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS
from eval_pipeline.truth.synthetic_candidates import synthetic_candidates

WEEK, NEXT_WEEK = "2026-11-16", "2026-11-23"
MONDAY = dt.date(2026, 11, 23)
SUBSETS = {"refunds": SubsetSettings(predicate="route = 'refunds'")}
SCHEMA = {
    "interaction_id": pl.String,
    **{column: GOLDEN_SET.schema[column] for column in CANDIDATE_COLUMNS},
}


def question(seed: str) -> str:
    """A question of its own, about a hundred characters long."""
    return "".join(random.Random(seed).choices("abcdefghijklmnop ", k=100))


def asks(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


def candidate(name: str, **changes):
    return {
        "interaction_id": name,
        "week": WEEK,
        "route": "orders",
        "stratum": "orders",
        "kind": "typical",
        "subsets": [],
        "messages": asks(question(name)),
        "logged_response": f"Answer {name}",
        "logged_model": "model",
        "reference_response": f"Answer {name}",
        "reference_label": "pass",
        "label_source": "agreement",
        "annotator_kind": "person",
        "selection": "sample",
        "expected_behaviour": "answer",
        "derived_from": None,
        "mutation": None,
        "inclusion_probability": 0.5,
        "design_weight": 2.0,
        "conversation_key": f"c-{name}",
        "user_key": f"u-{name}",
        "labelled_on": dt.date(2026, 11, 20),
        **changes,
    }


def many(prefix: str, count: int, **changes):
    return [candidate(f"{prefix}{number}", **changes) for number in range(count)]


def synthetic(name: str, *, source: str = "source", **changes):
    return candidate(
        name,
        **{
            "kind": "adversarial",
            "label_source": "synthetic",
            "annotator_kind": None,
            "selection": "synthetic",
            "expected_behaviour": "graceful_failure",
            "derived_from": item_identity(source),
            "mutation": "injection",
            "reference_label": None,
            "reference_response": None,
            "logged_response": None,
            "inclusion_probability": None,
            "design_weight": None,
            **changes,
        },
    )


def composed(
    rows, *, previous=None, version=1, barred=None, saturated=(), as_of=MONDAY, **bounds
) -> Composition:
    defaults = {
        "minimum_items": 1,
        "maximum_items": 100,
        "minimum_per_subset": 0,
        "minimum_fresh_share": 0.0,
    }
    return compose(
        previous=previous,
        candidates=pl.DataFrame(rows, schema=SCHEMA),
        policy=GoldenSettings.model_validate({**defaults, **bounds}),
        subsets=SUBSETS,
        week=WEEK,
        as_of=as_of,
        version=version,
        barred=barred,
        saturated=saturated,
    )


def names(composition: Composition) -> set[str]:
    return set(composition.items["item_id"])


def ids(*interactions: str) -> set[str]:
    return {item_identity(name) for name in interactions}


TEXT = question("base")
LIKE_IT = TEXT[:-1] + "Z"
"""One of its hundred characters differs at the end: 96 + 5 runs are shared of 101 + 5 + 5."""


def test_nearly_the_same_question_is_one_item_and_the_change_names_the_other():
    first = composed([candidate("a", messages=asks(TEXT))])
    second = composed([candidate("b", messages=asks(LIKE_IT))], previous=first.items, version=2)
    assert names(second) == ids("a")
    assert second.left_out == (("near_duplicate", 1),)
    panel = composed([candidate("a", messages=asks(TEXT), label_source="panel")])
    ousted = composed([candidate("b", messages=asks(LIKE_IT))], previous=panel.items, version=2)
    assert ousted.retired == (Change(item_identity("a"), "near_duplicate", item_identity("b")),)


def test_below_the_threshold_both_stay():
    rows = [candidate("a", messages=asks(TEXT)), candidate("b", messages=asks(LIKE_IT))]
    assert names(composed(rows, near_duplicate_similarity=0.95)) == ids("a", "b")


def test_likeness_is_not_passed_on_along_a_chain():
    # a is like b and b like c, while a and c differ in two places: whoever of them stays, no two
    # that are alike do, and b alone makes room for none of the others.
    chain = [TEXT, TEXT[:-1] + "Z", "Z" + TEXT[1:-1] + "Z"]
    rows = [candidate(n, messages=asks(t)) for n, t in zip("abc", chain, strict=True)]
    assert names(composed(rows, near_duplicate_similarity=0.89)) in (ids("b"), ids("a", "c"))


def test_a_fresh_label_does_not_oust_the_earlier_item_of_the_same_question_while_others_are_fresh():
    first = composed([candidate("old", messages=asks(TEXT)), *many("o", 9)], maximum_items=10)
    rows = [candidate("same", messages=asks(LIKE_IT)), candidate("new")]
    second = composed(
        rows, previous=first.items, version=2, maximum_items=10, minimum_fresh_share=0.1
    )
    assert ids("new") < names(second)
    assert not ids("same") & names(second)
    # Nothing else is fresh: the demanded share comes first.
    third = composed(
        rows[:1], previous=first.items, version=2, maximum_items=10, minimum_fresh_share=0.1
    )
    assert third.retired == (Change(item_identity("old"), "near_duplicate", item_identity("same")),)


def test_publishing_an_old_week_again_brings_none_of_its_crowded_out_items_back():
    old = composed(many("old", 20), maximum_items=20)
    newer = composed(
        many("new", 10), previous=old.items, version=2, maximum_items=20, minimum_fresh_share=0.5
    )
    again = composed(
        many("old", 20), previous=newer.items, version=3, maximum_items=20, minimum_fresh_share=0.5
    )
    assert (again.admitted, again.retired) == ((), ())
    assert again.fresh == 10


def test_the_same_question_under_other_instructions_is_another_question():
    def under(told: str):
        return [{"role": "system", "content": told}, *asks(TEXT)]

    rows = [
        candidate(n, messages=under(t))
        for n, t in zip("abc", ("Yes or no.", "In verse.", "yes  OR no."), strict=True)
    ]
    version = composed(rows)
    assert version.items.height == 2
    assert ids("b") < names(version)
    assert version.left_out == (("near_duplicate", 1),)


def test_a_mutation_is_merged_with_its_source_only_where_it_changed_nothing():
    rows = [
        *many("o", 20),
        candidate("source", messages=asks(TEXT)),
        synthetic("changed", messages=asks(LIKE_IT)),
    ]
    assert ids("changed") < names(composed(rows))
    rows[-1] = synthetic("same", messages=asks(TEXT.upper()))
    assert composed(rows).left_out == (("near_duplicate", 1),)


def test_of_one_person_and_of_one_conversation_only_so_many_items_stand():
    rows = [
        *many("u", 8, user_key="ada"),
        *many("c", 6, conversation_key="talk"),
        *many("n", 5, user_key=None),
    ]
    version = composed(rows, maximum_per_user=3, maximum_per_conversation=2)
    assert version.items.height == 3 + 2 + 5
    assert version.left_out == (("conversation_cap", 4), ("user_cap", 5))


def test_a_cap_lowered_later_retires_the_items_beyond_it():
    first = composed(many("u", 5, user_key="ada"))
    second = composed([candidate("new")], previous=first.items, version=2, maximum_per_user=2)
    assert [change.reason for change in second.retired] == ["user_cap"] * 3


def test_a_barred_item_retires_for_cause_and_does_not_come_back():
    first = composed([candidate("a"), candidate("b")])
    gone = item_identity("a")
    barred = {gone: Change(gone, "withdrawn", "by ada: wrong")}
    rows = [candidate("a"), candidate("b"), candidate("c")]
    second = composed(rows, previous=first.items, version=2, barred=barred)
    assert second.retired == (Change(gone, "withdrawn", "by ada: wrong"),)
    third = composed(rows, previous=second.items, version=3, barred=barred)
    assert names(third) == ids("b", "c")
    assert third.left_out == (("withdrawn", 1),)
    assert names(composed(rows, previous=third.items, version=4)) == ids("a", "b", "c")


def test_saturated_items_make_room_first_and_newer_ones_last():
    first = composed(many("old", 4))
    second = composed(many("mid", 4), previous=first.items, version=2)
    tired = ids("old0", "old1", "mid0", "mid1")
    third = composed(
        many("new", 2), previous=second.items, version=3, maximum_items=8, saturated=tired
    )
    assert third.retired == tuple(Change(item, "saturated") for item in sorted(ids("old0", "old1")))
    assert ids("new0", "new1", "mid0", "mid1") < names(third)


def test_no_more_than_their_share_of_a_version_is_saturated_and_the_oldest_go():
    # 6 telling: at a quarter 2 saturated may stand beside them, 2 of 8
    first = composed(many("old", 3))
    second = composed([*many("mid", 2), *many("t", 6)], previous=first.items, version=2)
    tired = ids("old0", "old1", "old2", "mid0", "mid1")
    third = composed(
        [],
        previous=second.items,
        version=3,
        saturated=tired,
        saturation=SaturationSettings(maximum_share=0.25),
    )
    assert {change.item_id for change in third.retired} == ids("old0", "old1", "old2")
    assert third.items.height == 8


@pytest.mark.parametrize(
    "bounds", [{"minimum_per_subset": 3}, {"minimum_items": 3}], ids=["subset", "version"]
)
def test_saturated_items_stay_where_a_minimum_would_break(bounds):
    first = composed(many("old", 5, subsets=["refunds"]))
    second = composed(
        [],
        previous=first.items,
        version=2,
        saturated=names(first),
        saturation=SaturationSettings(maximum_share=0.0),
        **bounds,
    )
    assert second.items.height == 3


def test_synthetic_items_fill_what_real_ones_leave_of_their_kind_up_to_their_share():
    # 90 real, none adversarial, room for 100: 10 % of 100 are 10, their kind's 15 would be more
    rows = [*many("r", 90), *(synthetic(f"s{number}") for number in range(30))]
    version = composed(rows)
    assert Counter(version.items["label_source"]) == {"agreement": 90, "synthetic": 10}
    assert {c.reason for c in version.admitted} == {"settled_label", "synthetic"}
    # A full version makes room for them: 100 places, 10 of them theirs
    full = composed([*many("r", 130), *rows[90:]])
    assert Counter(full.items["label_source"]) == {"agreement": 90, "synthetic": 10}
    # 12 real adversarial ones of 100 leave 3 open
    real = many("a", 12, kind="adversarial")
    partly = composed([*many("r", 130), *real, *rows[90:]])
    assert Counter(partly.items["label_source"]) == {"agreement": 97, "synthetic": 3}
    none = composed([*many("r", 130), *many("a", 20, kind="adversarial"), *rows[90:]])
    assert "synthetic" not in set(none.items["label_source"])


def test_synthetic_items_make_room_once_real_ones_have_come():
    rows = [*many("r", 90), *(synthetic(f"s{number}") for number in range(10))]
    first = composed(rows)
    second = composed(many("a", 20, kind="adversarial"), previous=first.items, version=2)
    assert {change.reason for change in second.retired} == {"crowded_out"}
    assert "synthetic" not in set(second.items["label_source"])


def test_a_synthetic_item_holds_no_subset_s_minimum():
    rows = [*many("r", 20), *(synthetic(f"s{n}", subsets=["refunds"]) for n in range(5))]
    version = composed(rows, minimum_per_subset=3)
    assert "synthetic" in set(version.items["label_source"])
    assert Deficit("subset", "refunds", 3, 0) in version.deficits


def test_synthetic_questions_become_candidates_without_label_or_weight():
    made = pl.DataFrame(
        {
            "interaction_id": ["s1"],
            "source_interaction_id": ["i1"],
            "mutation": ["injection"],
            "route": ["orders"],
            "stratum": ["orders"],
            "kind": ["adversarial"],
            "subsets": [["refunds"]],
            "messages": [asks("Ignore it")],
            "conversation_key": ["c"],
            "user_key": ["u"],
            "created_on": [MONDAY],
        }
    )
    found = synthetic_candidates(made, week=WEEK)
    assert found.schema == pl.Schema(SCHEMA)
    expected = {
        **synthetic("s1", source="i1", messages=asks("Ignore it"), subsets=["refunds"]),
        "labelled_on": MONDAY,
        "logged_model": None,
        "conversation_key": "c",
        "user_key": "u",
    }
    assert found.row(0, named=True) == expected


def test_a_stale_set_is_refused_with_the_number_missing():
    first = composed(many("a", 10))
    with pytest.raises(CompositionError, match=r"stale: nothing was settled .* 1: 1 are missing"):
        composed(
            [candidate("p", label_source="panel")],
            previous=first.items,
            version=2,
            minimum_fresh_share=0.02,
        )


def test_a_set_whose_only_news_is_synthetic_is_refused_with_the_number_missing():
    first = composed(many("a", 30))
    with pytest.raises(CompositionError, match=r"synthetic only.* asks for 4: 4 are missing"):
        # 30 and 3 synthetic at 10 % of 33: ceil(.1 x 33) = 4
        composed(
            [synthetic(f"s{number}") for number in range(9)],
            previous=first.items,
            version=2,
            minimum_fresh_share=0.1,
        )


def test_settled_labels_too_few_for_a_full_version_are_a_deficit_of_the_next():
    # ceil(.05 x 100) = 5 of a full version, 2 found; ceil(.05 x 42) = 3 would refuse this one
    first = composed(many("a", 10))
    second = composed(many("b", 2), previous=first.items, version=2, minimum_fresh_share=0.05)
    assert second.fresh == 2
    assert second.deficits[-1] == Deficit("fresh", "settled", 5, 2)


def test_the_weeks_that_it_drew_on_are_those_of_labelled_candidates():
    rows = [candidate("a"), candidate("b", week=NEXT_WEEK), synthetic("s", week="2026-11-30")]
    assert composed(rows).weeks == (WEEK, NEXT_WEEK)


def test_an_interaction_labelled_in_two_weeks_counts_as_labelled_last():
    rows = [candidate("a", reference_label="fail"), candidate("a", week=NEXT_WEEK)]
    assert composed(rows).items["reference_label"].to_list() == ["pass"]
    panel = candidate("a", week=NEXT_WEEK, label_source="panel")
    assert composed([rows[0], panel]).items["reference_label"].to_list() == ["fail"]


BASES = [question(f"base{number}") for number in range(5)]
ROW = st.tuples(
    st.integers(0, 4),  # what it asks about
    st.integers(0, 3),  # in how many places it asks it differently
    st.sampled_from(["agreement", "recorded", "panel", "panel", "synthetic"]),
    st.sampled_from(["typical", "typical", "edge", "adversarial"]),
    st.booleans(),  # whether about refunds
    st.integers(0, 3),  # whose: 0 is nobody known
    st.integers(0, 5),  # conversation
    st.sampled_from(["", "tired", "barred"]),
)


def drawn_row(number, row):
    base, changes, source, kind, refunds, user, talk, _ = row
    text = list(BASES[base])
    for place in range(changes):
        text[place * 30] = str(number % 7)
    about = {
        "messages": asks("".join(text)),
        "subsets": ["refunds"] if refunds else [],
        "user_key": f"u{user}" if user else None,
        "conversation_key": f"t{talk}",
    }
    if source == "synthetic":
        return synthetic(f"i{number}", **about)
    return candidate(f"i{number}", label_source=source, kind=kind, **about)


POLICY = st.fixed_dictionaries(
    {
        "maximum_items": st.integers(2, 25),
        "minimum_per_subset": st.integers(0, 5),
        "minimum_fresh_share": st.sampled_from([0.0, 0.1, 0.4]),
        "maximum_per_user": st.integers(1, 6),
        "maximum_per_conversation": st.integers(1, 4),
        "saturation": st.sampled_from([0.0, 0.3, 1.0]).map(
            lambda share: SaturationSettings(maximum_share=share)
        ),
        "adversarial": st.just(AdversarialSettings(maximum_share=0.3)),
    }
)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(ROW, min_size=2, max_size=40),
    st.integers(0, 40),
    st.integers(0, 10),
    POLICY,
    st.randoms(),
)
def test_every_bound_holds_and_composing_again_changes_nothing(
    rows, split, overlap, bounds, shuffle
):
    every = [drawn_row(number, row) for number, row in enumerate(rows)]
    marked = {
        mark: {item_identity(f"i{n}") for n, row in enumerate(rows) if row[-1] == mark}
        for mark in ("tired", "barred")
    }
    again = {
        **bounds,
        "saturated": marked["tired"],
        "barred": {item: Change(item, "withdrawn") for item in marked["barred"]},
    }
    now = every[max(split - overlap, 0) :]
    try:
        previous = composed(every[:split], **{**bounds, "minimum_fresh_share": 0}).items
        second = composed(now, previous=previous, version=2, **again)
    except CompositionError:
        return
    shuffle.shuffle(now)
    assert composed(now, previous=previous, version=2, **again).items.equals(second.items)
    third = composed(now, previous=second.items, version=3, **again)
    assert third.items.equals(second.items)
    assert (third.admitted, third.retired, third.revised) == ((), (), ())
    assert (third.deficits, third.fresh) == (second.deficits, second.fresh)
    held = second.items
    assert 1 <= held.height <= bounds["maximum_items"]
    assert second.fresh >= bounds["minimum_fresh_share"] * held.height - 1e-9
    users, talks = Counter(held["user_key"].drop_nulls()), Counter(held["conversation_key"])
    assert max(users.values(), default=0) <= bounds["maximum_per_user"]
    assert max(talks.values()) <= bounds["maximum_per_conversation"]
    assert not names(second) & marked["barred"]
    made = held.filter(pl.col("label_source") == "synthetic").height
    assert made <= 0.3 * held.height + 1e-9
    # Beyond their share, saturated items only hold the subset's minimum, or that of the version.
    most = bounds["saturation"].maximum_share * held.height + 1e-9
    assert len(names(second) & marked["tired"]) <= max(most, bounds["minimum_per_subset"], 1)
    # The lists account for every item that came or went.
    known = set(previous["item_id"])
    came = {change.item_id for change in second.admitted}
    went = {change.item_id for change in second.retired}
    assert names(second) == (known - went) | came
