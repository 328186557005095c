"""The one rule for names that become a folder's or a file's: candidates, systems, partitions."""

import re
from pathlib import Path
from typing import Final

from eval_pipeline.errors import PartitionNameError

LONGEST_NAME: Final = 160
FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,159}")
"""No separator, no space, no control character, and no leading dot or dash: `..` is none."""


def is_file_name(text: str) -> bool:
    """Whether the text is such a name."""
    return FILE_NAME.fullmatch(text) is not None


def checked_file_name(text: str) -> str:
    """The text itself; raises `PartitionNameError` unless it is such a name."""
    if not is_file_name(text):
        raise PartitionNameError(text)
    return text


def lies_within(file: Path, folder: Path) -> bool:
    """Whether the file, wherever links lead from it, lies in the folder or below."""
    return file.resolve().is_relative_to(folder.resolve())
