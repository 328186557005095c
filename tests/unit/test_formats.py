"""The decision for machines, CI and pull requests: one content, hostile names defused."""

import json
from typing import get_args
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.evaluation.decision import EXIT_CODES, Decision, InputFile, SubsetFinding
from eval_pipeline.reports import formats, wording


def finding(subset: str, state: str = "certified", **changed: object) -> dict:
    row = {
        "subset": subset,
        "state": state,
        "difference": -0.121,
        "lower": -0.150,
        "upper": -0.092,
        "margin": 0.05,
        "items": 143,
        "effective_items": 140.2,
        "clusters": 139,
        "wins": 3,
        "losses": 21,
        "p_noninferior": 0.99,
        "p_harm": 1e-9,
        "missing_baseline": 0,
        "missing_candidate": 1,
        "items_needed": None,
    }
    return row | changed


def decision(verdict: str = "block", **changed: object) -> dict:
    told = {
        "schema_version": 1,
        "decision_id": "d41d8cd9",
        "candidate": "sharper-on-average",
        "baseline": "today",
        "golden_version": 8,
        "verdict": verdict,
        "reasons": ["harm is proven in invented_drug_interactions"],
        "aggregate": finding("all", difference=0.031, lower=0.014, upper=0.048, margin=0.02),
        "subsets": [
            finding("opening_hours", difference=0.0, lower=-0.012, upper=0.012),
            finding("invented_drug_interactions", "blocked"),
            finding("prompt_injection", "undecided", difference=-0.021, items_needed=240),
        ],
        "policy_fingerprint": "9f86d081",
        "confidence": 0.95,
    }
    return told | changed


PASSING = decision("pass", reasons=[], subsets=[finding("opening_hours", difference=0.01)])


def test_the_headline_of_a_block_names_subset_loss_interval_and_tolerance():
    assert wording.headline(decision()) == (
        "Blocked: invented_drug_interactions falls 12.1 points "
        "(95 % interval -15.0 to -9.2; tolerance 5)"
    )


def test_the_headline_counts_further_blocked_subsets():
    subsets = [finding(name, "blocked") for name in ("a", "b", "c")]
    assert wording.headline(decision(subsets=subsets)).endswith("; 2 more subsets are blocked too")


def test_the_headline_of_a_pass_gives_the_whole():
    assert wording.headline(PASSING) == (
        "Passed: no subset loses more than its tolerance; "
        "overall +3.1 points (95 % interval +1.4 to +4.8)"
    )


@pytest.mark.parametrize(("difference", "told"), [(-0.2, "no gated subset"), (0.0, "no subset")])
def test_the_headline_of_a_pass_claims_nothing_of_what_is_not_gated(difference, told):
    reported = finding("synthetic_adversarial", "reported", difference=difference)
    passing = {**PASSING, "subsets": [*PASSING["subsets"], reported]}
    assert wording.headline(passing).startswith(f"Passed: {told} loses more than")
    cases = ET.fromstring(formats.as_junit(passing)).iter("testcase")
    (case,) = (one for one in cases if one.get("name") == "synthetic_adversarial")
    assert len(case) == 0


def test_the_headline_of_open_evidence_says_what_would_settle_it():
    subsets = [finding("minors", "infeasible", difference=None, items_needed=900)]
    assert wording.headline(decision("inconclusive", subsets=subsets)) == (
        "Inconclusive: the evidence does not settle minors, which needs about 900 items"
    )


def test_a_block_by_the_aggregate_or_a_limit_is_told_in_its_own_words():
    certified = [finding("opening_hours")]
    whole = finding("all", "blocked")
    assert "the aggregate falls 12.1 points" in wording.headline(
        decision(aggregate=whole, subsets=certified)
    )
    slow = decision(subsets=certified, reasons=["p95 latency is 1.9 times the baseline's"])
    assert wording.headline(slow) == "Blocked: p95 latency is 1.9 times the baseline's"


