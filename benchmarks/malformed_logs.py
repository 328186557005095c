"""10,000 malformed rows among 1,000,000 good ones: none crashes, all are counted, none is lost.

    python benchmarks/malformed_logs.py [--good 1000000] [--malformed 10000] [--seed 1]

Writes log files of every kind to a temporary folder, reads them through the weekly scan's own
views, and prints the reconciliation. Exits with 1 if anything does not add up.
"""

import argparse
import gzip
import hashlib
import io
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from eval_pipeline.adapters.logs.formats import mapped_records
from eval_pipeline.adapters.queries import connection, load_sql, translated
from eval_pipeline.settings import LogsSettings

BOM: Final = b"\xef\xbb\xbf"
OVERSIZED: Final = 50_000_000
TEXTS: Final = (
    "On its way.",
    "Grüße aus Köln, 1 200 €",
    "薬は食後に飲んでください。",
    "👩‍⚕️ take two \U0001f48a",
    'quotes " and \\ backslashes / \t tabs \n line ends \r\n inside',
    "\u2028 separators \u2029 \u0085 and \u0000 an escaped NUL",
    "[1, 2] {not: json} \ufeff",
)
OPTIONAL: Final = (
    "user_id", "latency_seconds", "input_tokens", "cost_usd", "outcome", "feedback", "escalated",
    "attributes", "arrived_at",
)  # fmt: skip
WRONG: Final[tuple[Any, ...]] = ("abc", [1], {"a": 1}, None, True, 1e400, -5, "NaN", "")
NOT_A_TIME: Final[tuple[Any, ...]] = ("soon", 5, [], {}, None, "2026-13-45", True, "20261117T")
NO_TIME_OF_OURS: Final = (
    "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    "1970-01-01T00:00:00Z", "infinity", "-infinity", "2100-01-01T00:00:00Z",
)  # fmt: skip
NO_MESSAGES: Final[tuple[Any, ...]] = ("hello", 5, {}, [], None, [1, 2], [None], True, "")


@dataclass
class Written:
    """What the files hold: `digest` is of the good rows' ids and texts, in any order."""

    good: int = 0
    malformed: Counter[str] = field(default_factory=Counter)
    digest: int = 0
    files: list[str] = field(default_factory=list)


def digest_of(row: dict[str, Any]) -> int:
    text = "|".join((row["interaction_id"], row["response"], row["messages"][0]["content"]))
    # DuckDB reads a digest as a little-endian number.
    return int.from_bytes(hashlib.md5(text.encode()).digest(), "little")


def good_row(number: int, dice: random.Random) -> dict[str, Any]:
    row: dict[str, Any] = {
        "interaction_id": f"i{number}",
        "occurred_at": f"2026-11-{17 + number % 5}T{number % 24:02}:00:00Z",
        "conversation_id": f"c{number // 3}",
        "route": ("orders", "refunds", "{3F2504E0}")[number % 3],
        "messages": [{"role": "user", "content": f"{dice.choice(TEXTS)} #{number}"}],
        "response": dice.choice(TEXTS),
        "latency_seconds": 1.5,
    }
    if dice.random() < 0.1:
        row[dice.choice(OPTIONAL)] = dice.choice(WRONG)
    return row


def good_line(row: dict[str, Any], dice: random.Random) -> bytes:
    text = json.dumps(row, ensure_ascii=dice.random() < 0.5)
    return text.replace("Infinity", "1e999").encode()


def changed(row: dict[str, Any], dice: random.Random, column: str, *values: Any) -> bytes:
    return json.dumps({**row, column: dice.choice(values)}).encode()


Malformation = Callable[[dict[str, Any], random.Random], tuple[bytes, str]]


def broken_bytes(row: dict[str, Any], dice: random.Random) -> tuple[bytes, str]:
    """Lines that are no JSON object."""
    line = json.dumps(row).encode()
    middle = b'"interaction_id": "'
    noise = bytes(byte for byte in dice.randbytes(80) if byte not in b"\r\n") or b"\xff"
    kinds = (
        line[: dice.randrange(1, len(line) - 1)],
        line.replace(middle, middle + b"\x00"),
        line.replace(middle, middle + b"\\ud800"),
        line.replace(middle, middle + b"\xed\xa0\x80"),
        line.replace(middle, middle + b"\xff\xfe"),
        line.replace(middle, middle + b"\xc3"),
        line + b" " + line,
        line + b"}",
        b"[" + line + b"]",
        b'{"a": ' + b"[" * dice.choice((10, 5_000)),
        b"\x00" + line,
        b"\xfe\xff" + noise,
        b'"{}"',
        dice.choice((b"null", b"5", b"true", b'"text"', b"[]", b",", b"interaction_id,route")),
    )
    return dice.choice(kinds), "malformed_line"


