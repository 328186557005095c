"""Every fuzz target, by its name, which is that of its module and of its corpus."""

from importlib import import_module
from pathlib import Path
from typing import Final

from tests.fuzz.target import Target

FOLDER: Final = Path(__file__).parent
CORPUS: Final = FOLDER / "corpus"


def target_names() -> list[str]:
    """One module each, in order."""
    return sorted(file.stem for file in (FOLDER / "targets").glob("[a-z]*.py"))


def target_of(name: str) -> Target:
    """The target; imports what it tests."""
    found: Target = import_module(f"tests.fuzz.targets.{name}").TARGET
    return found


def corpus_of(name: str) -> list[Path]:
    """The kept cases of a target, in order."""
    return sorted(path for path in (CORPUS / name).glob("*") if path.is_file())