def test_without_a_stated_confidence_the_interval_has_no_percentage():
    plain = {key: value for key, value in decision().items() if key != "confidence"}
    assert "(interval -15.0 to -9.2" in wording.headline(plain)


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (None, "—"),
        (0.0, "0.0"),
        (-0.0001, "0.0"),
        (0.031, "+3.1"),
        (-0.121, "-12.1"),
        (1.0, "+100.0"),
    ],
)
def test_points_have_a_sign_unless_they_are_none(share, told):
    assert wording.points(share) == told


def test_what_stands_in_the_way_comes_first_and_the_worst_of_it_foremost():
    rows = [
        finding("c", difference=0.2),
        finding("b", difference=-0.01),
        finding("small", "infeasible", difference=None),
        finding("open", "undecided"),
        finding("bad", "blocked", difference=-0.1),
        finding("worse", "blocked", difference=-0.2),
    ]
    order = [row["subset"] for row in wording.ordered(rows)]
    assert order == ["worse", "bad", "open", "small", "b", "c"]


def test_exit_codes_are_those_of_the_gate():
    assert wording.EXIT_CODES == EXIT_CODES


def test_the_published_schema_is_a_schema_and_accepts_a_decision():
    schema = formats.decision_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(decision())


def test_what_the_gate_writes_fits_the_published_schema():
    subset = SubsetFinding(
        **finding("refunds", "infeasible", difference=None, lower=None, upper=None, clusters=None,
                  effective_items=None, wins=None, losses=None, p_noninferior=None, p_harm=None),
        baseline_mean=None, candidate_mean=None, looks=None, method=None,
    )  # fmt: skip
    written = Decision(
        decision_id="x", candidate="c", baseline="b", golden_version=None, confidence=0.95,
        policy_fingerprint="p",
        verdict="invalid", reasons=("nothing to compare",), judge_only=False,
        aggregate=subset.model_copy(update={"subset": "all"}), subsets=(subset,),
    ).identified()  # fmt: skip
    validator = jsonschema.Draft202012Validator(formats.decision_schema())
    validator.validate(json.loads(written.to_json()))
    validator.validate(json.loads(formats.as_json(written.model_dump(mode="json"))))


@pytest.mark.parametrize("key", formats.decision_schema()["required"])
def test_a_decision_without_a_promised_key_breaks_the_schema(key):
    short = {name: value for name, value in decision().items() if name != key}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(formats.decision_schema()).validate(short)


@pytest.mark.parametrize("key", formats.decision_schema()["$defs"]["subset"]["required"])
def test_a_subset_without_a_promised_key_breaks_the_schema(key):
    short = decision()
    del short["subsets"][0][key]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(formats.decision_schema()).validate(short)


def test_json_is_the_decision_itself_and_knows_no_nan():
    assert json.loads(formats.as_json(decision())) == decision()
    with pytest.raises(ValueError, match="JSON compliant"):
        formats.as_json(decision(confidence=float("nan")))


def test_text_is_aligned_and_names_every_subset_and_reason():
    lines = formats.as_text(decision()).splitlines()
    table = lines[3:8]
    assert len({line.index("tolerance") for line in table[:1]}) == 1
    starts = {line.rstrip()[-3:] for line in table[1:]}
    assert starts == {"143"}
    assert [line.split()[0] for line in table[1:]] == [
        "invented_drug_interactions", "prompt_injection", "opening_hours", "all",
    ]  # fmt: skip
    assert lines[-1] == "- harm is proven in invented_drug_interactions"


def suite_of(told: dict) -> ET.Element:
    suite = ET.fromstring(formats.as_junit(told)).find("testsuite")
    assert suite is not None
    return suite


def test_junit_has_a_case_per_subset_and_one_for_the_verdict():
    suite = suite_of(decision())
    names = [case.get("name") for case in suite]
    assert names == ["decision", "invented_drug_interactions", "opening_hours", "prompt_injection"]
    # the verdict and the blocked subset fail; the undecided one is an error
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "2", "1")


def test_junit_of_a_pass_has_nothing_to_stop_for():
    suite = suite_of(PASSING)
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")


@pytest.mark.parametrize("verdict", ["block", "inconclusive", "invalid"])
def test_junit_never_looks_green_when_the_gate_is_not(verdict):
    # a block by a latency limit alone: every subset is certified
    suite = suite_of(decision(verdict, subsets=[finding("opening_hours")]))
    assert int(suite.get("failures", "0")) + int(suite.get("errors", "0")) == 1


