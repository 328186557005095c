"""YAML within bounds: what would blow up, run or loop is refused in a sentence, wherever it stands.

By hand: nine levels of nine aliases stand for 9^9 = 387,420,489 values.
"""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from eval_pipeline.cli.review_files import _named_people
from eval_pipeline.demo.replay import load_replay
from eval_pipeline.errors import EvalPipelineError, SettingsError
from eval_pipeline.flows.candidates import read_candidate_file
from eval_pipeline.settings import GateSettings
from eval_pipeline.settings_file import load_project, load_required_section
from eval_pipeline.yaml_text import (
    DEEPEST,
    LARGEST_BYTES,
    MOST_VALUES,
    YamlTextError,
    parse_yaml,
)

SECRET = "hunter2-in-the-file"
LAUGHS = "a0: &a0 [lol, lol, lol]\n" + "".join(
    f"a{level}: &a{level} [{', '.join(9 * [f'*a{level - 1}'])}]\n" for level in range(1, 10)
)
MERGES = "a0: &a0 {x: 1, y: 2}\n" + "".join(
    f"a{level}: &a{level} {{<<: [{', '.join(9 * [f'*a{level - 1}'])}]}}\n" for level in range(1, 10)
)
HOSTILE = {
    "a billion laughs": LAUGHS,
    "a billion merges": MERGES,
    "a list that holds itself": "a: &a [*a]\n",
    "a mapping that holds itself": "&a {b: *a}\n",
    "an alias of nobody": "a: *b\n",
    "deep flow": "a: " + "[" * 5_000 + "]" * 5_000,
    "deep and open": "a: " + "[" * 100_000,
    "deep blocks": "".join(f"{'  ' * level}a:\n" for level in range(200)),
    "as deep as the stack": "a: " + "{b: " * (DEEPEST + 1) + "1" + "}" * (DEEPEST + 1),
    "Python's object": "a: !!python/object/apply:os.system ['touch ran']\n",
    "Python's name": "a: !!python/name:os.system\n",
    "a tag of its own": "a: !secret x\n",
    "binary": "a: !!binary aGVsbG8=\n",
    "a set": "a: !!set {b, c}\n",
    "a key twice": f"a: 1\na: {SECRET}\n",
    "a key twice below": f"a: {{b: 1, b: {SECRET}}}\n",
    "a number of five thousand digits": f"a: {'9' * 5_000}\n",
    "a number beyond 64 bits": f"a: 0x{'f' * 17}\n",
    "too many values": "a: [" + "1," * (MOST_VALUES + 1) + "]\n",
    "two documents": f"a: 1\n---\nb: {SECRET}\n",
    "a key that is a list": "? [a, b]\n: 1\n",
    "a date that is none": "a: 2026-02-31\n",
    "a tab": f"a:\n\t- {SECRET}: [\n",
    "a null character": "a: 'x\0y'\n",
    "nothing": "",
    "one word": f"{SECRET}\n",
}
READERS: dict[str, Callable[[Path], Any]] = {
    "configuration": load_project,
    "policy": lambda file: load_required_section(file, "gate", GateSettings),
    "candidate": read_candidate_file,
    "annotators": _named_people,
    "replay": load_replay,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", HOSTILE)
def test_every_reader_refuses_hostile_yaml_in_a_sentence_that_does_not_quote_it(
    name, reader, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "file.yaml"
    file.write_text(HOSTILE[name], encoding="utf-8")
    with pytest.raises(EvalPipelineError) as refused:
        READERS[reader](file)
    assert SECRET not in str(refused.value)
    assert len(str(refused.value)) < 2_000
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("reader", ["configuration", "policy", "candidate", "replay"])
def test_a_file_larger_than_any_configuration_is_refused_without_being_parsed(reader, tmp_path):
    file = tmp_path / "file.yaml"
    file.write_text("# padding\n" * (LARGEST_BYTES // 10 + 1), encoding="utf-8")
    with pytest.raises(EvalPipelineError, match=r"larger than 1,048,576 bytes"):
        READERS[reader](file)


def test_a_device_without_end_is_read_no_further_than_any_configuration():
    with pytest.raises(SettingsError, match=r"larger than"):
        load_project(Path("/dev/zero"))


@pytest.mark.parametrize(
    ("text", "said", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "the key 'a' stands twice", 3),
        ("a: 1\nb: !!python/name:os.system\n", "a tag", 2),
        ("a:\n  &x\n  b: *x\n", "stands inside its own value", 3),
        ("a: 1\nb: " + "[" * (DEEPEST + 1), "levels deep", 2),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, said, line):
    with pytest.raises(YamlTextError, match=said) as refused:
        parse_yaml(text)
    assert refused.value.line == line


def test_an_anchor_counts_as_often_as_it_is_written_out():
    # The list is 1 + 99 values; with its key and each alias of 100: 1 + 1 + 100 + 1 + n * 100 + ...
    listed = "a: &a [" + ", ".join(99 * ["1"]) + "]\n"
    aliases = MOST_VALUES // 100 - 2
    assert len(parse_yaml(f"{listed}b: [{', '.join(aliases * ['*a'])}]\n")["b"]) == aliases
    with pytest.raises(YamlTextError, match=r"more than 50,000 values"):
        parse_yaml(f"{listed}b: [{', '.join((aliases + 1) * ['*a'])}]\n")


def test_anchors_aliases_and_merges_of_use_are_read():
    text = "a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}\nd: !!str 5\n"
    assert parse_yaml(text) == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": 2}, "d": "5"}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_whatever_is_sound_is_read_as_ruamel_reads_it(tree):
    written = StringIO()
    YAML(typ="safe", pure=True).dump(tree, written)
    assert parse_yaml(written.getvalue()) == YAML(typ="safe", pure=True).load(written.getvalue())


@given(st.text(alphabet="ab:{}[]&*!<>-? \n\t'\"|#0.", max_size=60))
def test_no_text_ends_otherwise_than_in_a_tree_or_in_a_sentence(text):
    try:
        parse_yaml(text)
    except YamlTextError as error:
        refused = error
    else:
        return
    assert refused.problem
    assert refused.line is None or refused.line >= 1
