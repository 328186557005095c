"""The words that texts are made from and lists are built of, kept as plain files under `words/`."""

from functools import cache
from importlib.resources import files
from typing import Final

from eval_pipeline.settings import Language

_OF_ALL: Final = "all"
_COMMENT: Final = "# "


@cache
def entries(name: str, language: Language | None = None) -> tuple[str, ...]:
    r"""The entries of one file, in its order: one a line, without comments and empty lines.

    Files that hold for every language lie under `all`; `\n` in an entry is a line break. Raises
    `FileNotFoundError` for a name that no file bears.
    """
    file = files("eval_pipeline.anonymisation.names") / "words" / (language or _OF_ALL)
    return read_entries((file / f"{name}.txt").read_text(encoding="utf-8"))


def read_entries(text: str) -> tuple[str, ...]:
    r"""The entries of a file's text; a line is a comment if it starts with `#` and a space."""
    lines = (line for line in text.split("\n") if line and not line.startswith(_COMMENT))
    return tuple(line.replace("\\n", "\n") for line in lines)
