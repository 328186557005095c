"""Files through the anonymiser: what is no string stays as it is, no record is lost silently."""

import io
import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from eval_pipeline.adapters.text_files.failures import (
    AnonymiseRequestError,
    UnreadableFileError,
)
from eval_pipeline.adapters.text_files.field_paths import FieldChoice
from eval_pipeline.adapters.text_files.json_text import Found, Reading, plain_value, read_json
from eval_pipeline.adapters.text_files.parquet import ParquetRows
from eval_pipeline.adapters.text_files.records import Places
from eval_pipeline.adapters.text_files.streams import opened_input
from eval_pipeline.anonymisation.anonymiser import Anonymiser
from eval_pipeline.flows.masked_batches import FORMATS, MaskedBatch, Masker, MaskingPlan
from eval_pipeline.settings import AnonymisationSettings
from tests.fuzz.target import Target, only, promise, stored, text_of, variant_of

ENDINGS: Final = {
    "jsonl": ".jsonl", "jsonl by conversation": ".jsonl", "text": ".txt", "parquet": ".parquet",
    "jsonl gz": ".jsonl.gz", "jsonl zst": ".jsonl.zst",
}  # fmt: skip
VARIANTS: Final = (*ENDINGS, "strings")
SETTINGS: Final = AnonymisationSettings.model_validate(
    {"recognisers": ["email", "phone", "secret"]}
)


@cache
def _anonymiser() -> Anonymiser:
    return Anonymiser(SETTINGS, key=b"fuzz")


def run(data: bytes) -> object:
    """The bytes as a file of the variant's kind, masked and encoded; or as one JSON text."""
    variant, rest = variant_of(data, VARIANTS)
    if variant == "strings":
        return _strings(text_of(rest))
    with stored(rest, f"file{ENDINGS[variant]}") as file:
        return _masked(variant, file, rest)


def _masked(variant: str, file: Path, data: bytes) -> object:
    kind: Any = variant.partition(" ")[0]
    places = Places(conversation=("c",), route=("r",)) if "by" in variant else Places()
    masker = Masker(MaskingPlan(SETTINGS, b"fuzz", kind, places=places), _anonymiser())
    payloads, records, bad = [], 0, 0
    with only(UnreadableFileError, AnonymiseRequestError, quoting=data) as told:
        if kind == "parquet":
            ParquetRows().check(str(file), Reading(_anonymiser().sensitive_kind, FieldChoice(())))
        with opened_input(str(file)) as source:
            for batch in FORMATS[kind].batches(source, places, seen=set()):
                masked = masker.mask(batch)
                promise(isinstance(masked, MaskedBatch), f"masking failed: {masked}")
                assert isinstance(masked, MaskedBatch)
                payloads.append(masked.payload)
                records += masked.tally.records
                bad += sum(masked.tally.bad_lines.values())
        if variant in {"jsonl", "jsonl by conversation"}:
            plain = data.removeprefix(b"\xef\xbb\xbf")
            lines = [line for line in plain.split(b"\n") if line.strip()]
            promise(records + bad == len(lines), "a line is neither masked nor told")
            promise(sum(each.count(b"\n") for each in payloads) == records, "lines out are not in")
        if kind == "parquet":
            rows = [pa.ipc.open_stream(each).read_all().num_rows for each in payloads]
            promise(sum(rows) == records, "rows out are not rows in")
    return told or payloads


def _strings(text: str) -> object:
    """Strings found, left as they are: the same text; replaced: the same but for them."""
    found: list[Found] = []
    reading = Reading(_anonymiser().sensitive_kind, FieldChoice(()))
    with only(ValueError, RecursionError):
        document = read_json(text, reading, found=found)
        same = document.masked([one.text for one in found], found)
        promise(same == text, "a text in which nothing was masked has changed")
        covered = document.masked(["x" for _ in found], found)
        _covered(plain_value(text), plain_value(covered))
        return [covered, found]
    return None


def _covered(before: Any, after: Any) -> None:
    """The same keys, lists and numbers; each string is masked, or is JSON whose strings are."""
    pending = [(before, after)]
    while pending:
        one, other = pending.pop()
        if isinstance(one, dict):
            promise(isinstance(other, dict) and list(one) == list(other), "keys have changed")
            pending += [(one[key], other[key]) for key in one]
        elif isinstance(one, list):
            promise(isinstance(other, list) and len(one) == len(other), "a list has changed")
            pending += list(zip(one, other, strict=True))
        elif isinstance(one, bool) or one is None:
            promise(one is other or other == "x", "true, false or null has changed")


def _parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


LINE: Final = {
    "c": "c1", "r": "orders", "n": 1.50, "tags": ["a", None], "name": "Ana", "password": 12345678,
    "messages": [{"role": "user", "content": "mail kai@example.org"}],
    "arguments": '{"to": "kai@example.org", "n": [1, "{\\"deep\\": \\"kai@example.org\\"}"]}',
}  # fmt: skip
TARGET: Final = Target(
    name="anonymised_files",
    run=run,
    structure="json lines",
    variants=VARIANTS,
    examples=60,
    seeds=(
        b"jsonl\n" + json.dumps(LINE).encode() + b"\n\nno json\n" + json.dumps(LINE).encode(),
        b"jsonl by conversation\n" + b"\n".join([json.dumps(LINE).encode()] * 3) + b'\n{"c": {}}',
        b'strings\n{"a" : [1e5 ,"\\u00e9\\ud800", "[\\"x\\"]"], "a": "\\"kai@example.org\\""}',
        b"strings\n" + b"[" * 1_500 + b"]" * 1_500,
        b"text\nHello kai@example.org\r\n\r\nmore\r",
        b"parquet\n" + _parquet(a=["kai@example.org", None], b=[["x"], []], c=[1, 2]),
        b"parquet\n" + _parquet(j=['{"password": "p"}', "{"], m=[{"k": "kai@example.org"}] * 2),
    ),
    words=("c", "r", "name", "password", "content", "role", "function", "tool", "arguments",
    "parameters",
           "type", "kai@example.org", '{"a": "b"}', "[1]", "\\ud800", "1e5", "api_key",
           "get_order.v1"),
)  # fmt: skip
