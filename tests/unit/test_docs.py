import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from eval_pipeline.cli.app import typer_app
from eval_pipeline.cli.default_command import DEFAULT

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
PAGE_NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

CODE = re.compile(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PLACEHOLDER = re.compile(r"\{\d+\}|…|\.\.\.")


def test_the_configuration_reference_is_what_the_models_generate() -> None:
    generated = _script("make_configuration").document()
    written = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert written == generated, "Run `python docs/make_configuration.py`."


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_every_relative_link_resolves(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    broken = [link for link in LINK.findall(_without_blocks(text)) if not _resolves(page, link)]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    problems = [
        problem
        for words in _commands(page.read_text(encoding="utf-8"))
        if (problem := _problem(words)) is not None
    ]
    assert problems == []


def test_the_readme_shows_the_five_commands() -> None:
    shown = {tuple(words[:2]) for words in _commands((ROOT / "README.md").read_text("utf-8"))}
    five = {("refresh", "--week"), ("review", "serve")}
    five |= {("publish", "--week"), ("drift", "--week"), ("gate", "--candidate")}
    assert five <= shown


def test_the_check_of_commands_knows_a_wrong_one() -> None:
    assert _problem(["golden", "burn"]) == "golden burn: there is no command 'burn'"
    assert _problem(["gate", "--candidate", "x", "--loud"]) == "gate: there is no option '--loud'"
    assert _problem(["gate", "--candidate", "x", "--format", "junit"]) is None
    assert _problem(["anonymise", "a", "b", "--loud"]) == "anonymise: there is no option '--loud'"
    assert _problem(["anonymise", "a", "b", "--explain"]) is None
    assert _problem(["anonymise", "train", "--check"]) is None


def test_a_command_over_two_lines_is_read_as_one() -> None:
    text = "```\neval-pipeline init . \\\n    --nonsense 1\n```"
    assert [_problem(words) for words in _commands(text)] == [
        "init: there is no option '--nonsense'"
    ]


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {
        target
        for code in _code(page.read_text(encoding="utf-8"))
        for target in re.findall(r"(?:^|[;&] *)make ([a-z-]+)", code, re.MULTILINE)
    }
    assert named - targets == set()


def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = LINK.findall(_without_blocks(page.read_text(encoding="utf-8")))
        waiting += [_target(page, link) for link in links if "://" not in link]
    assert set(DOCS.rglob("*.md")) - reached == set()


def test_screenshots_are_small_enough_to_load_quickly() -> None:
    sizes = {image.name: image.stat().st_size for image in (DOCS / "screenshots").glob("*.png")}
    assert sizes
    assert {name for name, size in sizes.items() if size > 500_000} == set()


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _without_blocks(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def _target(page: Path, link: str) -> Path:
    return (page.parent / link.split("#", maxsplit=1)[0]).resolve() if link[0] != "#" else page


def _resolves(page: Path, link: str) -> bool:
    if "://" in link or link.startswith("mailto:"):
        return True
    target = _target(page, link)
    if not target.exists():
        return False
    anchor = link.partition("#")[2]
    return not anchor or anchor in _anchors(target)


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings
    }


def _code(text: str) -> list[str]:
    return [block or inline for block, inline in CODE.findall(text)]


def _commands(text: str) -> list[list[str]]:
    """The words after `eval-pipeline` of every command in the code of a page."""
    found = []
    for code in _code(text):
        for line in code.replace("\\\n", " ").splitlines():
            _, program, rest = line.partition("eval-pipeline ")
            before = line[: line.find("eval-pipeline ")].strip()
            if program and (not before or before.endswith((";", "&&", "/", "->", "source"))):
                found.append(_words(rest))
    return [words for words in found if words]


def _words(rest: str) -> list[str]:
    command = re.split(r"[;|&>]", rest.split("  #", maxsplit=1)[0])[0]
    return shlex.split(command, comments=True)


def _problem(words: list[str]) -> str | None:
    """What is wrong with a command line, up to its values; None if it could be run."""
    node: Any = typer.main.get_command(typer_app)
    path: list[str] = []
    rest = list(words)
    while hasattr(node, "commands") and rest and not rest[0].startswith("-"):
        default = node.commands.get(DEFAULT)
        if default is not None and rest[0] not in node.commands:
            node = default
            break
        name = rest.pop(0)
        path.append(name)
        if name not in node.commands:
            return f"{' '.join(path)}: there is no command '{name}'"
        node = node.commands[name]
    node = getattr(node, "commands", {}).get(DEFAULT, node)
    known = {option for parameter in node.params for option in parameter.opts}
    known |= {"--help", "-h"}
    for word in rest:
        if word.startswith("-") and not PLACEHOLDER.fullmatch(word) and word not in known:
            return f"{' '.join(path)}: there is no option '{word}'"
    return None
