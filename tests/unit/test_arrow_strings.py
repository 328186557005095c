"""Texts in Arrow columns, found at any depth and put back without changing the schema."""

import datetime as dt
import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eval_pipeline.adapters.text_files.arrow_strings import ArrowStrings, Place
from eval_pipeline.adapters.text_files.field_paths import FieldChoice, parse_path
from eval_pipeline.adapters.text_files.json_text import Reading
from eval_pipeline.adapters.text_files.parquet import ParquetRows
from eval_pipeline.adapters.text_files.records import Places, Record
from eval_pipeline.adapters.text_files.streams import opened_input, opened_output

SENSITIVE = {"name": "PERSON", "phone": "PHONE"}

TEXTS = pa.list_(pa.string())
CALL = pa.struct([("name", pa.string()), ("arguments", pa.string())])
PERSON = pa.struct(
    [pa.field("name", pa.string(), nullable=False), ("born", pa.date32()), ("phone", pa.int64())]
)
COLUMNS = {
    "plain": pa.array(["a", None, "", "d"]),
    "large": pa.array(["a", "b", None, "d"], type=pa.large_string()),
    "view": pa.array(["a", "b", None, "d"], type=pa.string_view()),
    "number": pa.array([1, None, 3, 4]),
    "money": pa.array([Decimal("1.10"), None, None, Decimal("2.00")]),
    "at": pa.array([dt.datetime(2026, 1, 1, tzinfo=dt.UTC)] * 4),
    "nothing": pa.nulls(4),
    "lists": pa.array([["a", None], None, [], ["b"]], type=TEXTS),
    "deep": pa.array([[["a"], None], None, [[]], [["b", "c"]]], type=pa.large_list(TEXTS)),
    "pairs": pa.array([["a", "b"], None, ["c", None], ["d", "e"]], type=pa.list_(pa.string(), 2)),
    "map": pa.array(
        [[("k", ["a"])], None, [], [("phone", ["b"]), ("l", None)]],
        type=pa.map_(pa.string(), TEXTS),
    ),
    "person": pa.array(
        [{"name": "a", "born": None, "phone": 5}, None, None, {"name": "b"}], type=PERSON
    ),
    "calls": pa.array(
        [[{"name": "get_order", "arguments": '{"x": "y"}'}], None, [], [{"name": "b"}]],
        type=pa.list_(CALL),
    ),
    "coded": pa.array(["a", "b", None, "a"]).dictionary_encode(),
    "coded_small": pa.array(["a", "b", None, "a"]).cast(
        pa.dictionary(pa.int8(), pa.large_string())
    ),
    "json": pa.ExtensionArray.from_storage(pa.json_(), pa.array(['{"a": "b"}', None, "1", "[]"])),
}


def changed(
    array: pa.Array, change, *fields: str, sensitive=SENSITIVE
) -> tuple[pa.Array, ArrowStrings]:
    rows = pa.StructArray.from_arrays([array], fields=[pa.field("column", array.type)])
    chosen = tuple(parse_path(name, option="--field") for name in fields)
    strings = ArrowStrings(
        [Record(row) for row in range(len(array))], Reading(sensitive.get, FieldChoice(chosen))
    )
    rebuild = strings.read(rows, [Place(row, ()) for row in range(len(array))])
    texts = [[change(each) for each in record.found] for record in strings.records]
    return rebuild(texts).field(0), strings


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("cut", [slice(None), slice(1, None), slice(3, 4), slice(0, 0)])
def test_a_column_comes_back_unchanged_where_nothing_is_masked(name, cut):
    array = COLUMNS[name][cut]
    rebuilt, strings = changed(array, lambda each: each.text, sensitive={})
    assert rebuilt.type == array.type
    assert rebuilt.to_pylist() == array.to_pylist()
    rebuilt.validate(full=True)
    assert strings.blanked == 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain", ["<a>", None, "", "<d>"]),
        ("deep", [[["<a>"], None], None, [[]], [["<b>", "<c>"]]]),
        ("pairs", [["<a>", "<b>"], None, ["<c>", None], ["<d>", "<e>"]]),
        ("map", [[("k", ["<a>"])], None, [], [("phone", ["<b>"]), ("l", None)]]),
        ("coded_small", ["<a>", "<b>", None, "<a>"]),
        ("json", ['{"a": "<b>"}', None, "<1>", "[]"]),
    ],
)
def test_every_text_is_found_at_any_depth(name, expected):
    rebuilt, _ = changed(COLUMNS[name], lambda each: f"<{each.text}>")
    assert rebuilt.to_pylist() == expected


def test_sensitive_names_mask_whole_and_make_null_what_is_no_text():
    wholes = {}
    rebuilt, strings = changed(
        COLUMNS["person"], lambda each: wholes.setdefault(each.text, each.whole) or "-"
    )
    assert rebuilt.to_pylist() == [
        {"name": "PERSON", "born": None, "phone": None}, None, None,
        {"name": "PERSON", "born": None, "phone": None},
    ]  # fmt: skip
    assert strings.blanked == 1
    changed(COLUMNS["map"], lambda each: wholes.setdefault(each.text, each.whole) or "-")
    assert wholes["b"] == "PERSON"


def test_the_name_of_a_called_function_is_not_masked_whole():
    seen = []
    changed(COLUMNS["calls"], lambda each: seen.append((each.text, each.whole)) or "-")
    assert seen == [("get_order", None), ("y", None), ("b", "PERSON")]


def test_a_field_narrows_columns_too():
    rebuilt, _ = changed(COLUMNS["map"], lambda _each: "-", "column.k")
    assert rebuilt.to_pylist() == [[("k", ["-"])], None, [], [("phone", ["b"]), ("l", None)]]


def test_a_file_of_many_batches_comes_back_whole(tmp_path):
    table = pa.table(
        {
            "chat": [row // 5 for row in range(2_000)],
            "coded": pa.array([f"label {row // 90}" for row in range(2_000)]).dictionary_encode(),
            "tags": [[f"{row}"] * (row % 3) for row in range(2_000)],
            "note": [json.dumps({"row": row}) for row in range(2_000)],
        }
    )
    pq.write_table(table, tmp_path / "in.parquet", row_group_size=333)
    rows = ParquetRows()
    places = Places(conversation=("chat",))
    with (
        opened_input(str(tmp_path / "in.parquet")) as source,
        opened_output(str(tmp_path / "out.parquet")) as output,
    ):
        writer = rows.writer(output, source)
        lengths = []
        for batch in rows.batches(source, places, seen=set()):
            lengths += batch.conversations or ()
            decoded = rows.decode(batch, Reading(lambda _key: None, FieldChoice()), places)
            writer.write(
                decoded.encoded([[each.text for each in one.found] for one in decoded.records])
            )
        writer.finish()
        output.keep()
    assert lengths == [5] * 400
    assert pq.read_table(tmp_path / "out.parquet").equals(pq.read_table(tmp_path / "in.parquet"))
