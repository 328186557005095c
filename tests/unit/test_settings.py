"""The bounds of the configuration: every number that decides has them."""

import datetime as dt
from copy import deepcopy
from typing import Any

import pytest
from pydantic import ValidationError

from eval_pipeline.settings import (
    AnonymisationSettings,
    AutomationSettings,
    ContractSettings,
    CustomPattern,
    GateSettings,
    GoldenSettings,
    LogsSettings,
    MixSettings,
    ProviderSettings,
    RegexScoring,
    ReviewSettings,
    Settings,
    SubsetSettings,
    family_sentences,
    undeclared_families,
)

SMALLEST: dict[str, Any] = {
    "logs": {"path": "logs/*.parquet"},
    "subsets": {"refunds": {"predicate": "route = 'refunds'"}},
    "providers": {"local": {"base_url": "http://127.0.0.1:1"}},
    "rubrics": {"helpful": {"criteria": ["answers the question"]}},
    "judges": {
        "first": {"provider": "local", "model": "a", "family": "alpha"},
        "second": {"provider": "local", "model": "b", "family": "beta"},
    },
    "systems": {"today": {"provider": "local", "model": "m"}},
    "baseline": "today",
}


def settings_with(**sections: Any) -> Settings:
    return Settings.model_validate(deepcopy(SMALLEST) | sections)


