"""Every command and snippet of the documentation is run, or says why it cannot be.

`tests/doc_pages.py` lists what a page can say of its blocks; a page that is added needs no entry
here. `pytest -m slow tests/docs -k PAGE` runs one page.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import doc_checks, doc_runs
from tests.doc_pages import PAGES, ROOT, Mention, blocks_in, blocks_of, mentions_of
from tests.doc_sandbox import Past, Sandbox, sandbox
from tests.doc_shell import commands_in

MOST_EXCUSES = 20
LEAST_WORDS_OF_AN_EXCUSE = 3
CHECKOUT_PATH = re.compile(
    r"`((?:tests|benchmarks|deploy|assets|sql|eval_pipeline|intake|judging|review|truth|evaluation"
    r"|monitoring|statistics|anonymisation|adapters|flows|reports|desk|cli)/[\w/.-]*)`"
)
ALERTS = (
    "gate block",
    "gate inconclusive",
    "gate pass",
    "drift alarm",
    "provider change",
    "monitor alert",
    "outcome no longer tracks",
    "gate audit failed",
    "review deadline",
    "review backlog",
    "run failed",
    "check failed",
    "golden published",
    "spending limit",
)
WITH_BLOCKS = [page for page in PAGES if "```" in page.read_text(encoding="utf-8")]


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", WITH_BLOCKS, ids=[str(page.relative_to(ROOT)) for page in WITH_BLOCKS]
)
def test_every_block_of_the_page_runs(page: Path, past: Past, tmp_path: Path) -> None:
    result = doc_runs.run_page(blocks_of(page), past=past, scratch=tmp_path)
    assert not result.problems, "\n" + "\n\n".join(result.problems)
    if result.left_out and os.environ.get("CI"):
        pytest.fail("\n".join(result.left_out))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_every_command_that_a_sentence_names_runs(part: int, past: Past, tmp_path: Path) -> None:
    """Those that could be typed as they stand; of the others `test_docs.py` checks the names."""
    here = sandbox("demo", tmp_path / "project", past=past, scratch=tmp_path / "scratch")
    problems = []
    try:
        for mention in _typed()[part::4]:
            ended = here.shell.run(here.worded(mention.text))
            allowed = doc_runs.codes(mention.text, None)
            if ended.code not in allowed:
                problems.append(doc_runs.told(mention.place, mention.text, ended, allowed))
    finally:
        here.close()
    assert not problems, "\n" + "\n\n".join(problems)


def test_few_blocks_are_excused_and_each_says_why(record_property: Callable[..., None]) -> None:
    excuses = [
        (block.place, block.directives["not run"])
        for page in PAGES
        for block in blocks_of(page)
        if "not run" in block.directives
    ]
    listed = "\n".join(f"{place}: {why}" for place, why in excuses)
    record_property("excused", f"{len(excuses)} blocks are not run:\n{listed}")
    assert len(excuses) <= MOST_EXCUSES, listed
    assert [e for e in excuses if len(e[1].split()) < LEAST_WORDS_OF_AN_EXCUSE] == []


def test_what_another_test_runs_is_named_there() -> None:
    """The named test speaks of the command's script, or of the target's command."""
    wrong = []
    for page in PAGES:
        for block in blocks_of(page):
            if (file := block.directives.get("run by")) is None:
                continue
            test = ROOT / file
            text = test.read_text(encoding="utf-8") if test.exists() else ""
            wrong += [
                f"{block.place}: {file} says nothing of {word!r}"
                for _, command in commands_in(block.text)
                for word in _telling(command)
                if word not in text
            ]
    assert wrong == []


def test_every_file_that_a_page_names_is_there() -> None:
    """Paths in code spans, from the checkout's top or from `eval_pipeline`."""
    wrong = [
        f"{page.relative_to(ROOT)}: {path}"
        for page in PAGES
        for path in CHECKOUT_PATH.findall(page.read_text(encoding="utf-8"))
        if not (ROOT / path).exists() and not (ROOT / "eval_pipeline" / path).exists()
    ]
    assert wrong == []


def test_the_runbook_has_a_heading_for_every_alert() -> None:
    """Alerts link to these anchors."""
    text = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    assert [kind for kind in ALERTS if f"\n## {kind}\n" not in text] == []


