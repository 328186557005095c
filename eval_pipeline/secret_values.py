"""Secrets, which the configuration names by variable: from the environment, or from a file.

`NAME_FILE` names a file that holds what `NAME` would: containers get secrets as files, so that
they stand in no environment that others can list.
"""

import os
from pathlib import Path
from typing import Final

from eval_pipeline.errors import SettingsError

FILE_SUFFIX: Final = "_FILE"
LARGEST_SECRET: Final = 65_536


def secret_value(variable: str) -> str:
    """The secret, without a line's end after it; empty where neither variable is set.

    Raises `SettingsError` where both are set or the file cannot be read. No message quotes it.
    """
    value = os.environ.get(variable, "")
    path = os.environ.get(variable + FILE_SUFFIX, "")
    if not path:
        return value
    if value:
        raise SettingsError(
            f"{variable} and {variable}{FILE_SUFFIX} are both set, and may differ. "
            "Nothing was read or written. Unset one of them."
        )
    return _content(Path(path), variable + FILE_SUFFIX)


def _content(file: Path, variable: str) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST_SECRET + 1)
        text = data.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise SettingsError(
            f"{variable} names {file}, which cannot be read: {reason}. Nothing was read or "
            "written. Name a file that this program's user may read."
        ) from None
    if len(data) > LARGEST_SECRET:
        raise SettingsError(
            f"{variable} names {file}, which is larger than any secret. Nothing was read or "
            "written. Name the file that holds the secret and nothing else."
        )
    return text.removesuffix("\n").removesuffix("\r")
