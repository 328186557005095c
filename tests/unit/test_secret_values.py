"""Secrets from the environment and from files."""

import pytest

from eval_pipeline.errors import MissingEnvironmentError, SettingsError
from eval_pipeline.secret_values import LARGEST_SECRET, secret_value
from eval_pipeline.settings_file import load_project
from tests.scenario import ROOT


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("s3cret", "s3cret"),
        ("s3cret\n", "s3cret"),
        ("s3cret\r\n", "s3cret"),
        (" a b \n\n", " a b \n"),
    ],
)
def test_a_secret_is_what_its_file_holds_less_one_lines_end(content, value, tmp_path, monkeypatch):
    file = tmp_path / "key"
    file.write_bytes(content.encode())
    monkeypatch.delenv("SOME_KEY", raising=False)
    monkeypatch.setenv("SOME_KEY_FILE", str(file))
    assert secret_value("SOME_KEY") == value


def test_without_a_file_it_is_the_variables(monkeypatch):
    monkeypatch.delenv("SOME_KEY_FILE", raising=False)
    monkeypatch.delenv("SOME_KEY", raising=False)
    assert secret_value("SOME_KEY") == ""
    monkeypatch.setenv("SOME_KEY", "direct\n")
    assert secret_value("SOME_KEY") == "direct\n"


def test_two_places_are_one_too_many(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "one")
    monkeypatch.setenv("SOME_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(SettingsError, match="SOME_KEY and SOME_KEY_FILE are both set"):
        secret_value("SOME_KEY")


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"a" * (LARGEST_SECRET + 1)])
def test_a_file_that_is_no_secret_is_named_and_never_quoted(content, tmp_path, monkeypatch):
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.delenv("SOME_KEY", raising=False)
    monkeypatch.setenv("SOME_KEY_FILE", str(file))
    with pytest.raises(SettingsError) as refused:
        secret_value("SOME_KEY")
    assert str(file) in str(refused.value)
    assert "aaaa" not in str(refused.value)


def test_a_project_finds_its_store_and_its_secrets_in_files(tmp_path, monkeypatch):
    text = (ROOT / "eval_pipeline.yaml").read_text(encoding="utf-8")
    config = tmp_path / "eval_pipeline.yaml"
    config.write_text(text, encoding="utf-8")
    project = load_project(config)
    storage = project.settings.storage.model_copy(update={"store": "env:STORE_URL"})
    settings = project.settings.model_copy(update={"storage": storage})
    moved = type(project)(settings, config)
    monkeypatch.delenv("STORE_URL", raising=False)
    monkeypatch.delenv("STORE_URL_FILE", raising=False)
    with pytest.raises(MissingEnvironmentError, match="STORE_URL_FILE"):
        _ = moved.store_url
    (tmp_path / "url").write_text("postgresql://u:p@h/d\n")
    monkeypatch.setenv("STORE_URL_FILE", str(tmp_path / "url"))
    assert moved.store_url == "postgresql://u:p@h/d"
