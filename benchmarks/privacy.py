"""What anonymisation finds, how fast, and what it costs, beside Presidio in the same run.

    python benchmarks/privacy.py [--parts quality speed utility] [--data FOLDER]
        [--corpora NAME ...] [--labelled FILE ...] [--documents N] [--texts plain dense]
        [--queries N] [--rounds 5] [--seconds 5] [--markdown FILE]

Needs the public data that EVAL_PIPELINE_REAL_DATA names for quality and utility, and the extra
`presidio` for Presidio; what is absent is skipped and said. `--labelled` measures on your own
texts: JSON lines or Parquet with `text` and `spans` of start, end and entity_type.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from privacy_corpora import CORPORA, corpus_of
from privacy_quality import quality
from privacy_speed import TEXTS, speed
from privacy_tables import Table
from privacy_utility import SETS, utility

PARTS: Final = ("quality", "speed", "utility")
ROOT: Final = Path(__file__).parents[1]


def tables(asked: argparse.Namespace) -> Iterator[Table | str]:
    """The tables asked for, one by one as they are done; a text says what is skipped."""
    if "quality" in asked.parts:
        for name in asked.corpora:
            try:
                yield from quality(CORPORA[name](asked.data).of(asked.documents))
            except OSError:
                yield f"{name}: skipped, it is not in {asked.data}.\n"
        for file in asked.labelled:
            yield from quality(corpus_of(file, name=file.stem).of(asked.documents))
    if "speed" in asked.parts:
        yield from speed(asked.texts, rounds=asked.rounds, seconds=asked.seconds)
    if "utility" in asked.parts:
        for name in SETS:
            try:
                yield utility(asked.data, name, count=asked.queries)
            except OSError:
                yield f"{name}: skipped, it is not in {asked.data}.\n"


def main() -> None:
    data = ROOT / os.environ.get("EVAL_PIPELINE_REAL_DATA", "../shared/data")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--data", type=Path, default=data.resolve(), help="the public data")
    parser.add_argument("--corpora", nargs="+", choices=CORPORA, default=tuple(CORPORA))
    parser.add_argument("--labelled", type=Path, nargs="+", default=(), help="your own texts")
    parser.add_argument("--documents", type=int, help="the first texts of a corpus alone")
    parser.add_argument("--texts", nargs="+", choices=TEXTS, default=TEXTS, help="to time on")
    parser.add_argument("--queries", type=int, help="so many of an intent alone")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=5.0, help="of one run of one engine")
    parser.add_argument("--markdown", type=Path, help="a file to write the tables to as well")
    asked = parser.parse_args()
    told = []
    for table in tables(asked):
        print(table, flush=True)
        told.append(str(table))
    if asked.markdown:
        asked.markdown.write_text("\n".join(told), encoding="utf-8")


if __name__ == "__main__":
    main()
