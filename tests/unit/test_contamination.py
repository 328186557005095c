"""Which items count as known, what a finding says, and how it is told."""

import datetime as dt
from typing import Any

import polars as pl
import pytest

from eval_pipeline.evaluation.exclusions import (
    excluded_per_subset,
    exclusion_sentences,
    finding_sentences,
)
from eval_pipeline.settings import ContaminationSettings, SystemSettings
from eval_pipeline.tables import CONTAMINATION_FINDINGS, GOLDEN_SET
from eval_pipeline.truth.contamination import (
    Declared,
    Searched,
    SoughtItem,
    declared_sources,
    details,
    findings,
    found_items,
    passages_of,
    sought_items,
)
from eval_pipeline.truth.item_index import ItemIndex
from eval_pipeline.truth.source_search import Search, SourceRecord

POLICY = ContaminationSettings(sources=("shared/*.txt",), verbatim_words=12)
QUESTION = "how long does it take until my parcel comes to the island"
ANSWER = "parcels to the island take four working days by ferry and van"
CANARY = "eval-pipeline golden canary 1f2a3b4c-0000-5000-8000-00000000002a"
ITEM = SoughtItem("item-1", ("delivery", "islands"), (QUESTION,), ANSWER)
OTHER = SoughtItem("reserve-2", ("delivery",), ("what does a bicycle cost in the north",), None)


def searched(*texts: str, kind: Any = "fine_tuning", system: str = "new") -> Searched:
    index = ItemIndex(
        [passage for item in (ITEM, OTHER) for passage in passages_of(item, policy=POLICY)],
        policy=POLICY,
    )
    records = [SourceRecord(number, (text,)) for number, text in enumerate(texts, start=1)]
    source = "prompt" if kind == "prompt" else "train.jsonl"
    return Searched(system, kind, source, index.search(records))


def found(*sources: Searched) -> pl.DataFrame:
    members = {CANARY: frozenset({"item-1", "item-retired-long-ago"})}
    return findings(sources, (ITEM, OTHER), members=members, policy=POLICY, golden_version=3)


def golden_row(**changes: Any) -> dict[str, Any]:
    day = dt.date(2026, 9, 7)
    return {
        **dict.fromkeys(GOLDEN_SET.schema),
        "item_id": "i",
        "item_revision": 1,
        "week": "2026-09-07",
        "route": "r",
        "kind": "typical",
        "subsets": ["b", "a"],
        "messages": [{"role": "user", "content": "q"}],
        "label_source": "panel",
        "selection": "sample",
        "expected_behaviour": "answer",
        "conversation_key": "c",
        "admitted_in": 1,
        "admitted_on": day,
        "labelled_on": day,
        **changes,
    }


def test_every_kind_of_source_is_declared_once_and_general_ones_hold_for_any_system() -> None:
    system = SystemSettings(
        provider="p",
        model="m",
        prompt="be kind",
        few_shot_files=("a.md", "a.md"),
        fine_tuning_files=("b.jsonl",),
    )
    bare = SystemSettings(provider="p", model="m")
    assert declared_sources({"new": system, "old": bare}, policy=POLICY) == [
        Declared("*", "general", "shared/*.txt"),
        Declared("new", "few_shot", "a.md"),
        Declared("new", "fine_tuning", "b.jsonl"),
        Declared("new", "prompt", "be kind"),
    ]


@pytest.mark.parametrize(
    ("label", "logged", "reference", "sought"),
    [
        ("pass", "L", "R", "R"),
        ("pass", "L", None, "L"),
        ("fail", "L", "R", "R"),
        ("fail", "L", "L", None),
        (None, None, None, None),
    ],
)
def test_the_reference_looked_for_is_what_responses_are_held_against(
    label: str | None, logged: str | None, reference: str | None, sought: str | None
) -> None:
    row = golden_row(reference_label=label, logged_response=logged, reference_response=reference)
    (item,) = sought_items(GOLDEN_SET.conform(pl.DataFrame([row], schema=GOLDEN_SET.schema)))
    assert (item.reference, item.questions, item.subsets) == (sought, ("q",), ("a", "b"))


