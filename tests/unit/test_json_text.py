"""Strings of a JSON text, edited where they stand."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval_pipeline.adapters.text_files.field_paths import FieldChoice, parse_path
from eval_pipeline.adapters.text_files.json_text import Found, Reading, read_json

SENSITIVE = {"name": "PERSON", "phone": "PHONE", "email": "EMAIL"}


def strings_of(text: str, *fields: str) -> tuple[list[Found], Reading]:
    chosen = tuple(parse_path(name, option="--field") for name in fields)
    reading = Reading(SENSITIVE.get, FieldChoice(chosen))
    found: list[Found] = []
    read_json(text, reading, found=found)
    return found, reading


def rewritten(text: str, change) -> str:
    found: list[Found] = []
    parsed = read_json(text, Reading(SENSITIVE.get, FieldChoice()), found=found)
    return parsed.masked([change(each) for each in found], found)


def test_all_but_the_changed_strings_stays_byte_for_byte():
    line = '{ "a" : "x\\/y", "n":1.10, "big":1e400, "a":[true ,null,"change"],"e":"\\u00e9"}'
    changed = rewritten(line, lambda each: "NEW" if each.text == "change" else each.text)
    assert changed == line.replace('"change"', '"NEW"')


def test_every_string_at_any_depth_is_found_with_its_path():
    found, _ = strings_of('{"a": [{"b": "1"}, ["2"]], "c": {"d": "3"}, "": "4", "e": ""}')
    assert [(each.text, each.path) for each in found] == [
        ("1", ("a", None, "b")), ("2", ("a", None, None)), ("3", ("c", "d")), ("4", ("",)),
    ]  # fmt: skip


def test_a_key_that_occurs_twice_is_scanned_twice():
    found, _ = strings_of('{"a": "1", "a": "2"}')
    assert [each.text for each in found] == ["1", "2"]


def test_values_under_sensitive_keys_are_whole_numbers_and_nested_ones_too():
    found, _ = strings_of('{"phone": [49, true, null], "name": {"first": "A", "email": "b"}}')
    assert [(each.text, each.whole) for each in found] == [
        ("49", "PHONE"), ("true", "PHONE"), ("A", "PERSON"), ("b", "EMAIL"),
    ]  # fmt: skip


def test_a_masked_number_becomes_a_string():
    masked = rewritten('{"phone": 4915, "n": 2}', lambda each: "[PHONE_1]")
    assert json.loads(masked) == {"phone": "[PHONE_1]", "n": 2}


@pytest.mark.parametrize(
    "line",
    [
        '{"name": "get_order", "arguments": "{}"}',
        '{"function": {"name": "get_order"}}',
        '{"role": "tool", "name": "get_order"}',
        '{"type": "function", "name": "get_order"}',
    ],
)
def test_the_name_of_a_called_function_is_scanned_and_not_masked_whole(line):
    found, _ = strings_of(line)
    assert next(each for each in found if each.text == "get_order").whole is None


@pytest.mark.parametrize(
    "line", ['{"name": "jane_doe"}', '{"name": "Jane Doe", "arguments": "{}"}']
)
def test_a_name_elsewhere_is_a_persons(line):
    found, _ = strings_of(line)
    assert next(each for each in found if "ane" in each.text).whole == "PERSON"


def test_json_inside_a_string_is_masked_inside_and_stays_json():
    inner = json.dumps({"email": "a@b.c", "n": 4111111111111111, "k": 12, "t": 'say "hi"'})
    line = json.dumps({"content": json.dumps(inner), "x": 1})
    found, _ = strings_of(line)
    assert [(each.text, each.path) for each in found] == [
        ("a@b.c", ("content", "email")),
        ("4111111111111111", ("content", "n")),
        ('say "hi"', ("content", "t")),
    ]
    masked = json.loads(rewritten(line, lambda each: f'<"{each.text[:2]}\\'))
    assert json.loads(json.loads(masked["content"])) == {
        "email": '<"a@\\', "n": '<"41\\', "k": 12, "t": '<"sa\\',
    }  # fmt: skip


def test_a_string_that_only_looks_like_json_is_a_text():
    found, _ = strings_of('{"a": "{not json", "b": "[1, 2"}')
    assert [each.text for each in found] == ["{not json", "[1, 2"]


def test_lone_surrogates_survive_masking_as_escapes():
    line = '{"a": "\\ud83d x", "b": "ü \\ud83d"}'
    assert rewritten(line, lambda each: each.text) == line
    masked = rewritten(line, lambda each: each.text + "!")
    assert masked.encode("utf-8")
    assert json.loads(masked) == {"a": "\ud83d x!", "b": "ü \ud83d!"}


def test_a_chosen_field_narrows_to_what_stands_at_and_under_it():
    line = '{"a": {"b": [{"c": "1", "d": "2"}], "x.y": "3"}, "e": "4"}'
    assert [each.text for each in strings_of(line, "a.b[].c")[0]] == ["1"]
    assert [each.text for each in strings_of(line, "a.b")[0]] == ["1", "2"]
    assert [each.text for each in strings_of(line, r"a.x\.y", "e")[0]] == ["3", "4"]


def test_a_field_is_seen_where_it_is_empty_and_not_where_it_is_missing():
    _, reading = strings_of('{"a": [], "b": {"c": null}}', "a", "b.c", "b.d")
    assert reading.choice.seen == {("a",), ("b", "c")}


def test_a_chosen_field_reaches_into_json_inside_a_string():
    line = json.dumps({"args": json.dumps({"to": "x", "note": "y"})})
    assert [each.text for each in strings_of(line, "args.note")[0]] == ["y"]


@pytest.mark.parametrize(
    "line", ["", "{", '{"a": NaN}', "[1] x", '{"a": "\t"}', "{'a': 1}", "Infinity"]
)
def test_what_is_no_json_is_refused(line):
    with pytest.raises(ValueError):  # noqa: PT011 - the words vary and are never shown
        strings_of(line)


def test_a_number_of_any_length_is_json():
    line = '{"n": ' + "9" * 10_000 + "}"
    assert rewritten(line, lambda each: each.text) == line


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON_VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_any_json_comes_back_unchanged_where_nothing_is_masked(value, ascii_only, indent):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert rewritten(text, lambda each: each.text) == text


@given(JSON_VALUES, st.booleans())
def test_masking_every_string_keeps_the_shape(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    masked = json.loads(rewritten(text, lambda each: '"[X_1]\\'))
    assert shape(masked) == shape(json.loads(text))


def shape(value):
    if isinstance(value, dict):
        return {key: "text" if key in SENSITIVE else shape(each) for key, each in value.items()}
    if isinstance(value, list):
        return [shape(each) for each in value]
    return "text" if isinstance(value, str) else value


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)), ("a.b[].c", ("a", "b", None, "c")), ("[]", (None,)),
        ("[].a", (None, "a")), ("a[][]", ("a", None, None)), (r"a\.b", ("a.b",)),
    ],
)  # fmt: skip
def test_a_path_is_read_step_by_step(text, path):
    assert parse_path(text, option="--field") == path


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a[0]", "a[", "a]", "a[]b"])
def test_what_is_no_path_is_refused(text):
    with pytest.raises(Exception, match="is no path"):
        parse_path(text, option="--field")
