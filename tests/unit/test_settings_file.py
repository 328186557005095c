"""The configuration file: every mistake is told with file, line, key, found and allowed."""

from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from eval_pipeline.errors import MissingEnvironmentError, SettingsError
from eval_pipeline.settings_file import (
    CONFIG_VARIABLE,
    default_config_path,
    load_project,
    parse_settings,
    settings_json_schema,
)

SOUND = """\
logs:
  path: logs/*.parquet
subsets:
  refunds: {predicate: "route = 'refunds'"}
providers:
  local: {base_url: "http://127.0.0.1:1"}
rubrics:
  helpful: {criteria: [answers the question]}
judges:
  first: {provider: local, model: a, family: alpha}
  second: {provider: local, model: b, family: beta}
systems:
  today: {provider: local, model: m}
baseline: today
scoring:
  default: {scorer: exact}
gate:
  confidence: 0.95
"""


def complaint(text: str) -> str:
    with pytest.raises(SettingsError) as refused:
        parse_settings(text, file="team.yaml")
    return str(refused.value)


def changed(old: str, new: str) -> str:
    assert SOUND.count(old) == 1
    return SOUND.replace(old, new)


def test_a_sound_file_is_read():
    assert parse_settings(SOUND, file="team.yaml").baseline == "today"


def test_an_unknown_key_is_told_with_file_line_and_key():
    # `confidence` stands on line 18
    told = complaint(changed("  confidence: 0.95", "  confidense: 0.95"))
    assert told == "team.yaml:18: `gate.confidense`: this key is unknown here. Found: 0.95."


def test_a_wrong_type_is_told_with_what_was_found():
    told = complaint(changed("confidence: 0.95", "confidence: high"))
    assert told.startswith("team.yaml:18: `gate.confidence`: ")
    assert told.endswith("Found: 'high'.")
    assert "valid number" in told


def test_a_number_out_of_bounds_is_told_with_the_bound():
    told = complaint(changed("confidence: 0.95", "confidence: 95"))
    assert told == "team.yaml:18: `gate.confidence`: Input should be less than 1. Found: 95."


def test_a_missing_section_is_named():
    told = complaint(changed("baseline: today\n", ""))
    assert told == "team.yaml:1: `baseline`: this key is required and missing."


def test_a_missing_key_points_at_its_section():
    # the judge `second` stands on line 11
    told = complaint(changed("model: b, ", ""))
    assert told == "team.yaml:11: `judges.second.model`: this key is required and missing."


def test_every_mistake_is_told_in_one_go():
    text = changed("confidence: 0.95", "confidence: 95").replace("model: m}", "model: m, x: 1}")
    lines = complaint(text).splitlines()
    assert [line.split(":")[1] for line in lines] == ["13", "18"]


def test_a_mistake_inside_a_list_is_told_with_its_place():
    text = SOUND + "sampling:\n  strata:\n    - route\n    - colour\n"
    told = complaint(text)
    assert told.startswith("team.yaml:22: `sampling.strata.1`: ")
    assert "Found: 'colour'." in told


def test_a_mistake_inside_a_choice_names_the_key_as_it_stands_in_the_file():
    told = complaint(changed("{scorer: exact}", "{scorer: exact, pattern: x}"))
    assert told == "team.yaml:16: `scoring.default.pattern`: this key is unknown here. Found: 'x'."


def test_an_unknown_choice_lists_the_allowed_ones():
    told = complaint(changed("{scorer: exact}", "{scorer: guess}"))
    assert told.startswith("team.yaml:16: `scoring.default`: ")
    assert "'similarity'" in told


def test_a_dangling_reference_is_told_without_the_whole_file_being_quoted():
    told = complaint(changed("baseline: today", "baseline: gone"))
    assert told == (
        "team.yaml:1: `(top level)`: `baseline` names 'gone', which is not under `systems`."
    )


def test_two_judges_of_one_family_are_refused():
    told = complaint(changed("family: beta", "family: alpha"))
    assert "needs at least two judges of at least two families" in told


def test_a_predicate_of_an_unknown_column_is_told_with_line_and_allowed_columns():
    told = complaint(changed("route = 'refunds'", "colour = 'red'"))
    assert told.startswith("team.yaml:4: `subsets.refunds")
    assert "The predicate names ['colour']; allowed are [" in told


def test_a_syntax_error_is_told_with_its_line():
    told = complaint("logs:\n  path: [unclosed\nbaseline: x\n")
    assert told.startswith("team.yaml:3: not valid YAML: ")


def test_a_repeated_key_is_a_syntax_error():
    told = complaint(SOUND + "baseline: again\n")
    assert told.startswith("team.yaml:19: not valid YAML: ")
    assert "baseline" in told


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words\n", "# only a comment\n"])
def test_a_file_that_is_no_mapping_is_refused(text):
    assert complaint(text) == "team.yaml:1: the configuration must be a mapping of sections."


