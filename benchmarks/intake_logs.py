"""Logs for the intake's benchmark: the same rows from the same seed, in the layouts compared.

One week of interactions in the canonical schema: 12 routes by Zipf, conversations of three
interactions in the mean, text from a vocabulary by Zipf, so that it compresses as prose does and
not to nothing: 900 bytes a row come to some 400 of Parquet. The texts of a file are cuts of one
pool of words, begun elsewhere in every file.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROWS_A_FILE: Final = 500_000
ROUTES: Final = 12
LAYOUTS: Final = ("raw-duckdb", "raw-pyarrow", "pages-64k")
WEEK_START: Final = np.datetime64("2026-11-16T00:00:00", "us")
_POOL_WORDS: Final = 8_000_000
_HEX: Final = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)


@dataclass(frozen=True)
class Part:
    """One file's worth of rows, to be written in every layout named."""

    folder: Path
    number: int
    rows: int
    text_bytes: int
    layouts: tuple[str, ...]


def generate(
    folder: Path, *, rows: int, text_bytes: int, layouts: tuple[str, ...], first_file: int = 0
) -> None:
    """Writes `rows` rows to `folder/<layout>/part-*.parquet`, two files at a time.

    `text_bytes` are a row's texts in the mean: three fifths are the response, the rest the user's
    message.
    """
    for layout in layouts:
        (folder / layout).mkdir(parents=True, exist_ok=True)
    parts = [
        Part(folder, first_file + index, min(ROWS_A_FILE, rows - start), text_bytes, layouts)
        for index, start in enumerate(range(0, rows, ROWS_A_FILE))
    ]
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(_write, parts))


def _write(part: Part) -> None:
    table = _table(part.number, rows=part.rows, text_bytes=part.text_bytes)
    for layout in part.layouts:
        file = part.folder / layout / f"part-{part.number:03d}.parquet"
        if layout == "raw-duckdb":
            with duckdb.connect(config={"threads": 1}) as engine:
                engine.execute("SET enable_progress_bar = false")
                engine.from_arrow(table).write_parquet(str(file))
        elif layout == "raw-pyarrow":
            pq.write_table(table, file)
        else:
            pq.write_table(
                table,
                file,
                compression="zstd",
                data_page_size=64 * 1024,
                row_group_size=100_000,
            )


def _table(number: int, *, rows: int, text_bytes: int) -> pa.Table:
    rng = np.random.default_rng([2026, number])
    conversations = max(rows // 3, 1)
    # A conversation's interactions lie close to each other, as they do in a log.
    conversation = np.minimum(np.sort(rng.integers(0, conversations, rows)), conversations - 1)
    conversation = conversation[_shuffled_nearby(rng, rows=rows)]
    shares = 1 / np.arange(1, ROUTES + 1)
    route_of = rng.choice(ROUTES, size=conversations, p=shares / shares.sum())
    seconds = np.sort(rng.integers(0, 7 * 86_400 * 1_000_000, rows))
    columns = {
        "interaction_id": _hex(rng, count=rows, digits=32),
        "occurred_at": pa.array(WEEK_START + seconds).cast(pa.timestamp("us", tz="UTC")),
        "conversation_id": _hex(rng, count=conversations, digits=24).take(conversation),
        "user_id": _hex(rng, count=conversations, digits=16).take(conversation),
        "route": _of([f"route_{r:02d}" for r in range(ROUTES)], route_of[conversation]),
        "prompt_version": _of(["v1", "v2", "v3"], rng.integers(0, 3, rows)),
        "messages": _messages(rng, rows=rows, mean=text_bytes * 2 // 5),
        "response": _cuts(rng, mean=text_bytes * 3 // 5, count=rows),
        "provider": _of(["cloud"], np.zeros(rows, dtype=int)),
        "requested_model": _of(["large"], np.zeros(rows, dtype=int)),
        "served_model": _of(["large-2026-10"], np.zeros(rows, dtype=int)),
        "finish_reason": _of(["stop", "length"], rng.integers(0, 20, rows) // 19),
        "error": pa.nulls(rows, pa.string()),
        "latency_seconds": pa.array(rng.gamma(2.0, 0.6, rows).round(3)),
        "input_tokens": pa.array(rng.integers(20, 900, rows)),
        "output_tokens": pa.array(rng.integers(5, 500, rows)),
        "cost_usd": pa.array((rng.integers(1, 90, rows) / 10_000).round(4)),
        "outcome": pa.nulls(rows, pa.float64()),
        "feedback": pa.nulls(rows, pa.int8()),
        "escalated": pa.array(rng.integers(0, 50, rows) == 0),
        "attributes": pa.nulls(rows, pa.map_(pa.string(), pa.string())),
    }
    return pa.table(columns)


def _shuffled_nearby(rng: np.random.Generator, *, rows: int) -> np.ndarray:
    return np.argsort(np.arange(rows) + rng.integers(0, 60, rows), kind="stable")


def _hex(rng: np.random.Generator, *, count: int, digits: int) -> pa.Array:
    nibbles = rng.integers(0, 16, count * digits, dtype=np.uint8)
    offsets = np.arange(0, (count + 1) * digits, digits, dtype=np.int32)
    return _strings(offsets, _HEX[nibbles])


def _of(values: list[str], indices: np.ndarray) -> pa.Array:
    return pa.array(values).take(pa.array(indices))


def _messages(rng: np.random.Generator, *, rows: int, mean: int) -> pa.Array:
    """Two messages a row: the system's, always the same, and the user's."""
    system = "You are the assistant of an online pharmacy. Be brief and kind."
    contents = pa.concat_arrays(
        [pa.repeat(pa.scalar(system), rows), _cuts(rng, mean=mean, count=rows)]
    )
    order = np.arange(2 * rows).reshape(2, rows).T.ravel()
    roles = _of(["system", "user"], np.tile([0, 1], rows))
    turns = pa.StructArray.from_arrays([roles, contents.take(pa.array(order))], ["role", "content"])
    return pa.ListArray.from_arrays(pa.array(np.arange(0, 2 * rows + 1, 2, dtype=np.int32)), turns)


def _cuts(rng: np.random.Generator, *, mean: int, count: int) -> pa.Array:
    pool = _pool()
    lengths = rng.integers(mean // 2, mean + mean // 2, count)
    offsets = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    start = int(rng.integers(0, len(pool)))
    repeats = 2 + int(offsets[-1]) // len(pool)
    text = np.concatenate([pool[start:], *[pool] * repeats])[: offsets[-1]]
    return _strings(offsets.astype(np.int32), text)


def _strings(offsets: np.ndarray, data: np.ndarray) -> pa.Array:
    buffers = [pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.StringArray.from_buffers(len(offsets) - 1, *buffers)


@cache
def _pool() -> np.ndarray:
    rng = np.random.default_rng(2026)
    lengths = rng.integers(2, 11, 20_000)
    words = ["".join(chr(97 + c) for c in rng.integers(0, 26, length)) for length in lengths]
    ranks = np.minimum(rng.zipf(1.3, _POOL_WORDS), len(words)) - 1
    return np.frombuffer(" ".join([words[r] for r in ranks.tolist()]).encode(), dtype=np.uint8)
