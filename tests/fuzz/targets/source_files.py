"""Files that are compared with or trained on: every record is told, and damage has a sentence."""

from typing import Final

from eval_pipeline.adapters.known_texts import read_records
from eval_pipeline.anonymisation.checks.known_values import KnownValueScan, hash_known_values
from eval_pipeline.anonymisation.names.labelled_text import (
    LabelledTextError,
    read_conll,
    read_spans,
)
from eval_pipeline.errors import SettingsError
from tests.fuzz.target import MARK, Target, only, promise, stored, text_of, variant_of

ENDINGS: Final = (".txt", ".md", ".jsonl", ".json", ".csv", ".parquet", ".jsonl.gz", ".txt.zst")
VARIANTS: Final = (*ENDINGS, "labelled", "known values")


def run(data: bytes) -> object:
    """The bytes as a file of the variant's kind."""
    variant, rest = variant_of(data, VARIANTS)
    if variant == "labelled":
        return _labelled(text_of(rest))
    if variant == "known values":
        return _known(text_of(rest))
    with stored(rest, f"source{variant}") as file:
        with only(SettingsError, quoting=rest) as told:
            records = list(read_records(file))
            numbers = [record.number for record in records]
            promise(numbers == sorted(numbers), "records out of order")
            if variant == ".jsonl":
                plain = rest.removeprefix(b"\xef\xbb\xbf")
                lines = [line for line in plain.split(b"\n") if line.strip()]
                promise(len(records) == len(lines), "a line was dropped without a word")
            return repr(records)
        return told


def _labelled(text: str) -> object:
    found: list[object] = []
    for read in (read_conll, read_spans):
        with only(LabelledTextError) as told:
            found.append(read(text.splitlines(keepends=True)))
        promise(MARK not in "".join(told), "an error quotes labelled text")
        found += told
    return found


def _known(text: str) -> object:
    with only(ValueError) as told:
        lines = text.splitlines()
        hashed = list(hash_known_values(lines, key=b"fuzz"))
        counts = [KnownValueScan(some, key=b"fuzz").count(text) for some in (lines, hashed)]
        promise(counts[0] == counts[1], "hashed, the values are found elsewhere")
        return [hashed, counts]
    promise(MARK not in "".join(told), "an error quotes known values")
    return told


TARGET: Final = Target(
    name="source_files",
    run=run,
    structure="json lines",
    variants=VARIANTS,
    examples=60,
    seeds=(
        b".txt\nA line\r\n\n\xffnot UTF-8\n",
        b'.jsonl\n{"a": ["x", "{\\"b\\": \\"y\\"}"]}\nno json ' + MARK.encode() + b'\n"z"\n',
        b'.json\n[{"a": "x"}, "y", 1] trailing',
        b'.json\n{"a": "x"}\n{"b": "y"}',
        b'.csv\na,b\n1,"x\ny"\n"z',
        b".csv\n" + b"a," * 300 + b"\0\n",
        b".parquet\nPAR1",
        b"labelled\nMaria B-PER\nsang O\n\n# c\nAcme\tB-ORG\n",
        b'labelled\n{"text": "Ana of Acme", "spans": [{"start": 0, "end": 3, "label": "PER"}]}',
        (
            b'labelled\n{"data": {"text": "Ana"}, "annotations": [{"result": [{"value": '
            b'{"start": 0, "end": 3, "labels": ["PER"]}}]}]}'
        ),
        b"known values\nMaria Lopez\n0012 3456\nhmac:2:0011223344556677\n",
    ),
    words=("text", "full_text", "spans", "entities", "start", "end", "label", "labels", "PER",
    "B-LOC", "O",
           "start_position", "annotations", "result", "value", "data", "hmac:0:", "hmac:3:",
           "ff" * 16, ",",
           '"', "-DOCSTART-", "\t", "[", "]", "\x1e", "\u2028"),
)  # fmt: skip
