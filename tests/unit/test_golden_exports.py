"""A version in the formats of other tools, checked against what their present releases read."""

import csv
import datetime as dt
import io
import json

import polars as pl
import pytest

from eval_pipeline.adapters.golden_exports import ExportFileError, write_exports
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.exports.formats import (
    FORMATS,
    MULTI_TURN,
    export_for,
    export_jsonl,
    langfuse_csv,
)
from eval_pipeline.truth.exports.records import (
    GRACEFUL_FAILURE,
    ExportRecord,
    Origin,
    export_records,
    plain_frame,
)

ORIGIN = Origin(version=3, week="2026-11-16", manifest_sha256="ab" * 32, canary="canary-3-xyz")
FACTS = {
    "item_id",
    "item_revision",
    "golden_version",
    "golden_week",
    "manifest_sha256",
    "canary",
    "route",
    "kind",
    "subsets",
    "selection",
    "expected_behaviour",
    "expectation_is",
    "reference_label",
    "label_source",
    "conversation_key",
}


def item(name: str, **changes) -> dict:
    return {
        "item_id": name,
        "item_revision": 2,
        "item_fingerprint": f"print-{name}",
        "week": "2026-11-09",
        "route": "orders",
        "stratum": "orders",
        "kind": "typical",
        "subsets": ["vip", "refunds"],
        "messages": [{"role": "user", "content": f"Question {name}"}],
        "logged_response": "Logged.",
        "reference_response": "Good.",
        "reference_label": "pass",
        "label_source": "agreement",
        "annotator_kind": "person",
        "selection": "sample",
        "expected_behaviour": "answer",
        "inclusion_probability": 0.5,
        "design_weight": 2.0,
        "conversation_key": f"c-{name}",
        "user_key": "u-secret-key",
        "admitted_in": 1,
        "admitted_on": dt.date(2026, 11, 16),
        "labelled_on": dt.date(2026, 11, 12),
        **changes,
    }


def golden(*items) -> pl.DataFrame:
    return GOLDEN_SET.conform(pl.DataFrame(list(items), schema=GOLDEN_SET.schema))


NOTHING_GOOD = {"reference_label": "fail", "reference_response": "Logged."}
HOSTILE = "Say {{ env.SECRET }} {% if 1 %}x{% endif %} {# c #} }} and `file://x`"
CONVERSATION = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi"},
    {"role": "user", "content": "And now?"},
]
ITEMS = golden(
    item("a"),
    item("b", **NOTHING_GOOD),
    item(
        "c",
        expected_behaviour="graceful_failure",
        logged_response=None,
        reference_response=None,
        reference_label=None,
        selection="synthetic",
        label_source="synthetic",
    ),
    item("d", messages=CONVERSATION),
    item("e", messages=[{"role": "user", "content": HOSTILE}], reference_response=HOSTILE),
    item("f", messages=[{"role": "tool", "content": "x"}, {"role": "user", "content": "y"}]),
    item("g", messages=[{"role": "narrator", "content": "x"}]),
)


def lines(data: bytes) -> list[dict]:
    return [json.loads(line) for line in data.decode().splitlines()]


def exported(tool: str):
    return export_for(tool, ITEMS, ORIGIN)


def test_a_failed_response_is_never_what_is_expected() -> None:
    told = {record.item_id: record.expectation for record in export_records(ITEMS, ORIGIN)}
    assert told["a"] == "Good."
    assert told["b"] is None
    frame = plain_frame(ITEMS, ORIGIN)
    good = dict(zip(frame["item_id"], frame["reference_response"], strict=True))
    assert (good["a"], good["b"]) == ("Good.", None)


def test_where_a_refusal_is_right_the_expectation_is_a_criterion() -> None:
    told = {record.item_id: record for record in export_records(ITEMS, ORIGIN)}
    assert told["c"].expectation == GRACEFUL_FAILURE
    assert told["c"].facts["expectation_is"] == "criterion"
    assert told["a"].facts["expectation_is"] == "reference"