def refusal(**sections: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        settings_with(**sections)
    return str(refused.value)


def test_the_smallest_configuration_is_enough():
    settings = settings_with()
    assert settings.gate.confidence == 0.95
    assert settings.scoring_of("refunds").scorer == "panel"


def test_settings_cannot_be_changed_once_read():
    with pytest.raises(ValidationError, match="frozen"):
        settings_with().gate.confidence = 0.5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"baseline": "gone"}, "`baseline` names 'gone'"),
        (
            {"systems": {"today": {"provider": "gone", "model": "m"}}},
            "`systems.today.provider` names 'gone'",
        ),
        (
            {"refuter": {"provider": "gone", "model": "m", "family": "x"}},
            "`refuter.provider` names 'gone'",
        ),
        ({"drift": {"systems": ["gone"]}}, "`drift.systems` names 'gone'"),
        (
            {
                "systems": {
                    "today": {"provider": "local", "model": "m"},
                    "rules": {"naive": {"kind": "retrieval"}},
                },
                "drift": {"systems": ["rules"]},
            },
            "`drift.systems` names 'rules', which is naive",
        ),
        (
            {"systems": {"today": {"naive": {"kind": "logistic"}}}},
            "`baseline` names 'today', which is naive and cannot drift",
        ),
        (
            {
                "systems": {
                    "today": {"provider": "local", "model": "m"},
                    "near": {
                        "naive": {
                            "kind": "retrieval",
                            "embeddings": {"provider": "gone", "model": "e"},
                        }
                    },
                }
            },
            "`systems.near.naive.embeddings.provider` names 'gone'",
        ),
        (
            {"gate": {"tolerances": {"default": 0.05, "gone": 0.1}}},
            "`gate.tolerances` names 'gone'",
        ),
        (
            {"scoring": {"default": {"scorer": "judge", "judge": "gone"}}},
            "`scoring.default.judge` names 'gone'",
        ),
        ({"scoring": {"refunds": {"scorer": "exact"}}}, "`scoring` needs a `default`"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(sections, told):
    assert told in refusal(**sections)


def test_every_dangling_name_is_told_at_once():
    told = refusal(baseline="gone", drift={"systems": ["lost"]})
    assert "'gone'" in told
    assert "'lost'" in told


def test_one_judge_is_not_a_panel():
    first = {"first": SMALLEST["judges"]["first"]}
    assert "at least two judges of at least two families" in refusal(
        judges=first, panel={"quorum": 1}
    )


def test_two_judges_of_one_family_are_not_a_panel():
    judge = SMALLEST["judges"]["first"]
    assert "two families" in refusal(judges={"first": judge, "second": judge})


def test_a_quorum_beyond_the_panel_can_never_be_met():
    assert "`panel.quorum` is 3 of 2 judges" in refusal(panel={"quorum": 3})


def test_judges_need_a_pointwise_rubric():
    told = refusal(rubrics={"better": {"form": "pairwise", "criteria": ["is better"]}})
    assert "at least one pointwise rubric" in told


def test_an_unknown_section_is_refused():
    assert "judgess" in refusal(judgess={})


@pytest.mark.parametrize("name", ["Refunds", "re funds", "", "-x", "x" * 81, "a/b", "../up"])
def test_a_name_that_could_not_be_a_file_or_a_key_is_refused(name):
    assert "subsets" in refusal(subsets={name: {"predicate": "route = 'x'"}})


@pytest.mark.parametrize(
    "predicate",
    [
        "route = 'refunds'",
        "conversation_text LIKE '%ibuprofen%'",
        "latency_seconds > 3 AND NOT escalated",
        "length(last_user_message) > 400 OR corpus = 'imported'",
        "TRUE",
    ],
)
def test_a_predicate_may_speak_of_declared_columns(predicate):
    assert SubsetSettings(predicate=predicate).predicate == predicate


@pytest.mark.parametrize("column", ["colour", "user_id", "conversation_id", "messages"])
def test_a_predicate_of_an_undeclared_column_is_refused_with_the_allowed_ones(column):
    with pytest.raises(ValidationError) as refused:
        SubsetSettings(predicate=f"{column} = 'x'")
    assert f"names ['{column}']; allowed are [" in str(refused.value)


@pytest.mark.parametrize("predicate", ["route =", "SELECT", "route = 'x' AND", "((", ""])
def test_a_predicate_that_is_no_condition_is_refused(predicate):
    with pytest.raises(ValidationError, match="not a condition"):
        SubsetSettings(predicate=predicate)


def test_tolerances_need_a_default_within_bounds():
    with pytest.raises(ValidationError, match="needs a `default`"):
        GateSettings(tolerances={"refunds": 0.05})
    with pytest.raises(ValidationError, match="tolerance of 'default' is 0"):
        GateSettings(tolerances={"default": 0.0})
    with pytest.raises(ValidationError, match="tolerance of 'default' is 1"):
        GateSettings(tolerances={"default": 1.0})


def test_a_subset_without_its_own_tolerance_has_the_default_and_all_has_the_aggregates():
    gate = GateSettings(aggregate_tolerance=0.01, tolerances={"default": 0.05, "dosage": 0.03})
    assert [gate.tolerance_of(name) for name in ("all", "dosage", "refunds")] == [0.01, 0.03, 0.05]


@pytest.mark.parametrize("looks", [(800, 400), (400, 400)])
def test_looks_must_grow(looks):
    with pytest.raises(ValidationError, match="must grow"):
        GateSettings(looks=looks)


@pytest.mark.parametrize("confidence", [0.5, 1.0, 95])
def test_confidence_lies_between_a_half_and_one(confidence):
    with pytest.raises(ValidationError):
        GateSettings(confidence=confidence)


def test_the_published_name_of_the_missing_limit_and_the_codes_own_both_work():
    assert GateSettings.model_validate({"max_missing": 0.1}).maximum_missing == 0.1
    assert GateSettings(maximum_missing=0.1).maximum_missing == 0.1


def test_shares_of_kinds_sum_to_one():
    # 0.6 + 0.25 + 0.2 = 1.05
    with pytest.raises(ValidationError, match=r"sum to 1\.05"):
        MixSettings(adversarial=0.2)


def test_golden_bounds_stand_in_order():
    with pytest.raises(ValidationError, match="exceeds"):
        GoldenSettings(minimum_items=10, maximum_items=9)


def test_review_needs_two_annotators_to_be_blind_to_each_other():
    with pytest.raises(ValidationError):
        ReviewSettings(annotators_per_item=1)


def test_the_first_week_is_a_monday():
    with pytest.raises(ValidationError, match="Tuesday, not a Monday"):
        AutomationSettings(first_week=dt.date(2026, 1, 6))


@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
def test_a_share_lies_between_zero_and_one(share):
    with pytest.raises(ValidationError):
        ContractSettings(maximum_quarantined_share=share)


def test_a_query_goes_with_the_sql_format_and_only_with_it():
    with pytest.raises(ValidationError, match="format: sql"):
        LogsSettings(path="x", format="sql")
    with pytest.raises(ValidationError, match="format: sql"):
        LogsSettings(path="x", query="mine.sql")
    assert LogsSettings(path="x", format="sql", query="mine.sql").query == "mine.sql"


def test_secrets_are_named_by_variable_and_never_given():
    with pytest.raises(ValidationError):
        AnonymisationSettings(key_variable="hunter2!")
    with pytest.raises(ValidationError):
        ProviderSettings(base_url="http://127.0.0.1", key_variable="sk-abcdef")
    with pytest.raises(ValidationError):
        ProviderSettings(base_url="ftp://127.0.0.1")


@pytest.mark.parametrize(
    ("section", "values"),
    [
        (CustomPattern, {"name": "ORDER", "pattern": "ORD-["}),
        (RegexScoring, {"pattern": "("}),
    ],
)
def test_a_pattern_that_does_not_compile_is_refused_at_load(section, values) -> None:
    with pytest.raises(ValidationError, match="not a regular expression"):
        section.model_validate(values)


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({}, "names 'gone', which is neither under `judges` nor `systems`"),
        (
            {"judges": SMALLEST["judges"] | {"gone": SMALLEST["judges"]["first"]}},
            None,
        ),
        (
            {
                "judges": SMALLEST["judges"] | {"gone": SMALLEST["judges"]["first"]},
                "systems": SMALLEST["systems"] | {"gone": SMALLEST["systems"]["today"]},
            },
            "names 'gone', which is both under `judges` and `systems`",
        ),
    ],
)
def test_the_rewriter_is_one_configured_model(sections, told):
    chosen = sections | {"anonymisation": {"rewriter": {"model": "gone"}}}
    if told is None:
        assert settings_with(**chosen).model_named("gone").model == "a"
    else:
        assert told in refusal(**chosen)