HOSTILE = st.text(st.characters(), max_size=60)


@given(HOSTILE, HOSTILE)
def test_junit_stays_well_formed_whatever_the_names(name, reason):
    told = decision(candidate=name, reasons=[reason], subsets=[finding(name, "blocked")])
    assert len(suite_of(told)) == 2


def test_junit_cannot_be_broken_out_of():
    evil = '"/></testsuite><testsuite name="green">\x1b[2J\x00\ufffe'
    suite = suite_of(decision(subsets=[finding(evil, "blocked")]))
    assert suite[1].get("name") == '"/></testsuite><testsuite name="green">�[2J��'


@given(HOSTILE)
def test_text_and_markdown_survive_any_name(name):
    told = decision(candidate=name, reasons=[name], subsets=[finding(name or "x")])
    for text in (formats.as_text(told), formats.as_markdown(told)):
        text.encode("utf-8")
        assert "\x1b" not in text


def test_markdown_names_mention_nobody_and_link_nothing():
    evil = "@team #1 | [x](http://evil) <b>&amp; `code`\n# big"
    row = next(
        line
        for line in formats.as_markdown(decision(subsets=[finding(evil)])).splitlines()
        if "team" in line
    )
    assert "@team" not in row
    assert "#1" not in row
    assert "http://" not in row
    assert "<b>" not in row
    # 7 unescaped bars frame the six cells
    assert row.replace("\\|", "").count("|") == 7
    assert "\\[x\\](" in row


def test_markdown_cuts_an_endless_list_of_reasons_and_says_so():
    text = formats.as_markdown(decision(reasons=[f"reason {n}" for n in range(50)]))
    assert text.count("\n- reason") == 20
    assert "- 30 more in the decision's JSON" in text


def test_markdown_begins_with_a_hidden_line_that_only_the_candidate_decides():
    first = formats.as_markdown(decision()).splitlines()[0]
    assert first == formats.as_markdown(decision("pass", decision_id="other")).splitlines()[0]
    assert first == formats.comment_marker(decision())
    other = formats.comment_marker(decision(candidate="steady --> <b>"))
    assert other != first
    assert other.startswith("<!-- ")
    assert other.count("-->") == 1


def test_markdown_fits_into_a_comment_whatever_the_names_and_however_many_subsets():
    hostile = "@<&" * 400
    subsets = [finding(f"{hostile}{number}", "blocked") for number in range(2000)]
    reasons = [f"{hostile}{number}" for number in range(100)]
    told = formats.as_markdown(decision(subsets=subsets, reasons=reasons, candidate=hostile))
    assert 30_000 < len(told) < 65_536
    assert "more subsets are in the decision's JSON." in told
    # The verdict stands first, the aggregate closes the table, the id closes the comment.
    assert told.splitlines()[1].startswith("### Blocked")
    assert "| all items |" in told
    assert told.rstrip().endswith("</sub>")


def test_the_published_schema_and_the_model_name_the_same_fields():
    schema = formats.decision_schema()
    assert set(schema["properties"]) == set(Decision.model_fields)
    assert set(schema["$defs"]["subset"]["properties"]) == set(SubsetFinding.model_fields)
    assert set(schema["$defs"]["input"]["properties"]) == set(InputFile.model_fields)
    states = schema["$defs"]["subset"]["properties"]["state"]["enum"]
    assert set(states) == set(get_args(SubsetFinding.model_fields["state"].annotation))
    for model, part in ((Decision, schema), (SubsetFinding, schema["$defs"]["subset"])):
        assert set(part["required"]) <= set(model.model_fields)


def test_the_schema_takes_null_exactly_where_the_model_does():
    properties = formats.decision_schema()["$defs"]["subset"]["properties"]
    for name, field in SubsetFinding.model_fields.items():
        nullable = type(None) in get_args(field.annotation)
        told = properties[name]
        assert nullable == (None in told.get("enum", ()) or "null" in told.get("type", ())), name
