"""Topics of a week, their names, and their identity from week to week."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval_pipeline.intake.cluster_identity import KnownTopic, assignment, cosines, identify
from eval_pipeline.intake.clusters import find_topics, members_of
from eval_pipeline.intake.topic_search import group
from eval_pipeline.intake.topic_terms import (
    count_terms,
    distinctive_terms,
    profile_of,
    telling_terms,
    topic_texts,
)
from eval_pipeline.intake.topic_vectors import ppmi_vectors, tfidf_vectors
from eval_pipeline.settings import ClustersSettings
from eval_pipeline.tables import ANONYMISED_INTERACTIONS, TOPIC_CLUSTERS
from tests.topic_worlds import POLICY, monday, pool_of, texts, topics_of, vocabulary, week_of

FIVE = dict.fromkeys(range(5), 30)


def identities(frame: pl.DataFrame) -> dict[str, int]:
    return dict(frame.group_by("identity").len().iter_rows())


def test_texts_of_five_topics_become_five_clusters_of_exactly_their_texts():
    week = week_of(texts(FIVE, seed=1), name="a")
    (found,) = topics_of([week])
    assert found.height == 5
    assert found["identity"].to_list() == ["born"] * 5
    for members in found["members"].to_list():
        first = int(members[0].removeprefix("a-")) // 30
        assert {int(one.removeprefix("a-")) // 30 for one in members} == {first}
        assert len(members) == 30
    assert found["share"].to_list() == pytest.approx([0.2] * 5)


@pytest.mark.parametrize("vectors", ["ppmi", "tfidf"])
@pytest.mark.parametrize("shuffle", [1, 2, 3])
def test_permuting_the_rows_changes_not_one_byte_of_the_table(vectors, shuffle):
    policy = POLICY.model_copy(update={"vectors": vectors})
    weeks = [week_of(texts(FIVE, seed=seed), name=name) for seed, name in [(1, "a"), (2, "b")]]
    assert all(
        one.equals(other)
        for one, other in zip(
            topics_of(weeks, policy=policy),
            topics_of(weeks, policy=policy, shuffle=shuffle),
            strict=True,
        )
    )


def test_the_same_mixture_keeps_its_ids_over_weeks():
    weeks = [week_of(texts(FIVE, seed=seed), name=f"w{seed}") for seed in range(4)]
    first, *later = topics_of(weeks)
    for found in later:
        assert found["cluster"].to_list() == first["cluster"].to_list()
        assert identities(found) == {"kept": 5}


def test_a_planted_topic_is_born_a_removed_one_dies_and_later_returns():
    mixes = [FIVE, {**FIVE, 5: 30}, {0: 30, 1: 30, 2: 30, 3: 30, 5: 30}, {**FIVE, 5: 30},
             {**FIVE, 5: 30}]  # fmt: skip
    weeks = [week_of(texts(mix, seed=n), name=f"w{n}") for n, mix in enumerate(mixes)]
    found = topics_of(weeks)
    assert [identities(frame) for frame in found] == [
        {"born": 5},
        {"kept": 5, "born": 1},
        {"kept": 5, "died": 1},
        {"kept": 5, "returned": 1},
        {"kept": 6},
    ]
    (dead,) = found[2].filter(pl.col("identity") == "died").to_dicts()
    (back,) = found[3].filter(pl.col("identity") == "returned").to_dicts()
    assert dead["cluster"] == back["cluster"]
    assert set(dead["terms"]) <= set(vocabulary(4))
    assert dead["share"] == 0
    (new,) = found[1].filter(pl.col("identity") == "born").to_dicts()
    assert new["cluster"].startswith(f"c-{monday(1)}-")
    assert set(new["terms"]) <= set(vocabulary(5))


def test_no_id_is_given_twice():
    mixes = [dict.fromkeys(range(n, n + 4), 30) for n in range(6)]
    weeks = [week_of(texts(mix, seed=n), name=f"w{n}") for n, mix in enumerate(mixes)]
    born = [
        (row["cluster"], week)
        for week, frame in enumerate(topics_of(weeks))
        for row in frame.filter(pl.col("identity") == "born").to_dicts()
    ]
    assert len({cluster for cluster, _ in born}) == len(born) == 9


def test_a_week_with_too_little_text_has_no_topics():
    week = week_of(texts({0: 20, 1: 19}, seed=1), name="a")
    (found,) = topics_of([week])
    assert found.equals(TOPIC_CLUSTERS.empty())


def test_texts_without_a_common_word_have_no_topics():
    written = [f"{'ab'[n % 2] * (n // 2 + 2)}" for n in range(60)]
    (found,) = topics_of([week_of(written, name="a")])
    assert found.is_empty()


def test_equal_texts_throughout_are_not_parted():
    (found,) = topics_of([week_of(["where is my order"] * 60, name="a")])
    assert found.is_empty()


def test_an_empty_text_is_in_no_cluster():
    week = week_of([*texts(FIVE, seed=1), "", "[PERSON_1]"], name="a")
    (found,) = topics_of([week])
    placed = set(members_of(found)["interaction_id"])
    assert {"a-00150", "a-00151"}.isdisjoint(placed)
    assert len(placed) == 150


def test_no_placeholder_and_no_rare_term_reaches_the_table():
    # 'rareword' stands in 4 conversations, one less than the default that a term needs.
    written = texts(FIVE, seed=1)
    written = [f"{text} [PERSON_1] [EMAIL_2]" for text in written]
    written[:4] = [f"{text} rareword" for text in written[:4]]
    written[4:10] = [f"{text} oftenword" for text in written[4:10]]
    (found,) = topics_of([week_of(written, name="a")])
    kept = {entry["term"] for profile in found["profile"].to_list() for entry in profile}
    kept |= {term for terms in found["terms"].to_list() for term in terms}
    assert kept.isdisjoint({"person", "email", "rareword"})
    assert "oftenword" in kept


def test_one_conversation_that_repeats_itself_does_not_make_a_term_common():
    counts = count_terms(["secretword here", "secretword there", "secretword again"])
    columns = telling_terms(counts, conversations=["k1", "k1", "k1"], least=2)
    assert [counts.words[column] for column in columns] == []


def test_the_part_of_the_conversation_is_as_configured():
    messages = [
        {"role": "user", "content": "refund [ORDER_1]"},
        {"role": "assistant", "content": "Sure"},
        {"role": "user", "content": "thanks"},
    ]
    row = dict.fromkeys(ANONYMISED_INTERACTIONS.schema) | {
        "interaction_id": "i", "conversation_key": "k", "messages": messages,
    }  # fmt: skip
    frame = pl.DataFrame([row], schema=ANONYMISED_INTERACTIONS.schema)
    assert topic_texts(frame, part="last_user_message")["text"].to_list() == ["thanks"]
    assert topic_texts(frame, part="user_messages")["text"].to_list() == ["refund  \nthanks"]
    assert topic_texts(frame, part="conversation_text")["text"].to_list() == [
        "refund  \nSure\nthanks"
    ]


def test_profile_weights_are_share_times_log_rarity_at_length_one():
    # Four texts; 'late' is in both of the group and nowhere else: 2/2 ln(4/2);
    # 'parcel' in one of the group and one other: 1/2 ln(4/2). Ratio 2, length one: 2/√5, 1/√5.
    counts = count_terms(["late parcel", "late", "refund parcel", "refund"])
    rows = np.array([0, 1])
    keys = ["k1", "k2", "k3", "k4"]
    profile = profile_of(counts, rows, conversations=keys, least=1)
    assert profile == pytest.approx(
        {"late": 2 / math.sqrt(5), "parcel": 1 / math.sqrt(5)}, abs=1e-6
    )


def test_the_most_distinctive_term_comes_first_and_shared_ones_not_at_all():
    counts = count_terms(["late parcel"] * 6 + ["late refund"] * 2 + ["refund parcel"] * 8)
    keys = [f"k{n}" for n in range(16)]
    terms = distinctive_terms(counts, np.arange(6), conversations=keys, least=2, most=3)
    assert terms[0] == "late"
    assert "refund" not in terms


def test_the_assignment_is_the_best_sum_and_not_greedy():
    # Greedy takes a-x (.9) and is left with b-y (0): the sum .9. Best: a-y (.8) and b-x (.8).
    a = {"p": 0.9, "q": 0.8}
    b = {"p": 0.8}
    x, y = {"p": 1.0}, {"q": 1.0}
    pairs = assignment([a, b], [x, y], floor=0.1)
    assert [(one, other) for one, other, _ in pairs] == [(0, 1), (1, 0)]


def test_below_the_floor_nobody_is_known():
    known = [KnownTopic("c-old-01", "old", (), "2025-12-29", "ppmi", {"p": 0.6, "q": 0.8}, True)]
    policy = POLICY.model_copy(update={"similarity_floor": 0.61})
    (new,) = identify([{"p": 1.0}], known, week=monday(0), policy=policy)
    assert (new.identity, new.cluster, new.similarity) == ("born", "c-2026-01-05-01", None)
    (same,) = identify([{"p": 1.0}], known, week=monday(0), policy=POLICY)
    assert (same.identity, same.cluster, same.similarity) == ("kept", "c-old-01", 0.6)


PROFILES = st.lists(
    st.dictionaries(st.sampled_from("abcdef"), st.floats(0.1, 1), min_size=1), max_size=5
)


@given(PROFILES, PROFILES)
@settings(max_examples=100, deadline=None)
def test_every_topic_gets_one_id_and_no_two_the_same(profiles, others):
    known = [
        KnownTopic(f"c-old-{n:02d}", "", (), "2025-12-29", "ppmi", one, n % 2 == 0)
        for n, one in enumerate(others)
    ]
    found = identify(profiles, known, week=monday(0), policy=POLICY)
    assert len(found) == len(profiles)
    assert len({one.cluster for one in found}) == len(found)
    for one in found:
        assert (one.similarity is None) == (one.identity == "born")


@given(PROFILES)
@settings(max_examples=50, deadline=None)
def test_cosines_do_not_depend_on_the_side(profiles):
    assert np.array_equal(cosines(profiles, profiles), cosines(profiles, profiles).T)


@given(st.integers(0, 1000), st.sampled_from([ppmi_vectors, tfidf_vectors]))
@settings(max_examples=15, deadline=None)
def test_vectors_are_of_length_one_or_zero(seed, make):
    counts = count_terms([*texts({0: 10, 1: 10}, seed=seed), "", "unheard"])
    lengths = np.linalg.norm(make(counts, dimensions=8), axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-4) | (lengths == 0))
    assert lengths[-2:].tolist() == [0, 0]


def test_no_group_is_smaller_than_the_minimum_and_none_beyond_the_maximum():
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(200, 6))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    policy = ClustersSettings(minimum=4, maximum=9, minimum_size=12)
    grouping = group(vectors, masses=np.ones(200), starts=np.zeros((0, 6)), policy=policy)
    sizes = np.bincount(grouping.labels)
    assert sizes.min() >= 12
    assert 2 <= len(sizes) <= 9


def test_reserve_and_sample_together_stand_for_the_week():
    # 10 of a stratum's 100 are drawn, 4 of them for the sample: weight 25 alone, 10 together.
    anonymised, sampled = week_of([f"text {n}" for n in range(10)], name="a")
    sampled = sampled.with_columns(
        selection=pl.when(pl.col("position") <= 4).then(pl.lit("sample")).otherwise(
            pl.lit("reserve")
        ),
        population_size=pl.lit(100, pl.Int64),
        allocated=pl.lit(4, pl.Int64),
        drawn=pl.lit(10, pl.Int64),
        design_weight=pl.when(pl.col("position") <= 4).then(25.0).otherwise(10.0),
    )  # fmt: skip
    assert pool_of([(anonymised, sampled)])["weight"].to_list() == pytest.approx([10.0] * 10)


def test_vectors_from_elsewhere_group_as_well():
    week = week_of(texts({0: 30, 1: 30}, seed=1), name="a")
    pool = pool_of([week])
    axes = np.eye(2)[[0] * 30 + [1] * 30]
    found = find_topics(
        pool,
        count_terms(pool["text"].to_list()),
        vectors=axes,
        vectors_name="some-model",
        known=[],
        week=monday(0),
        policy=POLICY.model_copy(update={"minimum": 2}),
    )
    assert found.height == 2
    assert set(found["vectors"]) == {"some-model"}


def test_a_group_of_many_interactions_and_few_conversations_is_none():
    # Topic 1 has 30 interactions of 3 conversations, and 8 conversations are the minimum.
    anonymised, sampled = week_of(texts({0: 30, 1: 30, 2: 30}, seed=1), name="a")
    number = pl.col("interaction_id").str.slice(2).cast(pl.Int64)
    repeated = pl.when(number.is_between(30, 59)).then(number % 3).otherwise(number + 100)
    anonymised = anonymised.with_columns(
        conversation_key=pl.lit("k-") + repeated.cast(pl.String).str.zfill(5)
    )
    (found,) = topics_of([(anonymised, sampled)])
    assert found["conversations"].min() >= 8
