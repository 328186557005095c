"""How large the large tests are: enough for every day, or all of it when asked."""

import os

FULL = bool(os.environ.get("EVAL_PIPELINE_FULL_TESTS"))
"""Whether the tests run at the sizes that their claims were first made with."""

EVERY_POINT = FULL and not os.environ.get("EVAL_PIPELINE_CHOSEN_POINTS")
"""Whether publishing is killed at each of its points, which `make test-full` does; the fault suite
takes the points that its seed chooses."""


def sized(usual: int, *, full: int) -> int:
    """The size for every day, or the full one."""
    return full if FULL else usual
