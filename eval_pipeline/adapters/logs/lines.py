"""Files of JSON lines as a relation: whatever a line holds, it is one row and no failure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import duckdb
import numpy as np
import pyarrow as pa

from eval_pipeline.adapters.queries import load_sql

MAXIMUM_LINE_BYTES: Final = 16 * 2**20
"""A longer line is malformed: no interaction is that long, and readers hold whole lines."""

COMPRESSIONS: Final = {".gz": "gzip", ".zst": "zstd"}
_BLOCK_BYTES: Final = 8 * 2**20
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_TEXTS: Final = pa.schema([("text", pa.large_string())])
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|["{}\[\],]', re.DOTALL)
_STEPS: Final = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
_BEGINS: Final = frozenset({b"[", b"{", b","})
_ENDS: Final = frozenset({b"]", b"}", b","})


def lines_of(engine: duckdb.DuckDBPyConnection, *, files: Sequence[str]) -> duckdb.DuckDBPyRelation:
    """The relation `lines` (line JSON): one row per line that is not blank, null if it is no JSON.

    DuckDB reads what it can be trusted with, files whose lines are all short enough. It stops at
    a line beyond its buffer and loses a line behind a byte order mark, so the rest is read here.
    """
    plain = [file for file in files if _is_plain(file)]
    careful = [file for file in files if file not in set(plain)]
    relations = []
    if plain:
        parameters = {"files": plain, "maximum_bytes": MAXIMUM_LINE_BYTES}
        relations.append(engine.sql(load_sql("sources/plain_lines"), params=parameters))
    if careful:
        engine.register("careful_lines", CarefulLines(careful))
        relations.append(engine.sql(load_sql("sources/careful_lines")))
    return relations[0] if len(relations) == 1 else relations[0].union(relations[1])


class CarefulLines:
    """The lines of files as an Arrow stream, read anew for every scan; memory is a few blocks.

    `text` is null for a line that is too long or not UTF-8. A `.json` file that begins with a
    bracket is one list, whose elements are the lines.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._files = tuple(files)

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        """A new stream over all files, in their order."""
        batches = (batch for file in self._files for batch in _batches(file))
        reader = pa.RecordBatchReader.from_batches(_TEXTS, batches)
        return reader.__arrow_c_stream__(requested_schema)


