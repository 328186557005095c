"""One engine's rate in a process of its own, so that its memory is its own.

python benchmarks/privacy_rates.py ENGINE SECONDS plain|dense
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path
from typing import Final

import duckdb
from privacy_engines import (
    PRESIDIO,
    Find,
    UnavailableError,
    anonymiser,
    presidio,
    structured_core,
)
from privacy_texts import texts

from eval_pipeline.anonymisation.finding import Passage

DOCUMENTS: Final = 2_000
WHOLE: Final = "whole engine"
_WARM_UP: Final = 20
_TOGETHER: Final = 256
_PATTERNS: Final = (
    (r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9.\-]+\.[A-Za-z]{2,}", "EMAIL"),
    (r"https?://[^\s<>\"']+", "URL"),
    (r"\b[A-Z]{2}[0-9]{2}(?:[ ]?[A-Z0-9]){11,30}\b", "IBAN"),
    (r"\b(?:[0-9][ \-]?){12,18}[0-9]\b", "CARD"),
    (r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b", "NATIONAL_ID"),
    (r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b", "IP"),
    (r"\b(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}\b", "IP"),
    (r"\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b", "MAC"),
    (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
    (r"\b(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9]\b", "DATE"),
    (r"(?:\+?1[ .\-]?)?\(?[0-9]{3}\)?[ .\-]?[0-9]{3}[ .\-]?[0-9]{4}(?:x[0-9]{1,5})?", "PHONE"),
)
"""What a query can do: patterns alone, without validators, context or names."""


Rates = dict[str, float]
Measure = Callable[[Sequence[str], float], Rates]


class Clock:
    """Wall-clock and processor time since it was made."""

    def __init__(self) -> None:
        self._started, self._used = time.perf_counter(), time.process_time()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._started

    def rates(self, documents: int) -> Rates:
        """Documents a second, and a second of the processor."""
        used = time.process_time() - self._used
        return {"rate": documents / self.seconds, "processor": documents / used}


def in_python(make: Callable[[], Find]) -> Measure:
    def rate(documents: Sequence[str], seconds: float) -> Rates:
        find = make()
        for document in documents[:_WARM_UP]:
            find(document)
        clock, done = Clock(), 0
        for document in cycle(documents):
            find(document)
            done += 1
            if clock.seconds >= seconds:
                break
        return clock.rates(done)

    return rate


def in_batches(documents: Sequence[str], seconds: float) -> Rates:
    """Masked, stand-ins written and scanned again, many at a time, as a weekly run does."""
    masker = anonymiser()
    batches = [
        [[Passage(document)] for document in documents[start : start + _TOGETHER]]
        for start in range(0, len(documents), _TOGETHER)
    ]
    masker.mask_conversations(batches[0])
    clock, done = Clock(), 0
    for batch in cycle(batches):
        masker.mask_conversations(batch)
        done += len(batch)
        if clock.seconds >= seconds:
            break
    return clock.rates(done)


def in_duckdb(documents: Sequence[str], seconds: float) -> Rates:
    masked = "text"
    for pattern, kind in _PATTERNS:
        masked = (
            f"regexp_replace({masked}, '{pattern.replace(chr(39), chr(39) * 2)}', '[{kind}]', 'g')"
        )
    with duckdb.connect(config={"threads": 1}) as engine:
        engine.execute("CREATE TABLE documents AS SELECT unnest($1) AS text", [list(documents)])
        query = f"SELECT sum(strlen({masked})) FROM documents"
        engine.execute(query).fetchall()
        clock, done = Clock(), 0
        while clock.seconds < seconds:
            engine.execute(query).fetchall()
            done += len(documents)
        return clock.rates(done)


RATES: Final[dict[str, Measure]] = {
    WHOLE: in_batches,
    "structured core, re": in_python(lambda: structured_core("re")),
    "structured core, hyperscan": in_python(lambda: structured_core("hyperscan")),
    PRESIDIO: in_python(presidio),
    f"DuckDB, {len(_PATTERNS)} patterns": in_duckdb,
}


def measure(name: str, *, dense: bool, seconds: float) -> None:
    """Runs one engine; prints its rates and MB at the peak as JSON, or why it cannot."""
    documents = list(texts(DOCUMENTS, dense=dense))
    try:
        rates = RATES[name](documents, seconds)
    except UnavailableError as reason:
        print(json.dumps({"unavailable": str(reason)}))
        return
    status = Path("/proc/self/status").read_text(encoding="ascii").split()
    megabytes = int(status[status.index("VmHWM:") + 1]) / 1024
    print(json.dumps({**rates, "megabytes": megabytes}))


if __name__ == "__main__":
    engine, of_seconds, kind = sys.argv[1:]
    measure(engine, dense=kind == "dense", seconds=float(of_seconds))
