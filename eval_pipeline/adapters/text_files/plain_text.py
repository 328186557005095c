"""Plain text in UTF-8: pieces that end at blank lines, each a conversation of its own."""

from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final

from eval_pipeline.adapters.text_files.failures import UnreadableFileError
from eval_pipeline.adapters.text_files.field_paths import Path
from eval_pipeline.adapters.text_files.json_text import Found, Reading
from eval_pipeline.adapters.text_files.records import (
    BATCH_BYTES,
    MAXIMUM_LINE_BYTES,
    Batch,
    Decoded,
    Places,
    PlainWriter,
    Record,
)
from eval_pipeline.adapters.text_files.streams import Input, Output, reading

PIECE_CHARACTERS: Final = 50_000
"""A piece ends at the first blank line after so many, or at a line's end after twice as many."""


class PlainText:
    """The format of `.txt`: a file up to `PIECE_CHARACTERS` is one piece, so one conversation."""

    def batches(self, source: Input, places: Places, *, seen: set[Path]) -> Iterator[Batch]:  # noqa: ARG002 - the protocol
        """Batches of pieces."""
        held: list[str] = []
        first = 1
        with reading(source.name):
            for piece in _pieces(source):
                held.append(piece)
                if sum(map(len, held)) >= BATCH_BYTES:
                    yield Batch(first, held)
                    first += len(held)
                    held = []
        if held:
            yield Batch(first, held)

    def decode(self, batch: Batch, reading: Reading, places: Places) -> Decoded:  # noqa: ARG002
        """Each piece is a record of one string."""
        records = [
            Record(number, [Found(piece, ())])
            for number, piece in enumerate(batch.payload, start=batch.first)
        ]

        def encoded(masked: Sequence[Sequence[str]]) -> bytes:
            return "".join(texts[0] for texts in masked).encode("utf-8")

        return Decoded(records, encoded)

    def writer(self, output: Output, source: Input) -> PlainWriter:  # noqa: ARG002
        """Pieces behind pieces."""
        return PlainWriter(output)


def _pieces(source: Input) -> Iterator[str]:
    held: list[str] = []
    size = 0
    for line in _lines(source.stream, name=source.name):
        held.append(line)
        size += len(line)
        blank = not line.strip()
        if size >= 2 * PIECE_CHARACTERS or (blank and size >= PIECE_CHARACTERS):
            yield "".join(held)
            held, size = [], 0
    if held:
        yield "".join(held)


def _lines(stream: BinaryIO, *, name: str) -> Iterator[str]:
    number = 0
    while line := stream.readline(MAXIMUM_LINE_BYTES):
        number += 1
        if len(line) == MAXIMUM_LINE_BYTES and not line.endswith(b"\n"):
            raise UnreadableFileError(name, f"line {number} is longer than 64 MiB")
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            raise UnreadableFileError(
                name, f"line {number} is not UTF-8", "Convert it, for example with iconv."
            ) from None
