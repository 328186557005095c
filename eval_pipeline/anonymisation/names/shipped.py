"""The files that come with the package: lists of words, frequent words, models."""

from importlib.resources import files
from typing import Final, get_args

from eval_pipeline.settings import Language

LISTS: Final = "lists.tsv.bz2"
"""Every listed word and what it is listed as, one file for all languages."""

_FOLDER: Final = files("eval_pipeline.anonymisation.names") / "models"


def frequent_file(language: Language) -> str:
    """The name of the file of a language's frequent words."""
    return f"frequent_{language}.txt.bz2"


def model_file(language: Language) -> str:
    """The name of the file of a language's model."""
    return f"names_{language}.tsv.bz2"


def files_of(language: Language) -> tuple[str, ...]:
    """The names of all files that finding names in this language reads."""
    return LISTS, frequent_file(language), model_file(language)


def shipped_languages() -> tuple[Language, ...]:
    """The languages whose models come with the package, in the order of the settings."""
    languages: tuple[Language, ...] = get_args(Language)
    return tuple(name for name in languages if (_FOLDER / model_file(name)).is_file())


def read_shipped(name: str) -> bytes:
    """One file's bytes; raises `FileNotFoundError` for a name that none bears."""
    return (_FOLDER / name).read_bytes()
