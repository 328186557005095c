"""What readers, workers and writers of text files hand to each other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from eval_pipeline.adapters.text_files.field_paths import Path
from eval_pipeline.adapters.text_files.json_text import Found, Reading
from eval_pipeline.adapters.text_files.streams import Input, Output

BATCH_RECORDS: Final = 64
BATCH_BYTES: Final = 2**19
"""A batch is closed at either; what a batch holds never depends on who masks it."""

MAXIMUM_LINE_BYTES: Final = 64 * 2**20
"""Longer lines are refused: a reader holds whole lines."""


@dataclass(frozen=True)
class Batch:
    """Neighbouring records, numbered from `first` (from 1), in whole conversations.

    `conversations` are their lengths in records; None where each record is its own.
    """

    first: int
    payload: Any
    conversations: tuple[int, ...] | None = None


@dataclass
class Record:
    """The strings of one record, in order, and the route that its own field names."""

    number: int
    found: list[Found] = field(default_factory=list)
    route: str | None = None
    problem: str | None = None
    """Why the record cannot be read; such a record holds no strings."""


@dataclass(frozen=True)
class Decoded:
    """A batch's records, and how the masked texts of each (in their order) make it a payload."""

    records: list[Record]
    encoded: Callable[[Sequence[Sequence[str]]], bytes]
    blanked: int = 0
    """Values under sensitive keys that are no text, and become null."""


@dataclass(frozen=True)
class Places:
    """Where a record tells its conversation and its route; None where it does not."""

    conversation: Path | None = None
    route: Path | None = None


class Writer(Protocol):
    """Puts masked payloads into the output, in order."""

    def write(self, payload: bytes) -> None:
        """Adds one batch."""

    def finish(self) -> None:
        """Writes what was held back."""


class TextFileFormat(Protocol):
    """One file format: read in the first process, decoded in the workers, written in the first."""

    def batches(self, source: Input, places: Places, *, seen: set[Path]) -> Iterator[Batch]:
        """The file in batches; adds the places that occurred to `seen`."""

    def decode(self, batch: Batch, reading: Reading, places: Places) -> Decoded:
        """The batch's records and their strings."""

    def writer(self, output: Output, source: Input) -> Writer:
        """What writes a file of the same shape as the source."""


@dataclass
class PlainWriter:
    """Writes payloads one behind the other."""

    output: Output

    def write(self, payload: bytes) -> None:
        """Adds the bytes."""
        self.output.stream.write(payload)

    def finish(self) -> None:
        """Nothing is held back."""
