"""What a disk or a folder refuses, in sentences that say what to do."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path

from eval_pipeline.errors import LakeError

_FULL = "Free space there, or let `storage.lake` name a place with more"
_READ_ONLY = "Mount it writable, or let `storage.lake` name a folder that is"
_FORBIDDEN = "Give the user who runs this program the right to it"
_FAILING = "Look into the system's log for what is wrong with the disk, and replace it if need be"
_REMEDIES = {
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: "Raise the limit of a file's size (`ulimit -f`) for the user who runs this",
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EIO: _FAILING,
    errno.EMFILE: "Raise the limit of open files (`ulimit -n`) for the user who runs this",
    errno.EISDIR: "A folder stands where a file belongs: move it away",
    errno.ENOTDIR: "A file stands where a folder belongs: move it away, or mend `storage.lake`",
}
_OTHERWISE = "Check `storage.lake`, the disk under it and the folder's permissions"


@contextlib.contextmanager
def lake_file(file: Path, *, act: str, missing_is_fault: bool) -> Iterator[None]:
    """Raises `LakeError` for whatever the system refuses, naming the file and the remedy.

    A missing file is for the caller, unless nobody could have expected it.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not missing_is_fault:
            raise
        raise refusal(error, file, act=act) from None


def refusal(error: OSError, file: Path, *, act: str, kind: str = "file") -> LakeError:
    """The sentence; `kind` is a file or a folder, `act` what was to be done with it."""
    remedy = _REMEDIES.get(error.errno or 0, _OTHERWISE)
    return LakeError(
        f"The lake's {kind} {file} cannot be {act}: {error.strerror or type(error).__name__}. The "
        f"lake holds every file as it was or as it was to be, none half written. {remedy}, then "
        "run the same command again."
    )