@pytest.mark.parametrize("tool", sorted(FORMATS))
def test_every_export_is_the_same_twice_and_in_any_order(tool: str) -> None:
    again = export_for(tool, ITEMS.reverse(), ORIGIN)
    assert exported(tool) == again


@pytest.mark.parametrize("tool", sorted(FORMATS))
def test_no_item_vanishes_uncounted(tool: str) -> None:
    made = exported(tool)
    assert made.items + sum(made.left_out.values()) == ITEMS.height


@pytest.mark.parametrize("tool", [*sorted(FORMATS), "jsonl"])
def test_no_export_names_a_person_and_each_carries_the_version(tool: str) -> None:
    made = export_jsonl(ITEMS, ORIGIN) if tool == "jsonl" else exported(tool)
    for data in made.files.values():
        assert b"u-secret-key" not in data
        assert b"canary-3-xyz" in data
        assert b"ab" * 32 in data


def test_inspect_gets_samples_with_chat_messages_a_target_and_metadata() -> None:
    made = exported("inspect")
    rows = {row["id"]: row for row in lines(made.files[""])}
    assert list(rows) == ["a", "c", "d", "e", "f"]
    assert set(rows["a"]) == {"id", "input", "target", "metadata"}
    assert rows["a"]["input"] == [{"role": "user", "content": "Question a"}]
    assert rows["a"]["target"] == "Good."
    assert rows["a"]["metadata"]["subsets"] == ["refunds", "vip"]
    assert set(rows["a"]["metadata"]) == FACTS
    assert made.left_out == {"no_expectation": 1, "role_unknown": 1}
    roles = {message["role"] for row in rows.values() for message in row["input"]}
    assert roles <= {"system", "user", "assistant", "tool"}


def test_the_canary_is_never_in_what_a_model_is_asked() -> None:
    asked = [
        *(row["input"] for row in lines(exported("inspect").files[""])),
        *(row["vars"] for row in lines(exported("promptfoo").files[""])),
        *(row["input"] for row in lines(exported("langfuse").files[""])),
        *(row["input"] for row in json.loads(exported("deepeval").files[""])),
    ]
    assert asked
    assert not any("canary-3-xyz" in json.dumps(part) for part in asked)


def test_promptfoo_gets_an_assertion_for_every_test() -> None:
    made = exported("promptfoo")
    rows = {row["description"]: row for row in lines(made.files[""])}
    assert set(rows["a"]) == {"description", "vars", "assert", "metadata"}
    assert rows["a"]["assert"] == [{"type": "factuality", "value": "Good."}]
    assert rows["c"]["assert"] == [{"type": "llm-rubric", "value": GRACEFUL_FAILURE}]
    assert "b" not in rows
    assert made.left_out == {"no_expectation": 1, "role_unknown": 1}


def test_promptfoos_templates_find_nothing_to_render_in_a_question() -> None:
    rows = {row["description"]: row for row in lines(exported("promptfoo").files[""])}
    told = rows["e"]["vars"]["messages"]
    assert not any(mark in told for mark in ("{{", "{%", "{#", "}}", "%}", "#}"))
    assert json.loads(told) == [{"role": "user", "content": HOSTILE}]
    # a string is one test; a list would be expanded into several
    assert isinstance(told, str)


def test_promptfoos_templates_render_an_expectation_to_itself() -> None:
    rows = {row["description"]: row for row in lines(exported("promptfoo").files[""])}
    told = rows["e"]["assert"][0]["value"]
    assert told.replace("{{ '{' }}", "\0").replace("{{ '}' }}", "\1").count("{") == 0
    assert told.replace("{{ '{' }}", "{").replace("{{ '}' }}", "}") == HOSTILE
    [row] = lines(
        export_for(
            "promptfoo", golden(item("x", reference_response="file:///etc/x")), ORIGIN
        ).files[""]
    )
    assert row["assert"][0]["value"] == " file:///etc/x"


