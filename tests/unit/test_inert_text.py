"""Text of others drives no terminal, commands no CI runner, and is no Markdown."""

import io
import json
import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from assets.conventions import markdown
from eval_pipeline.adapters.contracts.results import ContractResult
from eval_pipeline.cli.session import InertConsole
from eval_pipeline.inert_text import fenced, for_json, for_markdown, for_terminal, markdown_list
from eval_pipeline.reports import formats
from tests.alert_world import decision, finding
from tests.hostile import POOL, QUERIES, SCRIPTS, TEMPLATES, TERMINALS

COMMANDS = (
    "::set-output name=verdict::pass", "::error file=gate.py,line=1::forged", "  ::add-mask::pass",
    "::stop-commands::x", "##[group]x", "##[add-mask]pass", "##vso[task.setvariable variable=x]y",
    "##teamcity[buildStatus status='SUCCESS']", "\x1b[0Ksection_end:1:x\r\x1b[0K",
)  # fmt: skip
MARKDOWN = (
    "![](http://evil.example/pixel)", "[click](http://evil.example)", "<img src=//evil.example>",
    "[x]: http://evil.example", "http://evil.example", "www.evil.example", "<http://evil.example>",
    "a | b\n|---|---|\n| c | d", "```\n# a heading\n```", "- a list\n- of two", "`code`",
    "[x](javascript:alert(1))", "mailto:a@evil.example", "<!-- hidden", "![x][y]", "\\[x\\](y)",
)  # fmt: skip
CAN_COMMAND = re.compile(r"^\s*::[A-Za-z]|##[A-Za-z]*\[", re.MULTILINE)
CAN_DRIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
ALL = POOL + COMMANDS + MARKDOWN
anything = (
    st.text(max_size=80) | st.sampled_from(ALL) | st.text("#:[]add-mask\x1b\r\n", max_size=30)
)


def printed(*renderables) -> str:
    written = io.StringIO()
    console = InertConsole(file=written, width=200, force_terminal=False, highlight=False)
    for each in renderables:
        console.print(each)
    return written.getvalue()


@given(anything)
def test_what_a_terminal_is_shown_neither_drives_it_nor_commands_a_runner(text):
    shown = for_terminal(text)
    assert not CAN_DRIVE.search(shown)
    assert not CAN_COMMAND.search(shown)
    assert for_terminal(shown) == shown


def test_what_is_harmless_is_shown_as_it_is():
    for text in (
        "http://[::1]:8321/x",
        "a\tb\n",
        "10:30",
        "## heading",
        "café 日本 👩‍🔬",
        "C# [x]",
    ):
        assert for_terminal(text) == text
    assert for_markdown("wrong_refund_window *-3.2* (95 %)") == "wrong_refund_window *-3.2* (95 %)"


@pytest.mark.parametrize("text", ALL)
def test_a_console_prints_hostile_text_inert_wherever_it_stands(text):
    table = Table(text)
    table.add_row(Text(text))
    said = printed(Text(text), table, escape(text))
    assert not CAN_DRIVE.search(said)
    assert not CAN_COMMAND.search(said)


def test_a_consoles_own_colours_stay():
    written = io.StringIO()
    console = InertConsole(file=written, force_terminal=True, color_system="standard", width=80)
    console.print("[red]red[/]", Text("\x1b[32mgreen"))
    assert written.getvalue().count("\x1b[31mred") == 1
    assert "\x1b[32m" not in written.getvalue()


@given(anything)
def test_markdown_shows_hostile_text_as_one_line_without_link_image_or_cell(text):
    shown = for_markdown(text)
    assert "\n" not in shown
    assert "<" not in shown
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]|]", shown)
    assert "://" not in shown


def test_a_metadata_table_has_the_cells_that_it_was_given():
    names = [text.encode("utf-8", "replace").decode() for text in ALL]
    frame = pl.DataFrame({"subset": names, "items": range(len(names))})
    told = markdown(frame, limit=10_000).value.split("\n")
    assert len(told) == 2 + len(names)
    for line in told[2:]:
        assert len(re.findall(r"(?<!\\)\|", line)) == 3, line
        assert "](" not in line.replace("\\](", "")
    listed = markdown(pl.DataFrame({"subsets": [["a|b", "c\nd"]]})).value.splitlines()
    assert listed[2] == "| a\\|b, c d |"


@given(st.text("`ab\n", max_size=30) | st.sampled_from(MARKDOWN))
def test_nothing_in_a_block_of_code_ends_it(text):
    lines = fenced(text, language="yaml").split("\n")
    fence = lines[0].removesuffix("yaml")
    assert set(fence) == {"`"}
    assert lines[-1] == fence
    assert not any(line.strip().startswith(fence) for line in lines[1:-1])


def test_a_contracts_sentences_are_a_list_of_as_many_lines():
    result = ContractResult(
        contract="logs", failures=tuple(MARKDOWN), shortfalls=(), evaluated=3, particulars=ALL[:9]
    )
    lines = result.as_markdown().splitlines()
    assert sum(line.startswith("- ") for line in lines) == len(MARKDOWN) + 9
    assert not re.search(r"(?<!\\)\]\(", result.as_markdown())


def test_a_list_has_a_line_per_sentence():
    assert markdown_list(["a\n- b", "[c](d)"]) == "- a - b\n- \\[c\\](d)"


@given(st.recursive(anything, lambda inner: st.lists(inner, max_size=3), max_leaves=4))
def test_json_stays_the_same_value_and_drives_nothing(value):
    text = json.dumps(value, ensure_ascii=False)
    assert json.loads(for_json(text)) == value
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", for_json(text))
    assert "##[" not in for_json(text)


@pytest.mark.parametrize(
    "name", [*SCRIPTS[:8], *TEMPLATES, *QUERIES, *TERMINALS, *COMMANDS, *MARKDOWN]
)
def test_a_decision_about_hostile_names_is_inert_in_every_form(name):
    worse = decision(
        candidate=name,
        baseline=f"b {name}",
        reasons=(f"Subset '{name}' is worse", name),
        subsets=(finding(name, "blocked"), finding("hours", "certified")),
    ).model_dump(mode="json")
    text, as_json = formats.as_text(worse), formats.as_json(worse)
    for said in (text, as_json, formats.as_junit(worse), formats.as_markdown(worse)):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", said)
    assert not CAN_COMMAND.search(text)
    assert not CAN_COMMAND.search(as_json)
    assert json.loads(as_json) == worse
