"""Who may read what is written: its owner, the group as the umask says, and never anybody else.

The lake, the store, exports and pages hold what people asked and answered, masked as well as can
be. A usual umask of 022 would open them to every account of the machine.
"""

import os
from pathlib import Path
from typing import Final

OTHERS: Final = 0o007
_FOLDER: Final = 0o770
_FILE: Final = 0o660


def keep_from_others() -> None:
    """Whatever this process makes from now on is closed to others; the rest of the umask stays."""
    os.umask(os.umask(0o077) | OTHERS)


def make_folder(folder: Path) -> None:
    """Makes the folder with what is missing above it, closed to others; existing ones stay."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=_FOLDER, exist_ok=True)
    folder.mkdir(exist_ok=True)


def opened_privately(name: str, flags: int) -> int:
    """The opener of a file that is closed to others and follows no link, for `open`."""
    return os.open(name, flags | os.O_NOFOLLOW, _FILE)


def write_private(file: Path, text: str) -> None:
    """Replaces the file by one that its owner alone may read: for keys."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)


def is_open_to_others(path: Path) -> bool:
    """Whether every account of the machine may read or enter it; False where it is not there.

    A folder above that is closed to others closes what is below.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return bool(mode & OTHERS) and all(
        folder.stat().st_mode & 0o001 for folder in path.resolve().parents
    )
