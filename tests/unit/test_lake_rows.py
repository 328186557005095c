"""What an erasure makes of a table's rows, on frames small enough to read."""

import polars as pl
import pytest

from eval_pipeline.evaluation.decision import (
    Decision,
    SubsetFinding,
    decisions_with,
    read_decision,
)
from eval_pipeline.evaluation.trial_items import reserve_identity
from eval_pipeline.flows.erasure.inventory import Inventory, Person
from eval_pipeline.flows.erasure.lake_rows import erased_frame
from eval_pipeline.tables import (
    ADJUDICATIONS,
    GATE_DECISION,
    REGRESSION_TRIALS,
    STRATIFIED_INTERACTIONS,
    TOPIC_CLUSTERS,
    VERDICTS,
    Table,
)
from eval_pipeline.truth.golden_set import item_identity

PERSON = Person(user_id="ann@example.org", user_key="u-ann", erasure_id="e1")
ANN = Inventory(
    PERSON,
    interaction_ids=frozenset({"i1", "i2"}),
    conversation_keys=frozenset({"c1", "c2"}),
    golden_ids=frozenset({item_identity("i1")}),
)
SYNTHETIC = Table(
    name="synthetic",
    job="refresh",
    grain="one row per made item",
    partitioned_by="week",
    key=("item_id",),
    schema=pl.Schema(
        {
            "item_id": pl.String,
            "source_interaction_id": pl.String,
            "user_key": pl.String,
            "conversation_key": pl.String,
        }
    ),
)


def rows_of(table: Table, *rows: dict) -> pl.DataFrame:
    """Rows with these values, null elsewhere."""
    return pl.DataFrame(list(rows), schema=table.schema)


def trials(*rows: tuple[str, str, str]) -> pl.DataFrame:
    return rows_of(
        REGRESSION_TRIALS,
        *(
            {"arm": "baseline", "item_id": item, "cluster_id": cluster, "response": said,
             "score": 0.5, "trial": 1, "subsets": ["refunds"]}
            for item, cluster, said in rows
        ),
    )  # fmt: skip


@pytest.mark.parametrize("table", [VERDICTS, STRATIFIED_INTERACTIONS, ADJUDICATIONS])
def test_rows_of_the_persons_interactions_go_and_others_stay_as_they_are(table):
    frame = rows_of(table, *({"interaction_id": name} for name in ("i1", "i10", "i3")))
    after, removed, blanked = erased_frame(frame, table, ANN)
    assert (removed, blanked) == (1, 0)
    assert after.equals(frame.tail(2))


def test_a_table_that_names_user_conversation_or_source_needs_no_rule_of_its_own():
    made = rows_of(
        SYNTHETIC,
        {"item_id": "a", "source_interaction_id": "i2"},
        {"item_id": "b", "user_key": "u-ann"},
        {"item_id": "c", "conversation_key": "c2"},
        {"item_id": "d", "source_interaction_id": "i3", "user_key": "u-bob"},
    )
    after, removed, _ = erased_frame(made, SYNTHETIC, ANN)
    assert removed == 3
    assert after["item_id"].to_list() == ["d"]


def test_ids_leave_lists_and_the_row_stays():
    frame = rows_of(
        TOPIC_CLUSTERS,
        {"cluster": "k1", "members": ["i3", "i1", "i4"], "reference_members": []},
        {"cluster": "k2", "members": ["i5"], "reference_members": ["i6"]},
    )
    after, removed, blanked = erased_frame(frame, TOPIC_CLUSTERS, ANN)
    assert (removed, blanked) == (0, 1)
    assert after["members"].to_list() == [["i3", "i4"], ["i5"]]
    assert after["reference_members"].to_list() == [[], ["i6"]]