def test_a_short_last_message_is_looked_for_only_with_what_came_before() -> None:
    short = SoughtItem("i", (), ("a question of some length", "yes please do that"), None)
    long = SoughtItem("i", (), ("hello", QUESTION), None)
    assert [passage.texts for passage in passages_of(short, policy=POLICY)] == [short.questions]
    assert [passage.texts for passage in passages_of(long, policy=POLICY)] == [
        ("hello", QUESTION),
        (QUESTION,),
    ]


def test_a_short_reference_is_a_common_phrase_and_not_looked_for() -> None:
    eleven = SoughtItem("i", (), (QUESTION,), " ".join(ANSWER.split()[:11]))
    assert {passage.matched for passage in passages_of(eleven, policy=POLICY)} == {"question"}
    assert {passage.matched for passage in passages_of(ITEM, policy=POLICY)} == {
        "question",
        "reference",
    }


def test_question_and_reference_are_separate_findings_with_subsets_and_no_text() -> None:
    rows = found_items(found(searched("nothing", QUESTION, f"Q: {QUESTION}? A: {ANSWER}.")))
    assert rows.select("item_id", "matched", "measure", "value", "record").rows() == [
        ("item-1", "question", "covered_share", 1.0, 2),
        ("item-1", "question", "similarity", 1.0, 2),
        ("item-1", "reference", "covered_share", 1.0, 3),
    ]
    assert rows["subsets"].to_list() == [["delivery", "islands"]] * 3
    assert rows["threshold"].to_list() == [0.6, 0.8, 0.6]
    assert set(rows["golden_version"]) == {3}
    assert not any(word in str(rows.to_dicts()) for word in ("parcel", "ferry"))


def test_an_answer_in_a_prompt_is_no_finding_and_a_question_in_it_is_one() -> None:
    assert found_items(found(searched(ANSWER, kind="prompt"))).is_empty()
    assert set(found_items(found(searched(QUESTION, kind="prompt")))["matched"]) == {"question"}


def test_a_canary_contaminates_every_item_of_its_version_that_is_looked_for() -> None:
    rows = found_items(found(searched("x", f"# {CANARY}")))
    assert rows.select("item_id", "matched", "measure", "record").rows() == [
        ("item-1", "version", "canary", 2)
    ]


def test_the_source_s_own_rows_count_what_was_read_and_what_could_not_be() -> None:
    search = Search(records=9, unreadable=2, first_unreadable=4)
    rows = found(Searched("new", "few_shot", "a.md", search))
    assert rows.select("item_id", "measure", "value", "record").rows() == [
        ("*", "records", 9.0, None),
        ("*", "unreadable", 2.0, 4),
    ]
    assert finding_sentences(rows) == [
        (
            "Records of few-shot file 'a.md' of 'new' that could not be read: 2, the first is "
            "number 4. An item in them would count as unknown."
        )
    ]
    assert details(rows) == {}


def test_the_detail_of_a_retirement_names_source_record_and_measure() -> None:
    assert details(found(searched("x", QUESTION), searched(QUESTION, kind="prompt"))) == {
        "item-1": "question in fine-tuning file 'train.jsonl' of 'new', record 2 "
        "(covered share 1.00)"
    }


def test_the_decision_says_how_many_items_of_which_arm_source_and_subset_do_not_count() -> None:
    both = "what does a bicycle cost in the north"
    rows = found(
        searched(f"{QUESTION} {both}"),
        searched(QUESTION, system="*", kind="general"),
        searched("x", system="old"),
    )
    assert exclusion_sentences(rows, candidate_id="new", baseline_id="old") == [
        (
            "Contaminated: 1 golden item found in file 'train.jsonl' of either arm, not counted "
            "(delivery 1, islands 1)."
        ),
        (
            "Contaminated: 1 golden item and 1 reserve item found in fine-tuning file "
            "'train.jsonl' of the candidate, not counted (delivery 1, islands 1)."
        ),
        "Items found in any source: 1 golden item and 1 reserve item.",
    ]
    assert excluded_per_subset(rows).rows() == [("all", 1), ("delivery", 1), ("islands", 1)]


def test_without_sources_there_is_nothing_to_say() -> None:
    empty = CONTAMINATION_FINDINGS.empty()
    assert finding_sentences(empty) == []
    assert exclusion_sentences(empty, candidate_id="a", baseline_id="b") == []
    assert excluded_per_subset(empty).rows() == [("all", 0)]