@pytest.mark.parametrize("text", ["a: \x00", "a: \x07b"])
def test_a_control_character_is_a_complaint_and_no_traceback(text):
    assert complaint(text).startswith("team.yaml")


@pytest.mark.parametrize(
    "text", ["a: 2026-13-45\n", "a: !!int x\n", "a: " + "[" * 800, "? [a, b]\n: c\n"]
)
def test_what_yaml_itself_stumbles_over_is_a_complaint_and_no_traceback(text):
    assert complaint(text).startswith("team.yaml:")


def test_a_mistake_that_a_merge_brings_in_points_at_the_section_that_merges():
    # `second` stands on line 11; the unknown key stands in the merged mapping on line 10
    text = changed(
        "first: {provider: local, model: a,", "first: &one {x: 1, provider: local, model: a,"
    )
    text = text.replace("  second: {provider: local, model: b,", "  second: {<<: *one, model: b,")
    told = complaint(text).splitlines()
    assert told == [
        "team.yaml:10: `judges.first.x`: this key is unknown here. Found: 1.",
        "team.yaml:11: `judges.second.x`: this key is unknown here. Found: 1.",
    ]


@pytest.mark.parametrize("number", [".nan", ".inf", "-.inf"])
def test_a_number_that_is_none_is_refused(number):
    told = complaint(changed("confidence: 0.95", f"confidence: {number}"))
    assert told.startswith("team.yaml:18: `gate.confidence`: ")


def test_a_date_in_yaml_is_read_as_the_date_it_is():
    settings = parse_settings(SOUND + "automation:\n  first_week: 2026-01-12\n", file="team.yaml")
    assert str(settings.automation.first_week) == "2026-01-12"


def test_a_missing_file_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(SettingsError, match="eval-pipeline init"):
        load_project(tmp_path / "none.yaml")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path):
    file = tmp_path / "team.yaml"
    file.write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(SettingsError, match="cannot be read"):
        load_project(file)


def test_relative_places_start_from_the_files_folder(tmp_path: Path):
    file = tmp_path / "team.yaml"
    file.write_text(SOUND, encoding="utf-8")
    project = load_project(file)
    assert project.lake_url == str(tmp_path / "lake")
    assert project.store_url == f"sqlite:///{tmp_path / 'store.sqlite'}"
    assert project.locate("s3://bucket/lake") == "s3://bucket/lake"
    assert project.locate("/data/lake") == "/data/lake"


def test_the_store_may_be_named_by_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "team.yaml"
    file.write_text(SOUND + "storage: {store: 'env:TEAM_STORE'}\n", encoding="utf-8")
    project = load_project(file)
    with pytest.raises(MissingEnvironmentError, match="TEAM_STORE is not set"):
        _ = project.store_url
    monkeypatch.setenv("TEAM_STORE", "postgresql://127.0.0.1/evals")
    assert project.store_url == "postgresql://127.0.0.1/evals"


def test_a_secret_is_read_from_the_environment_or_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "team.yaml"
    file.write_text(SOUND, encoding="utf-8")
    project = load_project(file)
    monkeypatch.setenv("TEAM_KEY", "")
    with pytest.raises(MissingEnvironmentError, match="it holds the key of the judges"):
        project.secret("TEAM_KEY", "the key of the judges")
    monkeypatch.setenv("TEAM_KEY", "k")
    assert project.secret("TEAM_KEY", "the key of the judges") == "k"


def test_the_variable_names_the_default_file(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)
    assert default_config_path() == Path("eval_pipeline.yaml")
    monkeypatch.setenv(CONFIG_VARIABLE, "/etc/team.yaml")
    assert default_config_path() == Path("/etc/team.yaml")


def test_the_published_schema_accepts_what_the_program_accepts():
    schema = settings_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    tree = YAML(typ="safe", pure=True).load(SOUND)
    jsonschema.Draft202012Validator(schema).validate(tree)
    tree["gate"]["confidense"] = 0.9
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(tree)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{provider: local, model: m}", "{provider: local, model: m, api_key: sk-live-0123456789}"),
        ("confidence: 0.95", "confidence: 'postgresql://evals:sk-live-0123456789@db/evals'"),
    ],
)
def test_a_secret_in_the_wrong_place_is_not_told_again(old, new):
    told = complaint(changed(old, new))
    assert "sk-live" not in told
    assert "not shown as it may be a secret" in told


def test_a_key_in_place_of_its_variables_name_is_not_told_again():
    section = "anonymisation: {key_variable: sk-live-0123456789}\n"
    told = complaint(SOUND + section)
    assert told.startswith("team.yaml:19: `anonymisation.key_variable`: ")
    assert "a text of 18 characters" in told
    assert "sk-live" not in told
