"""JSON lines: one value a line; its strings are masked and all else stays byte for byte."""

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from eval_pipeline.adapters.text_files.field_paths import Path, value_at
from eval_pipeline.adapters.text_files.json_text import (
    JsonText,
    Reading,
    plain_value,
    read_json,
)
from eval_pipeline.adapters.text_files.records import (
    BATCH_BYTES,
    BATCH_RECORDS,
    MAXIMUM_LINE_BYTES,
    Batch,
    Decoded,
    Places,
    PlainWriter,
    Record,
)
from eval_pipeline.adapters.text_files.streams import Input, Output, reading

_TOO_LONG: Final = b"\xff"
"""Stands for a line that is too long; it is no UTF-8, so no line is like it."""


class JsonLines:
    """The format of `.jsonl` and `.ndjson`; blank lines are dropped, records count lines."""

    def batches(self, source: Input, places: Places, *, seen: set[Path]) -> Iterator[Batch]:
        """Batches of numbered lines; a conversation is never divided."""
        pending = _Pending(apart=places.conversation is None)
        with reading(source.name):
            for number, line in _lines(source.stream):
                conversation = _conversation(line, places.conversation, seen=seen)
                if pending.is_full() and pending.ends_before(conversation):
                    yield pending.taken()
                pending.add(number, line, conversation=conversation)
        if pending.lines:
            yield pending.taken()

    def decode(self, batch: Batch, reading: Reading, places: Places) -> Decoded:
        """One record a line; one that is no JSON has a `problem` and is not written."""
        records, texts = [], []
        for number, line in batch.payload:
            record = Record(number)
            text = _decoded(line, reading, record=record)
            if text is not None and places.route is not None:
                route = value_at(plain_value(text.text), places.route)
                if route is not None:
                    reading.choice.seen.add(places.route)
                    record.route = str(route)
            records.append(record)
            texts.append(text)

        def encoded(masked: Sequence[Sequence[str]]) -> bytes:
            written = [
                text.masked(of_record, record.found)
                for text, record, of_record in zip(texts, records, masked, strict=True)
                if text is not None
            ]
            return "".join(f"{line}\n" for line in written).encode("utf-8")

        return Decoded(records, encoded)

    def writer(self, output: Output, source: Input) -> PlainWriter:  # noqa: ARG002 - the protocol
        """Lines behind lines."""
        return PlainWriter(output)


@dataclass
class _Pending:
    """The batch that is being filled."""

    apart: bool
    lines: list[tuple[int, bytes]] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    size: int = 0
    last: Any = None

    def is_full(self) -> bool:
        return len(self.lines) >= BATCH_RECORDS or self.size >= BATCH_BYTES

    def ends_before(self, conversation: Any) -> bool:
        return self.apart or conversation is None or conversation != self.last

    def add(self, number: int, line: bytes, *, conversation: Any) -> None:
        if self.lines and not self.ends_before(conversation):
            self.runs[-1] += 1
        else:
            self.runs.append(1)
        self.last = conversation
        self.lines.append((number, line))
        self.size += len(line)

    def taken(self) -> Batch:
        runs = None if self.apart else tuple(self.runs)
        batch = Batch(self.lines[0][0], self.lines, runs)
        self.lines, self.runs, self.size = [], [], 0
        return batch


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := stream.readline(MAXIMUM_LINE_BYTES):
        number += 1
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if len(line) == MAXIMUM_LINE_BYTES and not line.endswith(b"\n"):
            while (rest := stream.readline(MAXIMUM_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield number, _TOO_LONG
        elif line.strip():
            yield number, line


def _conversation(line: bytes, path: Path | None, *, seen: set[Path]) -> Any:
    """The value at the path; None for a line that is a conversation of its own."""
    if path is None:
        return None
    try:
        value = value_at(plain_value(line.decode("utf-8")), path)
    except (ValueError, RecursionError):
        return None
    if value is not None:
        seen.add(path)
    return value


def _decoded(line: bytes, reading: Reading, *, record: Record) -> JsonText | None:
    if line == _TOO_LONG:
        record.problem = "too long"
        return None
    try:
        return read_json(line.decode("utf-8").strip(" \t\r\n"), reading, found=record.found)
    except UnicodeDecodeError:
        record.problem = "not UTF-8"
    except RecursionError:
        record.problem = "nested too deeply"
    except ValueError:
        record.problem = "no JSON"
    record.found.clear()
    return None
