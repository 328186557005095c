"""What the pages of the documentation hold: blocks, commands in sentences, directives.

A directive is an HTML comment right above a block; readers of the page do not see it. `setup`
may stand further up.

    <!-- setup: open week -->            a new sandbox for what follows on the page
    <!-- before: shell commands -->      run first; what a reader has by then
    <!-- with: ID=3f, N=2 -->            what words of the block stand for in the sandbox
    <!-- exit: 1 -->                     the codes that the block's commands may end with
    <!-- needs: jq, inspect_ai -->       programs or modules without which the block is left out
    <!-- file: people.yaml -->           the block is this file of the sandbox
    <!-- applied -->                     the block becomes part of the sandbox's configuration
    <!-- illustration: the flow -->      a text that no command printed
    <!-- run by: tests/… -->             too dear to run here: this test runs it
    <!-- not run: why -->                an excuse; `test_docs_run.py` counts them
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PAGES: Final = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("*.md"),
        *(ROOT / "deploy").rglob("*.md"),
    ]
)
SHELL: Final = frozenset({"sh", "bash", "shell", "console"})
OUTPUT: Final = frozenset({"text", "output"})
KEYS: Final = (
    "setup",
    "before",
    "with",
    "exit",
    "needs",
    "file",
    "applied",
    "illustration",
    "run by",
    "not run",
)
PROGRAMS: Final = frozenset(
    "eval-pipeline make dg git python python3 pip curl jq export cd source docker kubectl helm "  # noqa: SIM905 - a list of words
    "npx npm echo mkdir cp for du".split()
)
_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>```+|~~~+)(?P<language>[\w+-]*)\s*$")
_DIRECTIVE = re.compile(rf"^ *<!-- (?P<key>{'|'.join(KEYS)})(?:: *(?P<value>.*?))? *-->$")
_INLINE = re.compile(r"`((?:eval-pipeline|make|dg|python|pip) [^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, what it says, and what the page demands of it."""

    page: str
    line: int
    language: str
    text: str
    directives: dict[str, str] = field(default_factory=dict)
    after_command: bool = False

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def names_file(self) -> str | None:
        """The file that the block is, by its directive or its first line's comment."""
        if "file" in self.directives:
            return self.directives["file"]
        found = re.match(r"# ([\w./-]+\.\w+)\n", self.text)
        return found[1] if found and self.language not in SHELL else None


@dataclass(frozen=True)
class Mention:
    """A command that a sentence or a table names."""

    page: str
    line: int
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """The page's blocks in order."""
    return list(_blocks(page.read_text(encoding="utf-8"), name=str(page.relative_to(ROOT))))


def mentions_of(page: Path) -> list[Mention]:
    """The commands in code spans outside blocks, in order."""
    found, name = [], str(page.relative_to(ROOT))
    for number, line in _outside(page.read_text(encoding="utf-8")):
        found += [Mention(name, number, code.strip()) for code in _INLINE.findall(line)]
    return found


def blocks_in(text: str) -> list[Block]:
    """The blocks of a page that is not a file."""
    return list(_blocks(text, name="page.md"))


def _blocks(text: str, *, name: str) -> Iterator[Block]:
    directives: dict[str, str] = {}
    lines, number, after_command = text.splitlines(), 0, False
    while number < len(lines):
        line = lines[number]
        opened = _FENCE.match(line)
        if directive := _DIRECTIVE.match(line):
            _add(directives, directive["key"], directive["value"] or "")
        elif opened:
            end = _end(lines, number + 1, opened["fence"])
            body = "".join(f"{one[len(opened['indent']) :]}\n" for one in lines[number + 1 : end])
            language = opened["language"] or _guessed(body)
            yield Block(name, number + 1, language, body, directives, after_command)
            directives, number = {}, end
            after_command = language in SHELL
        elif line.startswith("#"):
            after_command = False
        elif line.strip() and (stray := sorted(set(directives) - {"setup"})):
            raise AssertionError(
                f"{name}:{number + 1}: the directives {stray} stand above no block."
            )
        number += 1


def _add(directives: dict[str, str], key: str, value: str) -> None:
    joined = f"{directives[key]}\n{value}" if key in directives else value
    directives[key] = joined


def _end(lines: list[str], start: int, fence: str) -> int:
    for number in range(start, len(lines)):
        if lines[number].strip() == fence:
            return number
    return len(lines)


def _guessed(body: str) -> str:
    """The language of a block that names none: shell if it begins with a program, else text."""
    for line in body.splitlines():
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        first = words[0].rsplit("/", maxsplit=1)[-1]
        return "sh" if first in PROGRAMS or "=" in words[0] or first == "$" else "text"
    return "text"


def _outside(text: str) -> Iterator[tuple[int, str]]:
    """Lines outside fenced blocks, with their numbers."""
    fence = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if fence:
            fence = "" if line.strip() == fence else fence
        elif opened := _FENCE.match(line):
            fence = opened["fence"]
        else:
            yield number, line
