"""What a conversation's stand-ins can be asked, and that nothing of them can be kept."""

import re
from typing import Final, NoReturn, Protocol

WORD: Final = re.compile(r"[^\W_]+")


class Surrogates(Protocol):
    """Hands out the stand-ins of one conversation; a new conversation takes a new instance.

    There is no way back from a stand-in to its value but the instance's memory, and an instance
    can be neither pickled, copied nor printed.
    """

    def reserve(self, text: str) -> None:
        """Takes note of what the text says already, so that no new stand-in is mistaken for it.

        Called with every text of the conversation before the first `stand_in`.
        """
        ...

    def stand_in(self, kind: str, value: str) -> str:
        """What is written for the value: the same for the same value of a kind, however spelt.

        A part of a known person's name gets what belongs to its bearer.
        """
        ...

    def is_stand_in(self, kind: str, value: str) -> bool:
        """Whether a find in text that is masked already is one of these stand-ins or a part of it.

        Means nothing of raw text: another's real value may equal a stand-in that was written.
        """
        ...


class MemoryOnly:
    """Holds values of people: refuses to be pickled or copied, and shows none when printed."""

    def __reduce__(self) -> NoReturn:
        """Raises `TypeError`."""
        raise TypeError(f"{type(self).__name__} holds values of people and is never written down.")

    def __repr__(self) -> str:
        """The name of the class alone."""
        return f"<{type(self).__name__}>"


def words_of(value: str) -> tuple[str, ...]:
    """The letters and digits of a value by words, case-folded; empty if it has none."""
    return tuple(match.group().casefold() for match in WORD.finditer(value))


def vocabulary(text: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(text.split())


def compact(value: str) -> str:
    """The letters and digits of a value without what groups them, case-folded."""
    return "".join(words_of(value))
