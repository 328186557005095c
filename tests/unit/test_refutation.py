import json

import polars as pl
import pytest

from eval_pipeline.judging.material import read_material
from eval_pipeline.judging.refutation import (
    passed_by_family,
    plan_refutations,
    read_refutations,
)
from eval_pipeline.judging.rubrics import Rubric
from eval_pipeline.ports import CallOutcome, CallStatus, ModelCall
from eval_pipeline.settings import RefuterSettings

RUBRICS = (Rubric("general", "pointwise", ("Answers the question.",)),)
REFUTER = RefuterSettings(provider="p", model="wolf-1", family="canis")
INTERACTIONS = pl.DataFrame(
    {
        "interaction_id": ["a", "b", "c"],
        "route": ["orders"] * 3,
        "messages": [[{"role": "user", "content": "when?"}]] * 3,
        "response": ["soon", "now", None],
    }
)


def planned(passes: list[str], refuter: RefuterSettings | None = REFUTER) -> list[ModelCall]:
    return plan_refutations(INTERACTIONS, passes, refuter=refuter, rubrics=RUBRICS, scope="s")


def outcome(call: ModelCall, text: str | None, status: CallStatus = "answered") -> CallOutcome:
    return CallOutcome(
        call, status, text, None, "wolf-1", "wolf-1-b", None, "stop", 10, 5, 0.01, 0.2, 1
    )


def finding(name: str, claim: str, quote: str = "soon") -> str:
    return json.dumps({"quote": quote, "claim": claim, "finding": name})


def test_only_passes_are_attacked() -> None:
    calls = planned(["b"])
    assert [(call.item_id, call.system_id, call.output_schema is not None) for call in calls] == [
        ("b", "refuter", True)
    ]
    material = read_material(calls[0].messages[1].content)
    assert material is not None
    assert material.texts == {"response": "now"}


def test_without_a_refuter_nothing_is_attacked() -> None:
    assert planned(["a"], refuter=None) == []
    assert planned(["a"], refuter=REFUTER.model_copy(update={"enabled": False})) == []


def test_findings_are_read_and_what_cannot_be_read_is_failed() -> None:
    first, second = planned(["a", "b"])
    read = read_refutations(
        [outcome(first, finding("refuted", "no date is given")), outcome(second, "it survived")],
        refuter=REFUTER,
    )
    assert read.select("interaction_id", "finding", "claim", "status", "error_code").rows() == [
        ("a", "refuted", "no date is given", "answered", None),
        ("b", None, None, "failed", "unparsable"),
    ]
    assert read["refuter_id"].to_list() == ["wolf-1", "wolf-1"]


def test_a_refutation_that_claims_nothing_is_failed() -> None:
    read = read_refutations(
        [outcome(call, finding("refuted", "")) for call in planned(["a"])], refuter=REFUTER
    )
    assert read.select("finding", "error_code").row(0) == (None, "unparsable")


def test_a_refused_attack_has_no_finding() -> None:
    read = read_refutations(
        [outcome(call, None, "refused") for call in planned(["a"])], refuter=REFUTER
    )
    assert read.select("finding", "status").row(0) == (None, "refused")


@pytest.mark.parametrize(
    ("name", "quote", "read", "found"),
    [
        ("refuted", "Soon", "refuted", True),
        ("refuted", "\u201cwhen?\u201d", "refuted", True),
        ("refuted", "tomorrow", "unproven", False),
        ("refuted", "", "unproven", False),
        ("refuted", "so", "unproven", False),
        ("unproven", "soon", "unproven", True),
        ("survived", "", "survived", None),
    ],
)
def test_a_refutation_counts_only_if_its_quote_stands_in_the_material(
    name: str, quote: str, read: str, found: bool | None
) -> None:
    (call,) = planned(["a"])
    row = read_refutations([outcome(call, finding(name, "no date", quote))], refuter=REFUTER)
    assert row.select("finding", "quote_found", "claim").row(0) == (read, found, "no date")


def test_passes_that_only_the_refuter_s_family_gave_are_counted() -> None:
    rows = [("a", "canis", "pass"), ("a", "strix", "fail"), ("b", "canis", "pass"),
            ("b", "strix", "pass"), ("c", "canis", "pass")]  # fmt: skip
    verdicts = pl.DataFrame(rows, schema=["interaction_id", "family", "verdict"], orient="row")
    assert passed_by_family(verdicts, ["a", "b"], refuter=REFUTER) == 1
    assert passed_by_family(verdicts, [], refuter=REFUTER) == 0
