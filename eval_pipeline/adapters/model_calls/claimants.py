"""Who holds a claim: a run of a process, told so that its death is seen at once on its machine."""

import hashlib
import os
import platform
import uuid
from functools import cache
from pathlib import Path

_PARTS = 4
_LONGEST_HOST = 120


def new_claimant() -> str:
    """A name for one run of this process: host, process id, process start and a token."""
    return "|".join((_host(), str(os.getpid()), _started(os.getpid()) or "", uuid.uuid4().hex))


def new_short_claimant() -> str:
    """The same in at most 64 characters: a hash stands for the host."""
    started = _started(os.getpid()) or ""
    return "|".join((_short_host(), str(os.getpid()), started, uuid.uuid4().hex[:16]))


def is_dead(claimant: str) -> bool:
    """Whether the claimant's process certainly is gone; of another host nothing is certain.

    A process id is used again, so the process must also have started when the claimant's did.
    """
    parts = claimant.rsplit("|", _PARTS - 1)
    here = {_host(), _short_host()}
    if len(parts) != _PARTS or parts[0] not in here or not parts[1].isdigit():
        return False
    started = _started(int(parts[1]))
    return started is None or (parts[2] != "" and started != parts[2])


@cache
def _host() -> str:
    """The machine since its last start and, on Linux, the space in which process ids count.

    Two containers may share a host name and both have a process 1: neither judges the other dead.
    """
    told = [platform.node().replace("|", "-")]
    try:
        told.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        told.append(str(Path("/proc/self/ns/pid").readlink()))
    except OSError:
        pass
    return "/".join(told)[-_LONGEST_HOST:]


@cache
def _short_host() -> str:
    return hashlib.blake2b(_host().encode(), digest_size=8).hexdigest()


def _started(process_id: int) -> str | None:
    """When the process started, in the system's own words; null if there is no such process.

    Empty where the system does not tell, which counts as alive.
    """
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return None
    except (OSError, OverflowError):
        pass
    if not Path("/proc/self/stat").exists():
        return ""
    try:
        # The name stands in brackets and may hold anything; the start is the 20th field after it.
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in {"Z", "X"} else fields[19]