def wrong_type(row: dict[str, Any], dice: random.Random) -> tuple[bytes, str]:
    """JSON objects with a required value that is no such thing."""
    column = dice.choice(("interaction_id", "conversation_id", "route"))
    kinds = (
        (changed(row, dice, column, {"a": 1}, [], [1], {}), "malformed_line"),
        (changed(row, dice, column, None, ""), f"missing_{column}"),
        (changed(row, dice, "occurred_at", *NOT_A_TIME), "missing_occurred_at"),
        (changed(row, dice, "occurred_at", *NO_TIME_OF_OURS), "implausible_occurred_at"),
        (changed(row, dice, "messages", *NO_MESSAGES), "missing_messages"),
        (b"{}", "missing_interaction_id"),
    )
    return dice.choice(kinds)


def oversized(row: dict[str, Any]) -> tuple[bytes, str]:
    return json.dumps({**row, "response": "x" * OVERSIZED}).encode(), "malformed_line"


def lines_of(
    written: Written, *, start: int, good: int, malformed: int, large: int, dice: random.Random
) -> Iterator[bytes]:
    """Good and malformed lines, shuffled; blank ones between them are not counted."""
    bad_at = set(dice.sample(range(good + malformed), malformed))
    for place in range(good + malformed):
        row = good_row(start + place, dice)
        if dice.random() < 0.001:
            yield dice.choice((b"", b"   ", b"\t"))
        if place not in bad_at:
            written.good += 1
            written.digest ^= digest_of(row)
            yield good_line(row, dice)
            continue
        if large:
            large -= 1
            line, reason = oversized(row)
        else:
            line, reason = dice.choice((broken_bytes, wrong_type))(row, dice)
        written.malformed[reason] += 1
        yield line


def write_files(folder: Path, *, good: int, malformed: int, seed: int, large: int) -> Written:
    """Five files: short lines, a mark and CRLF, gzip, zstd, and a plain one with lines too long."""
    written = Written()
    dice = random.Random(seed)
    endings = (("short.jsonl", b"\n"), ("mark.ndjson", b"\r\n"), ("a.jsonl.gz", b"\n"),
               ("b.jsonl.zst", b"\n"), ("long.json", b"\n"))  # fmt: skip
    for number, (name, end) in enumerate(endings):
        lines = lines_of(
            written, start=number * 10_000_000, good=good // 5, malformed=malformed // 5,
            large=large if name != "short.jsonl" else 0, dice=dice,
        )  # fmt: skip
        with _writer(folder / name) as file:
            if name.startswith("mark"):
                file.write(BOM)
            for line in lines:
                file.write(line + end)
        written.files.append(str(folder / name))
    return written


def _writer(path: Path) -> Any:
    if path.suffix == ".gz":
        return io.BufferedWriter(gzip.open(path, "wb", compresslevel=1))
    if path.suffix == ".zst":
        return pa.CompressedOutputStream(str(path), "zstd")
    return path.open("wb")


def read_back(files: list[str]) -> tuple[int, Counter[str], int]:
    """Good rows, malformed rows by reason and the good ones' digest, as the scan sees them."""
    settings = LogsSettings(path="*", format="canonical")
    with connection() as engine, translated("the files", files=files):
        mapped_records(
            engine, settings=settings, files=files, location="the files", own_query=None
        ).create_view("mapped")
        engine.sql(load_sql("sources/canonical")).create_view("interactions")
        counted = engine.sql(
            "SELECT coalesce(reason, 'good'), count(*), coalesce(bit_xor(CASE WHEN reason IS NULL "
            "THEN md5_number(interaction_id || '|' || response || '|' || messages[1].content) END),"
            " 0) FROM interactions GROUP BY ALL"
        ).fetchall()
    by_reason = Counter({reason: count for reason, count, _ in counted})
    digest = next((digest for reason, _, digest in counted if reason == "good"), 0)
    good = by_reason.pop("good", 0)
    return good, by_reason, digest


def problems(written: Written, found: tuple[int, Counter[str], int]) -> list[str]:
    good, malformed, digest = found
    wrong = []
    if good != written.good:
        wrong.append(f"good rows: {written.good:,} written, {good:,} read")
    if malformed != written.malformed:
        wrong.append(f"malformed: {dict(written.malformed)} written, {dict(malformed)} read")
    if digest != written.digest:
        wrong.append("the good rows' texts are not what was written")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--good", type=int, default=1_000_000)
    parser.add_argument("--malformed", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=1, help="50 MB lines in each file but one")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        written = write_files(
            Path(folder), good=asked.good, malformed=asked.malformed, seed=asked.seed,
            large=asked.large,
        )  # fmt: skip
        made = time.perf_counter()
        found = read_back(written.files)
        read = time.perf_counter()
    wrong = problems(written, found)
    print(
        f"written    {written.good + written.malformed.total():>10,} rows in {made - started:.1f} s"
    )
    print(f"good       {found[0]:>10,} read in {read - made:.1f} s")
    for reason, count in sorted(found[1].items()):
        print(f"malformed  {count:>10,} {reason}")
    print(f"lost       {written.good - found[0]:>10,}")
    print(f"peak       {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:>10,} MB")
    print("\n".join(f"WRONG: {problem}" for problem in wrong) or "Everything adds up.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
