"""Runs a page: its blocks in order, each in the sandbox that the page asks for."""

import contextlib
import importlib.util
import io
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import typer

from eval_pipeline.cli.app import CommandError, typer_app
from eval_pipeline.cli.default_command import DEFAULT as DEFAULT_COMMAND
from tests import doc_checks
from tests.doc_pages import OUTPUT, ROOT, SHELL, Block
from tests.doc_sandbox import DEFAULT, Past, Sandbox, sandbox
from tests.doc_shell import Ended, commands_in

DECIDES: Final = re.compile(r"^(eval-pipeline )(gate|compare|continue-gate)\b")
VERDICTS: Final = (0, 1, 2)
HEAD: Final = 10
TAIL: Final = 20
NOT_TYPED: Final = re.compile(
    r"review serve.*|demo|demo provider.*"  # go on for ever, or for minutes
    r"|anonymise train.*"  # takes minutes
    r"|gate"  # wants one of two options
    r"|continue-gate.*|init.*"  # want a later week, or an empty folder
)
"""Commands of which a mention is not run; blocks with the set-up that they want are."""
LACKING: Final = ("MissingParameter", "BadOptionUsage", "NoArgsIsHelpError")
WORDS: Final = frozenset({"NAME", "DECISION", "YOU", "WHY"})


@dataclass
class PageRun:
    """What became of a page's blocks."""

    problems: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    ran: int = 0


def run_page(blocks: list[Block], *, past: Past, scratch: Path) -> PageRun:
    """Runs and checks every block that is not excused."""
    result = PageRun()
    here: Sandbox | None = None
    said = ""
    for number, block in enumerate(blocks):
        if here is None or "setup" in block.directives:
            if here is not None:
                here.close()
            place = scratch / str(number)
            name = block.directives.get("setup", DEFAULT)
            here = sandbox(name, place / "project", past=past, scratch=place / "scratch")
        said = _run_block(block, here, before=said, result=result)
    if here is not None:
        here.close()
    return result


def _run_block(block: Block, here: Sandbox, *, before: str, result: PageRun) -> str:
    """What the block's commands said, for the output that may follow."""
    missing = doc_checks.available(block.directives.get("needs", ""), which=_found)
    if "not run" in block.directives or "run by" in block.directives or missing:
        if missing:
            result.left_out.append(f"{block.place}: {', '.join(missing)} is not here")
        return ""
    result.ran += 1
    for command in block.directives.get("before", "").splitlines():
        ended = here.shell.run(here.worded(command))
        if ended.code:
            result.problems.append(told(block.place, f"before: {command}", ended, (0,)))
    if block.language in SHELL:
        return _run_commands(block, here, result=result)
    is_output = block.language in OUTPUT
    found = _compared(block, before) if is_output else doc_checks.check(block, here)
    result.problems += [f"{block.place}: a block of {block.language}: {one}" for one in found]
    return ""


def _compared(block: Block, before: str) -> list[str]:
    if "illustration" in block.directives:
        return []
    if not block.after_command:
        return ["a text that follows no command: say <!-- illustration: what it is -->"]
    return doc_checks.unlike(block.text, before) if before else []


def _run_commands(block: Block, here: Sandbox, *, result: PageRun) -> str:
    meanings = dict(
        pair.split("=", 1) for pair in re.split(r", +", block.directives.get("with", "")) if pair
    )
    console = block.language == "console"
    said = ""
    for offset, command in commands_in(here.worded(block.text, meanings), console=console):
        place = f"{block.page}:{block.line + 1 + offset}"
        if problem := without_running(command):
            result.problems += [f"{place}: {one}" for one in problem]
        if problem is not None:
            continue
        ended = here.shell.run(command)
        allowed = codes(command, block.directives.get("exit"))
        if ended.code not in allowed:
            result.problems.append(told(place, command, ended, allowed))
        said += ended.said
    return said


def codes(command: str, stated: str | None) -> tuple[int, ...]:
    """The codes that a command may end with: a verdict is no failure."""
    if stated is not None:
        return tuple(int(code) for code in stated.split(","))
    return VERDICTS if DECIDES.match(command) else (0,)


def without_running(command: str) -> list[str] | None:
    """Problems of a command that installs, which is checked and not run; None for any other."""
    words = shlex.split(command, comments=True)
    if words[:2] == ["pip", "install"]:
        return list(_install_problems(words[2:]))
    if words[:1] == ["make"] and not {"help", "ui", "desk"} & set(words):
        return _make_problems(words[1:])
    if words[:1] in (["python"], ["python3"]) and words[1:2] and words[1].endswith(".py"):
        return _script_problems(words[1], words[2:])
    return None


def is_whole(text: str) -> bool:
    """Whether a command of a sentence could be typed: it lacks no value, and it ends."""
    words = shlex.split(text)[1:]
    if any(re.fullmatch(r"[A-Z]{2,}|[FN]|…|\.\.\.", word) for word in words if word not in WORDS):
        return False
    if NOT_TYPED.fullmatch(" ".join(words)):
        return False
    node: Any = typer.main.get_command(typer_app)
    while hasattr(node, "commands") and words and words[0] in node.commands:
        node = node.commands[words.pop(0)]
    node = getattr(node, "commands", {}).get(DEFAULT_COMMAND, node)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            node.make_context("it", words)
    except typer.Exit:
        return True  # an option that answers by itself, such as --print-schema
    except CommandError as error:
        return type(error).__name__ not in LACKING
    return not hasattr(node, "commands")


def _install_problems(words: list[str]) -> Iterator[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for word in words:
        found = re.fullmatch(r"eval-pipeline(?:\[([\w,-]+)\])?", word)
        if found is None and not word.startswith("-"):
            yield f"pip install {word}: only this project's extras can be checked"
        for extra in ((found and found[1]) or "").split(","):
            if extra and extra not in project["optional-dependencies"]:
                yield f"pip install {word}: there is no extra {extra!r}"


def _make_problems(words: list[str]) -> list[str]:
    """`make` targets set up environments and run for minutes: what they would do is asked."""
    asked = ["make", "-n", "-C", str(ROOT), *words]
    ended = subprocess.run(asked, capture_output=True, text=True, check=False)
    return [ended.stderr.strip()] if ended.returncode else []


def _script_problems(script: str, words: list[str]) -> list[str]:
    """Benchmarks run for minutes: that the script is there and has these options is checked."""
    text = (ROOT / script).read_text(encoding="utf-8") if (ROOT / script).exists() else ""
    if not text:
        return [f"there is no {script}"]
    options = [word.split("=")[0] for word in words if word.startswith("--")]
    return [f"{script} has no option {one}" for one in options if f'"{one}"' not in text]


def _found(name: str) -> str | object | None:
    return shutil.which(name) or (importlib.util.find_spec(name) if name.isidentifier() else None)


def told(place: str, command: str, ended: Ended, allowed: tuple[int, ...]) -> str:
    """One failure: where, what, how it ended, and how what it said begins and ends."""
    lines = ended.said.splitlines()
    if len(lines) > HEAD + TAIL:
        lines = [*lines[:HEAD], "...", *lines[-TAIL:]]
    said = "\n".join(f"    | {line}" for line in lines)
    expected = " or ".join(map(str, allowed))
    return f"{place}: exit code {ended.code}, not {expected}\n    $ {command.strip()}\n{said}"
