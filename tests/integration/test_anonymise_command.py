"""`eval-pipeline anonymise`: files in, masked files out or nothing, and what is said about it."""

import gzip
import json
import os
import stat
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eval_pipeline.cli.app import app

MAIL = "zebedee.quill@example.com"
CUSTOM = """
anonymisation:
  custom_patterns: [{name: ORDER, pattern: 'order [0-9]+'}]
  allow: {shop: [Dove Smith], "*": []}
"""
ENDLESS = """
anonymisation:
  recognisers: [email]
  custom_patterns: [{name: LETTER, pattern: '(?<![^\\]])[a-z]'}]
"""
"""Masks one letter a round, so a long word outlasts every round and the second scan finds it."""


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path, monkeypatch, capfd):
    """Runs the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVAL_PIPELINE_CONFIG", raising=False)
    monkeypatch.delenv("EVAL_PIPELINE_KEY", raising=False)
    capfd.readouterr()

    def ran(*arguments: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            app(["anonymise", *arguments])
        seen = capfd.readouterr()
        return Ended(ended.value.code or 0, seen.out, seen.err)

    return ran


def write_lines(*records: object, name: str = "in.jsonl") -> Path:
    file = Path(name)
    lines = [record if isinstance(record, str) else json.dumps(record) for record in records]
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def lines_of(name: str = "out.jsonl") -> list[object]:
    return [json.loads(line) for line in Path(name).read_text(encoding="utf-8").splitlines()]


def folder() -> set[str]:
    return {file.name for file in Path().iterdir()}


# JSON lines


def test_json_lines_are_masked_in_order_and_keep_keys_numbers_and_shape(run):
    write_lines(
        {"id": 1, "messages": [{"role": "user", "content": f"Write to {MAIL}"}], "n": 1.5},
        {"id": 2, "phone": 4915112345678, "ok": True, "text": None, "e": ""},
    )
    ended = run("in.jsonl", "out.jsonl")
    assert ended.code == 0, ended.err
    assert lines_of() == [
        {"id": 1, "messages": [{"role": "user", "content": "Write to [EMAIL_1]"}], "n": 1.5},
        {"id": 2, "phone": "[PHONE_1]", "ok": True, "text": None, "e": ""},
    ]
    assert stat.S_IMODE(Path("out.jsonl").stat().st_mode) == 0o600
    assert folder() == {"in.jsonl", "out.jsonl"}
    assert "email 1" in ended.out
    assert MAIL not in ended.out + ended.err


def test_unicode_lone_surrogates_and_escaped_json_stay_what_they_are(run):
    inner = json.dumps({"note": f"größe 😀 {MAIL}", "n": 4111111111111111})
    write_lines(
        '{"a": "gr\u00f6\u00dfe \U0001f600", "b": "\\ud83d ' + MAIL + '", "c": "\\u00e9"}',
        {"tool": inner},
    )
    Path("c.yaml").write_text("anonymisation: {recognisers: [email, card]}", encoding="utf-8")
    assert run("in.jsonl", "out.jsonl", "--config", "c.yaml").code == 0
    first, second = Path("out.jsonl").read_text(encoding="utf-8").splitlines()
    assert first == '{"a": "größe 😀", "b": "\\ud83d [EMAIL_1]", "c": "\\u00e9"}'
    assert json.loads(json.loads(second)["tool"]) == {"note": "größe 😀 [EMAIL_1]", "n": "[CARD_1]"}


def test_each_record_is_its_own_conversation_unless_a_field_joins_neighbours(run):
    said = [("a", f"I am {MAIL}"), ("a", f"again: {MAIL}"), ("b", "me@else.example"), ("a", MAIL)]
    write_lines(*({"chat": chat, "text": f"{text} and ops@north.example"} for chat, text in said))
    assert run("in.jsonl", "apart.jsonl").code == 0
    assert [line["text"].count("[EMAIL_1]") for line in lines_of("apart.jsonl")] == [1, 1, 1, 1]
    assert run("in.jsonl", "out.jsonl", "--conversation-field", "chat").code == 0
    assert [line["text"] for line in lines_of()] == [
        "I am [EMAIL_1] and [EMAIL_2]", "again: [EMAIL_1] and [EMAIL_2]",
        "[EMAIL_1] and [EMAIL_2]", "[EMAIL_1] and [EMAIL_2]",
    ]  # fmt: skip


def test_a_field_narrows_and_one_that_never_occurs_is_an_error(run):
    write_lines({"a": {"b": [MAIL], "c": MAIL}, "d": MAIL})
    assert run("in.jsonl", "out.jsonl", "--field", "a.b[]").code == 0
    assert lines_of() == [{"a": {"b": ["[EMAIL_1]"], "c": MAIL}, "d": MAIL}]
    ended = run("in.jsonl", "none.jsonl", "--field", "a.b[]", "--field", "a.x")
    assert ended.code == 1
    assert "'a.x' occurs in none of the 1 records" in ended.err
    assert not Path("none.jsonl").exists()


@pytest.mark.parametrize("option", ["--conversation-field", "--route-field"])
def test_a_place_that_never_occurs_is_an_error(run, option):
    write_lines({"a": 1})
    ended = run("in.jsonl", "out.jsonl", option, "nowhere")
    assert ended.code == 1
    assert f"{option}: the field 'nowhere' occurs in none" in ended.err
    assert folder() == {"in.jsonl"}


BAD = ['{"a": "Zebedee', "Zebedee", "[" * 100_000 + "Zebedee", '{"a": NaN, "Zebedee": 1}']


@pytest.mark.parametrize("bad", BAD, ids=["cut", "text", "deep", "constant"])
def test_a_line_that_is_no_json_stops_all_and_is_not_quoted(run, bad):
    write_lines({"a": "x"}, bad, {"a": "y"})
    ended = run("in.jsonl", "out.jsonl")
    assert ended.code == 1
    assert "1 lines are no JSON (line 2:" in ended.err
    assert "Zebedee" not in ended.out + ended.err
    assert folder() == {"in.jsonl"}


def test_bad_lines_are_left_out_and_counted_on_request(run):
    write_lines({"a": "x"}, *BAD, "", {"a": "y"})
    with Path("in.jsonl").open("ab") as file:
        file.write(b'{"a": "\xff Zebedee"}\n')
    ended = run("in.jsonl", "out.jsonl", "--skip-bad-lines", "--json")
    assert ended.code == 0, ended.err
    assert lines_of() == [{"a": "x"}, {"a": "y"}]
    left_out = json.loads(ended.out)["bad_lines_left_out"]
    assert left_out == {"nested too deeply": 1, "no JSON": 3, "not UTF-8": 1}


def test_a_byte_order_mark_is_no_content(run):
    Path("in.jsonl").write_bytes(b'\xef\xbb\xbf{"a": "x"}')
    assert run("in.jsonl", "out.jsonl").code == 0
    assert Path("out.jsonl").read_bytes() == b'{"a": "x"}\n'


@pytest.mark.slow
def test_a_string_of_five_megabytes_is_masked(run):
    filler = "the quick brown fox jumps over it. " * (5 * 2**20 // 35)
    write_lines({"a": f"{filler}{MAIL}"}, {"a": "x"})
    config = Path("c.yaml")
    config.write_text("anonymisation: {recognisers: [email]}", encoding="utf-8")
    assert run("in.jsonl", "out.jsonl", "--config", "c.yaml").code == 0
    assert lines_of()[0]["a"] == f"{filler}[EMAIL_1]"


def test_keys_that_are_personal_data_stop_all_unless_they_are_accepted(run):
    write_lines({MAIL: "x"})
    ended = run("in.jsonl", "out.jsonl")
    assert ended.code == 1
    assert "Keys of objects are kept" in ended.err
    assert MAIL not in ended.err
    assert folder() == {"in.jsonl"}
    accepted = run("in.jsonl", "out.jsonl", "--keep-keys", "--report", "r.json")
    assert accepted.code == 0
    assert lines_of() == [{MAIL: "x"}]
    assert json.loads(Path("r.json").read_text("utf-8"))["personal_keys_kept"] == {"email": 1}


def test_what_the_second_scan_finds_leaves_nothing(run):
    Path("c.yaml").write_text(ENDLESS, encoding="utf-8")
    write_lines({"a": "zebedee" * 20}, {"a": "9"})
    Path("out.jsonl").write_text("before", encoding="utf-8")
    ended = run("in.jsonl", "out.jsonl", "--config", "c.yaml", "--overwrite")
    assert ended.code == 1
    assert "still found personal data in 1 conversations" in ended.err
    assert "letter 1" in ended.err
    assert "zebedee" not in ended.err
    assert Path("out.jsonl").read_text("utf-8") == "before"
    assert folder() == {"in.jsonl", "out.jsonl", "c.yaml"}


def test_configuration_here_is_read_and_the_route_chooses_the_allow_list(run):
    Path("eval_pipeline.yaml").write_text(CUSTOM, encoding="utf-8")
    write_lines(
        {"route": "shop", "text": "Dove Smith, order 77"}, {"route": "x", "text": "Dove Smith"}
    )
    assert run("in.jsonl", "out.jsonl", "--route-field", "route", "--field", "text").code == 0
    first, second = lines_of()
    assert first == {"route": "shop", "text": "Dove Smith, [ORDER_1]"}
    assert "Smith" not in second["text"]
    assert run("in.jsonl", "all.jsonl", "--route", "shop").code == 0
    assert lines_of("all.jsonl")[1] == {"route": "x", "text": "Dove Smith"}


def test_a_mistake_in_the_section_names_file_line_and_key(run):
    Path("c.yaml").write_text("anonymisation:\n  colour: red\n", encoding="utf-8")
    write_lines({"a": "x"})
    ended = run("in.jsonl", "out.jsonl", "--config", "c.yaml")
    assert ended.code == 1
    assert "c.yaml:2: `anonymisation.colour`: this key is unknown" in ended.err


# Other formats


def test_parquet_keeps_its_schema_and_masks_texts_at_any_depth(run):
    message = pa.struct([pa.field("role", pa.string(), nullable=False), ("content", pa.string())])
    table = pa.table(
        {
            "id": pa.array([1, 2], type=pa.int64()),
            "text": pa.array([MAIL, None], type=pa.large_string()),
            "messages": pa.array(
                [[{"role": "user", "content": MAIL}], None], type=pa.list_(message)
            ),
            "attributes": pa.array(
                [[("email", "secret thing"), ("note", MAIL)], []],
                type=pa.map_(pa.string(), pa.string()),
            ),
            "label": pa.array([MAIL, "x"]).dictionary_encode(),
            "pair": pa.array([["x", MAIL], None], type=pa.list_(pa.string(), 2)),
            "phone": pa.array([4915112345678, None], type=pa.int64()),
            "tool": pa.array([json.dumps({"to": MAIL}), "{}"]),
        }
    ).replace_schema_metadata({"pandas": "{}", "note": f"made by {MAIL}"})
    pq.write_table(table, "in.parquet", compression="zstd")
    ended = run("in.parquet", "out.parquet")
    assert ended.code == 0, ended.err
    masked = pq.read_table("out.parquet")
    assert masked.schema.equals(pq.read_schema("in.parquet"))
    assert masked.schema.metadata == {b"pandas": b"{}"}
    assert masked.to_pylist() == [
        {
            "id": 1, "text": "[EMAIL_1]", "messages": [{"role": "user", "content": "[EMAIL_1]"}],
            "attributes": [("email", "[EMAIL_2]"), ("note", "[EMAIL_1]")], "label": "[EMAIL_1]",
            "pair": ["x", "[EMAIL_1]"], "phone": None, "tool": '{"to": "[EMAIL_1]"}',
        },
        {
            "id": 2, "text": None, "messages": None, "attributes": [], "label": "x", "pair": None,
            "phone": None, "tool": "{}",
        },
    ]  # fmt: skip
    assert "1 values under sensitive keys are no text and became null" in ended.out
    assert MAIL.encode() not in Path("out.parquet").read_bytes()
    assert pq.ParquetFile("out.parquet").metadata.row_group(0).column(0).compression == "ZSTD"


def test_rows_of_parquet_that_share_a_conversation_are_masked_together(run):
    rows = 700
    table = pa.table(
        {
            "chat": [row // 300 for row in range(rows)],
            "text": [f"user{row}@north.example" for row in range(rows)],
        }
    )
    pq.write_table(table, "in.parquet", row_group_size=250)
    Path("c.yaml").write_text("anonymisation: {recognisers: [email]}", encoding="utf-8")
    flags = ("--config", "c.yaml", "--conversation-field", "chat")
    assert run("in.parquet", "out.parquet", *flags).code == 0
    assert pq.read_table("out.parquet").column("text").to_pylist() == [
        f"[EMAIL_{row % 300 + 1}]" for row in range(rows)
    ]


def test_columns_that_cannot_be_scanned_are_refused_unless_fields_are_named(run):
    pq.write_table(pa.table({"raw": [MAIL.encode()], "text": [MAIL]}), "in.parquet")
    ended = run("in.parquet", "out.parquet")
    assert ended.code == 1
    assert "'raw' holds bytes" in ended.err
    assert folder() == {"in.parquet"}
    assert run("in.parquet", "out.parquet", "--field", "text").code == 0
    assert pq.read_table("out.parquet").to_pylist() == [{"raw": MAIL.encode(), "text": "[EMAIL_1]"}]


def test_parquet_without_rows_stays_without_rows(run):
    pq.write_table(pa.table({"text": pa.array([], type=pa.string())}), "in.parquet")
    assert run("in.parquet", "out.parquet").code == 0
    assert pq.read_table("out.parquet").num_rows == 0


def test_plain_text_is_one_conversation_and_keeps_its_line_ends(run):
    Path("in.txt").write_bytes(f"From {MAIL}\r\n\r\nBye,\n{MAIL}\n".encode())
    assert run("in.txt", "out.txt").code == 0
    assert Path("out.txt").read_bytes() == b"From [EMAIL_1]\r\n\r\nBye,\n[EMAIL_1]\n"


def test_long_plain_text_is_cut_at_blank_lines(run):
    paragraph = "the quick brown fox.\n" * 1000 + "\n"
    Path("in.txt").write_text(paragraph * 4 + MAIL, encoding="utf-8")
    Path("c.yaml").write_text("anonymisation: {recognisers: [email]}", encoding="utf-8")
    ended = run("in.txt", "out.txt", "--config", "c.yaml", "--json")
    assert Path("out.txt").read_text("utf-8") == paragraph * 4 + "[EMAIL_1]"
    # 21,001 characters a paragraph: three are over 50,000, the fourth and the rest are a piece.
    assert json.loads(ended.out)["records"] == 2


def test_text_that_is_not_utf8_is_refused_by_line(run):
    Path("in.txt").write_bytes(b"fine\n\xff Zebedee\n")
    ended = run("in.txt", "out.txt")
    assert ended.code == 1
    assert "line 2 is not UTF-8" in ended.err
    assert "Zebedee" not in ended.err
    assert folder() == {"in.txt"}


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_files_are_read_and_written_by_their_ending(run, suffix):
    plain = json.dumps({"a": MAIL}).encode() + b"\n"
    Path(f"in.jsonl{suffix}").write_bytes(_compressed(plain, suffix))
    assert run(f"in.jsonl{suffix}", f"out.jsonl{suffix}").code == 0
    # How much is in a compressed file is not known, so by default workers are started for it.
    alone = ("--processes", "1")
    assert run(f"out.jsonl{suffix}", "plain.jsonl", *alone).code == 0
    assert lines_of("plain.jsonl") == [{"a": "[EMAIL_1]"}]
    first = Path(f"out.jsonl{suffix}").read_bytes()
    assert run(f"in.jsonl{suffix}", f"out.jsonl{suffix}", "--overwrite", *alone).code == 0
    assert Path(f"out.jsonl{suffix}").read_bytes() == first
    Path(f"in.jsonl{suffix}").write_bytes(_compressed(plain * 50, suffix)[:-6])
    cut = run(f"in.jsonl{suffix}", "cut.jsonl", *alone)
    assert cut.code == 1
    assert "damaged or cut off" in cut.err
    assert MAIL not in cut.err
    assert not Path("cut.jsonl").exists()


def _compressed(data: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.compress(data)
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


@pytest.mark.slow
def test_standard_input_and_output_are_named_by_a_dash(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "eval_pipeline", "anonymise", "-", "-", "--processes", "1"],
        input=json.dumps({"a": MAIL}).encode(),
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        cwd=tmp_path,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {"a": "[EMAIL_1]"}
    assert b"email 1" in ended.stderr


# Refusals


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("in.jsonl", "in.jsonl", "--overwrite"), "is the input itself"),
        (("in.jsonl", "./in.jsonl"), "is the input itself"),
        (("in.jsonl", "there.jsonl"), "exists already"),
        (("in.jsonl", "folder"), "is no file"),
        (("in.jsonl", "/dev/null", "--overwrite"), "is no file"),
        (("in.jsonl", "out.parquet"), "another format"),
        (("in.dat", "out.dat"), "does not tell the format"),
        (("none.jsonl", "out.jsonl"), "no such file"),
        (("none.parquet", "out.parquet"), "no such file"),
        (("in.jsonl", "nowhere/out.jsonl"), "cannot be written"),
        (("in.jsonl", "out.jsonl", "--field", "a..b"), "is no path"),
        (("in.jsonl", "out.jsonl", "--route-field", "a[]"), "goes into a list"),
        (("in.jsonl", "out.jsonl", "--route", "a", "--route-field", "b"), "not both"),
        (("in.jsonl", "out.jsonl", "--language", "en,xx"), "'xx' is not known"),
        (("in.jsonl", "out.jsonl", "--report", "r.txt"), "neither in .json nor in .html"),
        (("in.jsonl", "out.jsonl", "--report", "there.json"), "exists already"),
        (("in.json", "out.jsonl", "--report", "in.json", "--overwrite"), "is the input itself"),
        (("in.jsonl", "-", "--json"), "--json prints the report"),
        (("-", "out.parquet"), "Parquet cannot be read from standard input"),
        (("in.jsonl", "out.jsonl", "--format", "text", "--field", "a"), "has no fields"),
        (("in.jsonl", "out.jsonl", "--format", "parquet"), "damaged or cut off"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_is_written(run, arguments, told):
    write_lines({"a": MAIL})
    Path("in.dat").write_text("x", encoding="utf-8")
    Path("in.json").write_text("{}", encoding="utf-8")
    Path("there.jsonl").write_text("before", encoding="utf-8")
    Path("there.json").write_text("before", encoding="utf-8")
    Path("folder").mkdir()
    before = folder()
    ended = run(*arguments)
    assert ended.code == 1
    assert told in " ".join(ended.err.split())
    assert MAIL not in ended.err
    assert folder() == before
    assert Path("there.jsonl").read_text("utf-8") == "before"


def test_a_pipe_is_read_like_a_file(run):
    os.mkfifo("pipe.jsonl")
    writer = threading.Thread(
        target=Path("pipe.jsonl").write_text, args=(json.dumps({"a": MAIL}),), daemon=True
    )
    writer.start()
    assert run("pipe.jsonl", "out.jsonl", "--processes", "1").code == 0
    assert lines_of() == [{"a": "[EMAIL_1]"}]


def test_overwrite_replaces_what_was_there(run):
    write_lines({"a": MAIL})
    Path("out.jsonl").write_text("before", encoding="utf-8")
    assert run("in.jsonl", "out.jsonl", "--overwrite").code == 0
    assert lines_of() == [{"a": "[EMAIL_1]"}]


# What is told


def test_the_report_counts_and_holds_no_text(run):
    write_lines({"a": f"to {MAIL}", "b": {"c": [MAIL]}}, {"a": "plain", "Zoë's": MAIL})
    ended = run("in.jsonl", "out.jsonl", "--report", "r.json", "--json")
    report = json.loads(Path("r.json").read_text("utf-8"))
    assert json.loads(ended.out) == report
    assert {key: report[key] for key in ("records", "texts", "masked", "residual", "format")} == {
        "records": 2, "texts": 4, "masked": {"email": 3}, "residual": 0, "format": "jsonl",
    }  # fmt: skip
    # "to " and "plain" are 8 characters, the address stands three times.
    assert report["characters"] == 8 + 3 * len(MAIL)
    assert report["characters_masked"] == 3 * len(MAIL)
    assert report["masked_by_field"] == {
        "*": {"email": 1}, "a": {"email": 1}, "b.c[]": {"email": 1},
    }  # fmt: skip
    assert len(report["anonymiser_fingerprint"]) == 32
    assert report["seconds"] >= 0
    assert MAIL not in Path("r.json").read_text("utf-8")
    assert ended.err == ""


def test_the_report_can_be_a_page(run):
    write_lines({"a": MAIL})
    assert run("in.jsonl", "out.jsonl", "--report", "r.html").code == 0
    page = Path("r.html").read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert '<td>email</td><td class="number">1</td>' in page
    assert MAIL not in page


def test_explain_shows_values_with_a_warning_and_only_there(run):
    write_lines({"a": f"to {MAIL}", "name": "Zebedee"})
    ended = run("in.jsonl", "out.jsonl", "--explain", "--report", "r.json")
    assert ended.code == 0
    assert "shows personal data" in ended.err
    shown = [line.split("\t") for line in ended.out.splitlines() if "\t" in line]
    assert [(row[0], row[1], row[2], row[4]) for row in shown] == [
        ("1", "a", "[EMAIL_1]", repr(MAIL)), ("1", "name", "[PERSON_1]", "'Zebedee'"),
    ]  # fmt: skip
    assert "Zebedee" not in Path("r.json").read_text("utf-8")


def test_help_is_that_of_the_command_and_names_its_siblings(run):
    ended = run("--help")
    assert ended.code == 0
    assert "--conversation-field" in ended.out
    assert "anonymise [OPTIONS]" in ended.out
    assert "hash-known-values" in ended.out
    assert "--check" in run("train", "--help").out
    assert "OUT" in run("hash-known-values", "--help").out


def test_missing_arguments_are_a_mistake_of_use(run):
    ended = run("in.jsonl")
    assert ended.code == 64
    assert "Missing argument" in ended.err


def test_models_of_the_teams_own_are_read_from_the_configurations_folder(run):
    Path("conf").mkdir()
    file = Path("conf/c.yaml")
    file.write_text("anonymisation: {name_models: {en: own.tsv.bz2}}", encoding="utf-8")
    write_lines({"a": "x"})
    missing = run("in.jsonl", "out.jsonl", "--config", str(file))
    assert missing.code == 1
    assert "'conf/own.tsv.bz2' cannot be read" in missing.err
    Path("conf/own.tsv.bz2").write_text("no model", encoding="utf-8")
    broken = run("in.jsonl", "out.jsonl", "--config", str(file))
    assert broken.code == 1
    assert "is no model of names" in broken.err
    assert folder() == {"in.jsonl", "conf"}


def test_realistic_stand_ins_follow_from_the_key(run, monkeypatch):
    Path("c.yaml").write_text("anonymisation: {surrogates: realistic}", encoding="utf-8")
    write_lines({"a": f"to {MAIL}"})
    written = []
    for key in ("one", "one", "two"):
        monkeypatch.setenv("EVAL_PIPELINE_KEY", key)
        ended = run("in.jsonl", "out.jsonl", "--config", "c.yaml", "--overwrite", "--json")
        assert json.loads(ended.out)["characters_masked"] == len(MAIL)
        written.append(lines_of()[0]["a"])
    assert written[0] == written[1] != written[2]
    assert all("@" in text and MAIL not in text for text in written)


# Siblings


def test_hashes_of_known_values_need_the_key(run):
    Path("values.txt").write_text("Zebedee Quill\n", encoding="utf-8")
    ended = run("hash-known-values", "values.txt", "hashes.txt")
    assert ended.code == 1
    assert "EVAL_PIPELINE_KEY is not set" in ended.err
    assert folder() == {"values.txt"}


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ("words.txt", "neither conll:PATH nor jsonl:PATH"),
        ("conll:none.txt", "no such file"),
        ("conll:words.txt", "line 1: has one column"),
    ],
)
def test_training_refuses_texts_that_it_cannot_read(run, extra, told):
    Path("words.txt").write_text("Zebedee\n", encoding="utf-8")
    ended = run("train", "--extra", extra)
    assert ended.code == 1
    assert told in ended.err
    assert "Zebedee" not in ended.err
    assert folder() == {"words.txt"}


def test_training_writes_the_model_and_checks_it(run, monkeypatch):
    given = []

    def trained(*, language, extra, report):
        given.append((language, list(extra)))
        return b"a model"

    monkeypatch.setattr("eval_pipeline.anonymisation.names.training.train", trained)
    Path("own.conll").write_text("Zebedee B-PER\nsmiled O\n", encoding="utf-8")
    flags = ("train", "--language", "de", "--extra", "conll:own.conll", "--out", "models/de")
    assert run(*flags).code == 0
    assert given == [("de", [[("Zebedee", "PERSON"), ("smiled", "O")]])]
    assert Path("models/de").read_bytes() == b"a model"
    assert run(*flags).code == 1
    assert run(*flags, "--check").code == 0
    Path("models/de").write_bytes(b"another")
    ended = run(*flags, "--check")
    assert ended.code == 1
    assert "is not what training gives" in ended.out