def test_a_block_without_a_language_is_a_command_or_a_text() -> None:
    text = "```\n# first\neval-pipeline doctor\n```\n```\nok   store\n```\n```\ndesk=1\n```"
    assert [block.language for block in blocks_in(text)] == ["sh", "text", "sh"]


def test_a_directive_belongs_to_the_block_below_it() -> None:
    text = "<!-- not run: needs a cluster -->\n\n```sh\nkubectl get pods\n```\n```sh\nls\n```"
    first, second = blocks_in(text)
    assert first.directives == {"not run": "needs a cluster"}
    assert second.directives == {}
    with pytest.raises(AssertionError, match=r"page.md:2: the directives \['exit'\] stand above"):
        blocks_in("<!-- exit: 1 -->\nWords come between.\n```sh\nls\n```")


def test_a_command_goes_over_lines_quotes_and_here_documents() -> None:
    text = "a \\\n  b  # why\n\n# a remark\nc 'one\ntwo'\ncat <<X\nd\nX\n"
    assert [number for number, _ in commands_in(text)] == [0, 4, 6]
    assert commands_in("$ a\nsaid\n$ b\n", console=True) == [(0, "a\n"), (2, "b\n")]


def test_an_output_is_held_to_its_labels_and_headings_and_not_to_its_numbers() -> None:
    shown = "   week  2026-11-16\n  items  12\n\nsubset   state\n──────────────\nall      passed\n"
    said = "   week  2026-09-07\n  items  3\n\nsubset   state\n──────────────\nall      passed\n"
    assert doc_checks.unlike(shown, said) == []
    assert doc_checks.unlike(shown, said.replace("items", "tasks")) == ["the output has no 'items'"]
    assert doc_checks.unlike("nothing of this was ever said", said) == [
        "of the words shown only 0% are in the output"
    ]


def test_what_is_only_checked_is_checked() -> None:
    assert doc_runs.without_running("eval-pipeline doctor") is None
    assert doc_runs.without_running("make demo") == []
    assert doc_runs.without_running("make burn")
    assert doc_runs.without_running("pip install 'eval-pipeline[s3]'") == []
    assert doc_runs.without_running("pip install 'eval-pipeline[moon]'") == [
        "pip install eval-pipeline[moon]: there is no extra 'moon'"
    ]
    assert doc_runs.without_running("python benchmarks/decision.py --only rates") == []
    assert doc_runs.without_running("python benchmarks/decision.py --loud") == [
        "benchmarks/decision.py has no option --loud"
    ]


@pytest.mark.parametrize(
    ("language", "text", "problem"),
    [
        ("yaml", "gate: {confidense: 0.9}", "this key is unknown here"),
        ("yaml", "colours: [red]", "no section of the configuration"),
        ("yaml", "- {scorer: exakt}", "scoring"),
        ("yaml", "provider: p\nmodel: m\ntemprature: 0", "temprature"),
        ("json", '{"task_id": "t", "annotator_id": "a", "label": "good"}', "label"),
        ("jsonl", '{"item_id": "a", "score": 1}\n{"item_id": "b", "score": 2}', "2"),
        ("python", "import a_module_that_is_not_there", "ModuleNotFoundError"),
        ("dockerfile", "FROM scratch", "nothing here knows"),
    ],
)
def test_a_wrong_block_is_told(language: str, text: str, problem: str, tmp_path: Path) -> None:
    here = Sandbox(tmp_path, None, {}, shell=None)  # type: ignore[arg-type]
    (block,) = blocks_in(f"```{language}\n{text}\n```")
    assert problem in "\n".join(doc_checks.check(block, here))


def _typed() -> list[Mention]:
    """The commands of sentences that lack nothing, each once, those that take away last."""
    found = {
        mention.text: mention
        for page in PAGES
        for mention in reversed(mentions_of(page))
        if mention.text.startswith("eval-pipeline ") and doc_runs.is_whole(mention.text)
    }
    return sorted(found.values(), key=lambda one: ("forget" in one.text, one.page, one.line))


def _telling(command: str) -> list[str]:
    """What a test would call the command by: its script, its target, its names."""
    words = re.split(r" -| [./]", command)[0].split()[1:]
    return [Path(word).stem.removeprefix("bench-").replace("-", "_") for word in words]