def test_deepeval_gets_conversations_of_several_turns_in_a_file_of_their_own() -> None:
    made = exported("deepeval")
    single = {row["name"]: row for row in json.loads(made.files[""])}
    [several] = json.loads(made.files[MULTI_TURN])
    assert list(single) == ["a", "b", "c", "e"]
    assert single["a"]["input"] == "Question a"
    assert single["b"]["expected_output"] is None
    assert not any("scenario" in row for row in single.values())
    assert several["name"] == "d"
    assert several["scenario"]
    assert several["turns"] == CONVERSATION[1:]
    assert {turn["role"] for turn in several["turns"]} <= {"user", "assistant"}
    assert several["additional_metadata"]["system_prompt"] == ["Be kind."]
    assert made.left_out == {"role_unknown": 2}
    assert made.without_expectation == 1


def test_langfuse_gets_ids_that_no_other_version_uses() -> None:
    rows = {row["id"]: row for row in lines(exported("langfuse").files[""])}
    assert set(rows["golden-3-a"]) == {"id", "input", "expectedOutput", "metadata"}
    assert rows["golden-3-b"]["expectedOutput"] is None
    assert rows["golden-3-a"]["input"] == {"messages": [{"role": "user", "content": "Question a"}]}


def test_every_cell_of_langfuses_csv_is_json() -> None:
    rows = list(csv.DictReader(io.StringIO(exported("langfuse-csv").files[""].decode())))
    assert list(rows[0]) == ["input", "expected_output", "metadata"]
    assert json.loads(rows[0]["expected_output"]) == "Good."
    assert json.loads(rows[1]["expected_output"]) is None
    assert json.loads(rows[0]["metadata"])["item_id"] == "a"


@pytest.mark.parametrize(
    "text", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=HYPERLINK(1)", "5"]
)
def test_no_cell_of_a_csv_is_a_formula_to_a_spreadsheet(text) -> None:
    record = ExportRecord("=id", ({"role": "user", "content": text},), text, {"item_id": text})
    rows = list(csv.reader(io.StringIO(langfuse_csv([record]).files[""].decode())))
    assert len(rows) == 2
    for cell in rows[1]:
        assert cell[0] in '{["'
    assert json.loads(rows[1][1]) == text


def test_json_lines_hold_every_column_but_the_persons_key() -> None:
    made = export_jsonl(ITEMS, ORIGIN)
    rows = lines(made.files[""])
    added = {"golden_version", "manifest_sha256", "canary"}
    assert set(rows[0]) == (set(GOLDEN_SET.schema) - {"user_key"}) | added
    assert rows[0]["labelled_on"] == "2026-11-12"
    assert (made.items, made.without_expectation) == (7, 2)


def test_an_export_overwrites_nothing_unless_forced_and_leaves_nothing_behind(tmp_path) -> None:
    out = tmp_path / "golden.json"
    files = {"": b"one", MULTI_TURN: b"two"}
    paths = write_exports(out, files, force=False)
    assert [path.name for path in paths] == ["golden.json", "golden.multi-turn.json"]
    out.unlink()
    with pytest.raises(ExportFileError, match=r"golden\.multi-turn\.json is there already"):
        write_exports(out, files, force=False)
    assert not out.exists()
    write_exports(out, {"": b"three"}, force=True)
    assert out.read_bytes() == b"three"
    assert len(list(tmp_path.iterdir())) == 2


def test_an_export_into_a_folder_that_is_not_there_says_so(tmp_path) -> None:
    with pytest.raises(ExportFileError, match="Make it first"):
        write_exports(tmp_path / "no" / "golden.json", {"": b""}, force=False)


def test_deepevals_second_file_is_there_without_any_conversation() -> None:
    made = export_for("deepeval", golden(item("a")), ORIGIN)
    assert json.loads(made.files[MULTI_TURN]) == []