def test_the_rewriter_is_off_unless_named():
    assert settings_with().anonymisation.rewriter is None


def of_family(family: str, **panel: Any) -> dict[str, Any]:
    system = {"provider": "local", "model": "m", "family": family}
    return {"systems": {"today": system}, "panel": {"quorum": 2} | panel}


def test_a_judge_of_the_family_under_test_is_refused_however_it_is_spelt():
    said = refusal(**of_family("Alpha"))
    assert "`judges.first` and `systems.today` are both of the family 'Alpha'" in said
    assert "`panel.family_under_test` is `refuse`" in said


def test_where_it_is_allowed_people_are_told_whose_kin_judges_whom():
    settings = settings_with(**of_family("alpha", family_under_test="allow"))
    (sentence,) = family_sentences(settings.judges, settings.systems)
    assert sentence.startswith("Judge 'first' is of the family 'alpha' of system 'today'")
    assert undeclared_families(settings.systems) == []


def test_a_system_without_a_family_is_neither_refused_nor_passed_over():
    settings = settings_with()
    assert family_sentences(settings.judges, settings.systems) == []
    assert undeclared_families(settings.systems) == ["today"]


def test_one_family_in_two_spellings_is_one_family():
    judges = deepcopy(SMALLEST["judges"])
    judges["second"]["family"] = "ALPHA"
    assert "two families" in refusal(judges=judges)


def test_two_judges_are_too_few_to_weigh():
    assert "needs 3 judges" in refusal(panel={"weights": "reliability"})
