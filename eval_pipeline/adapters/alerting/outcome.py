"""What became of one delivery."""

from dataclasses import dataclass
from typing import Final

MAXIMUM_CODE: Final = 40


@dataclass(frozen=True)
class Delivered:
    """Whether a channel took a message; `error_code` says in one word why not.

    A code is a status, the class of a failure or a word of ours: never a text of the other side or
    of an exception, which could quote a URL, a password or a header.
    """

    error_code: str | None = None
    attempts: int = 1

    @property
    def ok(self) -> bool:
        """Whether it was taken."""
        return self.error_code is None


def failed(code: str, *, attempts: int = 1) -> Delivered:
    """A delivery that did not succeed."""
    return Delivered(error_code=code[:MAXIMUM_CODE], attempts=attempts)