def ending(file: str) -> str:
    """What the file is by its name, whatever compresses it: `.jsonl` of `a.jsonl.gz`."""
    suffixes = [suffix.lower() for suffix in Path(file).suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def opened(file: str) -> BinaryIO:
    """The file's bytes as they are stored, from this machine or an object store."""
    scheme, separator, _ = file.partition("://")
    if not separator:
        return Path(file).open("rb")
    from eval_pipeline.adapters.logs.object_files import ObjectFiles  # noqa: PLC0415 - an optional extra

    return cast("BinaryIO", ObjectFiles(scheme).open(file))


def blocks(file: str) -> Iterator[bytes]:
    """The file's bytes, decompressed by its ending, without a byte order mark."""
    method = COMPRESSIONS.get(Path(file).suffix.lower())
    with closing(opened(file)) as stored:
        try:
            plain: Any = stored
            if method is not None:
                plain = pa.CompressedInputStream(pa.PythonFile(stored, mode="r"), method)
            first = True
            while block := plain.read(_BLOCK_BYTES):
                yield block.removeprefix(_BYTE_ORDER_MARK) if first else block
                first = False
        except OSError:
            # What the library says may quote the file; the sign is what `translated` looks for.
            raise OSError(f"could not read {file}") from None


def _is_plain(file: str) -> bool:
    """Whether DuckDB reads every line of this file: uncompressed, no list, no mark, none too long.

    Looks for one line end in each stretch of the maximum, so a file costs a few small reads.
    """
    if Path(file).suffix.lower() in COMPRESSIONS:
        return False
    with closing(opened(file)) as stream:
        head = stream.read(len(_BYTE_ORDER_MARK) + 64)
        if head.startswith(_BYTE_ORDER_MARK) or _is_list(file, head):
            return False
        size = stream.seek(0, 2)
        start = 0
        while size - start > MAXIMUM_LINE_BYTES:
            end = _last_line_end(stream, start=start, stop=start + MAXIMUM_LINE_BYTES)
            if end is None:
                return False
            start = end
    return True


def _last_line_end(stream: BinaryIO, *, start: int, stop: int, step: int = 2**16) -> int | None:
    """Where the last line that ends between `start` and `stop` ends, read from the back."""
    while stop > start:
        begin = max(start, stop - step)
        stream.seek(begin)
        found = stream.read(stop - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        stop = begin
    return None


def _is_list(file: str, head: bytes) -> bool:
    return ending(file) == ".json" and head.lstrip().startswith(b"[")


def _batches(file: str) -> Iterator[pa.RecordBatch]:
    found = blocks(file)
    first = next(found, b"")
    rest = _chained(first, found)
    yield from _element_batches(rest) if _is_list(file, first[:64]) else _line_batches(rest)


def _chained(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _line_batches(found: Iterable[bytes]) -> Iterator[pa.RecordBatch]:
    carried, skipping = b"", False
    for whole in found:
        block = whole
        if skipping:
            end = block.find(b"\n") + 1
            if not end:
                continue
            block, skipping = block[end:], False
        cut = block.rfind(b"\n") + 1
        if cut:
            yield _batch(carried + block[:cut])
            carried = block[cut:]
        else:
            carried += block
        if len(carried) > MAXIMUM_LINE_BYTES:
            yield _batch_of([None])
            carried, skipping = b"", True
    if carried:
        yield _batch(carried)


def _batch(data: bytes) -> pa.RecordBatch:
    """Whole lines without a copy: each text keeps its line end, which JSON does not see."""
    ends = np.flatnonzero(np.frombuffer(data, dtype=np.uint8) == ord("\n")) + 1
    if not len(ends) or ends[-1] != len(data):
        ends = np.append(ends, len(data))
    offsets = np.concatenate([[0], ends]).astype(np.int64)
    texts = _large_strings(data, offsets, valid=np.diff(offsets) <= MAXIMUM_LINE_BYTES)
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        valid = [_is_text(data[start:end]) for start, end in pairwise(offsets)]
        texts = _large_strings(data, offsets, valid=np.array(valid))
    return pa.record_batch([texts], schema=_TEXTS)


def _large_strings(data: bytes, offsets: Any, *, valid: Any) -> pa.Array:
    mask = pa.py_buffer(np.packbits(valid, bitorder="little").tobytes())
    buffers = [None if valid.all() else mask, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, buffers)


def _is_text(line: bytes) -> bool:
    if len(line) > MAXIMUM_LINE_BYTES:
        return False
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _batch_of(lines: Sequence[bytes | None]) -> pa.RecordBatch:
    texts = [
        line.decode("utf-8") if line is not None and _is_text(line) else None for line in lines
    ]
    return pa.record_batch([pa.array(texts, type=pa.large_string())], schema=_TEXTS)


def _element_batches(found: Iterable[bytes]) -> Iterator[pa.RecordBatch]:
    """The elements of one list; a last one that is cut off, or what follows the list, is null."""
    data, depth, begin, at = b"", 0, 0, 0
    for block in found:
        data, begin, at = data[begin:] + block, 0, at - begin
        elements: list[bytes | None] = []
        token = _TOKEN.search(data, at)
        # A quote alone opens a string that ends in a block to come.
        while token is not None and token.group() != b'"':
            mark, at = token.group(), token.end()
            if depth == 1 and mark in _ENDS and (text := data[begin : token.start()].strip()):
                elements.append(text)
            depth = max(0, depth + _STEPS.get(mark, 0))
            if depth == 0 or (depth == 1 and mark in _BEGINS):
                begin = at
            token = _TOKEN.search(data, at)
        at = len(data) if token is None else token.start()
        yield _batch_of(elements)
    if data[begin:].strip():
        yield _batch_of([None])
