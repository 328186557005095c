"""A failing case made small: parts are left out as long as it fails in the same way."""

import time
import traceback
from pathlib import Path
from typing import Final

from tests.fuzz.guards import within_bounds
from tests.fuzz.target import Target, check

MOST_SECONDS: Final = 60
_OURS: Final = ("target.py", "guards.py", "shrinking.py")


def failure_of(target: Target, data: bytes) -> str | None:
    """What went wrong and where, in a line; None if nothing did."""
    try:
        with within_bounds():
            check(target, data, twice=True)
    except Exception as error:  # noqa: BLE001 - whatever escapes is a failure
        frames = traceback.extract_tb(error.__traceback__)
        outside = [frame for frame in frames if Path(frame.filename).name not in _OURS] or frames
        place = f"{Path(outside[-1].filename).name}:{outside[-1].lineno}"
        return f"{type(error).__name__} at {place}: {str(error)[:200]}"
    return None


def shrunk(target: Target, data: bytes, *, failure: str) -> bytes:
    """The smallest case found that fails with the same error at the same place."""
    same = failure.partition(": ")[0]
    until = time.monotonic() + MOST_SECONDS
    size = len(data) // 2
    while size and time.monotonic() < until:
        begin = 0
        while begin < len(data) and time.monotonic() < until:
            shorter = data[:begin] + data[begin + size :]
            found = failure_of(target, shorter)
            if found is not None and found.partition(": ")[0] == same:
                data = shorter
            else:
                begin += size
        size //= 2
    return data