def test_trials_keep_scores_and_equal_conversations_stay_equal():
    golden, reserve = item_identity("i1"), reserve_identity("i2")
    frame = trials(
        (golden, "c1", "said"), (reserve, "c2", "said"), ("other", "c9", "kept"),
        ("another", "c1", "of the same conversation"),
    )  # fmt: skip
    after, removed, blanked = erased_frame(frame, REGRESSION_TRIALS, ANN)
    assert (removed, blanked) == (0, 3)
    assert after["response"].to_list() == [None, None, "kept", None]
    assert after["cluster_id"].to_list() == ["erased-e1-1", "erased-e1-2", "c9", "erased-e1-1"]
    assert after["item_id"].to_list() == frame["item_id"].to_list()
    assert after["score"].to_list() == [0.5] * 4


def test_erasing_again_changes_nothing_and_further_conversations_get_further_numbers():
    frame = trials((item_identity("i1"), "c1", "said"), (item_identity("i2"), "c2", "said"))
    only_c1 = Inventory(
        PERSON, interaction_ids=frozenset({"i1"}), conversation_keys=frozenset({"c1"})
    )
    once, _, _ = erased_frame(frame, REGRESSION_TRIALS, only_c1)
    again, removed, blanked = erased_frame(once, REGRESSION_TRIALS, only_c1)
    assert (removed, blanked) == (0, 0)
    assert again.equals(once)
    further, _, blanked = erased_frame(once, REGRESSION_TRIALS, ANN)
    assert blanked == 1
    assert further["cluster_id"].to_list() == ["erased-e1-1", "erased-e1-2"]


def test_a_reserve_item_that_an_earlier_version_named_by_its_interaction_is_hashed():
    frame = trials(("reserve-i2", "c2", "said"), ("reserve-i20", "c9", "kept"))
    after, _, blanked = erased_frame(frame, REGRESSION_TRIALS, ANN)
    assert blanked == 1
    assert after["item_id"].to_list() == [reserve_identity("i2"), "reserve-i20"]
    assert after["response"].to_list() == [None, "kept"]


def finding(subset: str, *lost: str) -> dict:
    empty = dict.fromkeys(SubsetFinding.model_fields)
    counts = {"items": 9, "missing_baseline": 0, "missing_candidate": 0, "margin": 0.02}
    return empty | counts | {"subset": subset, "state": "blocked", "losing_items": lost}


def test_a_decision_that_named_an_interaction_keeps_its_id_and_verdict():
    decision = Decision.model_validate(
        {
            "decision_id": "d1", "candidate": "c", "baseline": "b", "golden_version": 1,
            "confidence": 0.95, "policy_fingerprint": "p", "verdict": "block", "reasons": ["r"],
            "judge_only": True, "aggregate": finding("all", "reserve-i2", "reserve-i20"),
            "subsets": [finding("refunds", "item-x", "reserve-i2")],
        }
    )  # fmt: skip
    frame = decisions_with(GATE_DECISION.empty(), decision)
    after, removed, blanked = erased_frame(frame, GATE_DECISION, ANN)
    assert (removed, blanked) == (0, 1)
    told = read_decision(after["decision_json"][0])
    assert told.aggregate.losing_items == (reserve_identity("i2"), "reserve-i20")
    assert told.subsets[0].losing_items == ("item-x", reserve_identity("i2"))
    assert (told.decision_id, told.verdict) == ("d1", "block")
    assert after.drop("decision_json").equals(frame.drop("decision_json"))
    assert erased_frame(after, GATE_DECISION, ANN)[1:] == (0, 0)


def test_of_a_person_of_whom_nothing_is_known_no_table_changes():
    nothing = Inventory(PERSON)
    assert nothing.empty
    for table in (VERDICTS, TOPIC_CLUSTERS):
        frame = rows_of(table, {table.key[0]: "x"})
        assert erased_frame(frame, table, nothing)[1:] == (0, 0)
    assert erased_frame(trials(("a", "c", "said")), REGRESSION_TRIALS, nothing)[1:] == (0, 0)


def test_the_user_id_is_in_no_representation():
    assert "ann@" not in repr(ANN) + repr(PERSON) + str([PERSON])
