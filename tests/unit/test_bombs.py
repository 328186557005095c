"""Small files that stand for large ones: refused in a sentence, or read in bounded memory."""

import gzip
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eval_pipeline.adapters.result_files import contract, inspect_logs, own
from eval_pipeline.adapters.result_files.contract import Asked, ResultFormat
from eval_pipeline.adapters.result_files.recognising import READERS, read_scored
from eval_pipeline.errors import EvalPipelineError, ResultFileError
from eval_pipeline.review.interchange.json_text import NotJson, read_json

ROOT = Path(__file__).parents[2]
MEBIBYTE = 2**20
ANYTHING = Asked()


def refused(path: Path, result_format: ResultFormat | None = None) -> str:
    with pytest.raises(ResultFileError) as error:
        read_scored(path, ANYTHING, result_format=result_format)
    return str(error.value)


def test_parquet_of_more_rows_than_any_run_is_refused_before_it_is_read(tmp_path):
    # One value, written once and counted: twenty million rows and one more in a few kilobytes.
    rows = own.MOST_ROWS + 1
    value = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), rows), ["a"])
    table = pa.table({"item_id": value})
    file = tmp_path / "bomb.parquet"
    pq.write_table(table.append_column("score", pa.nulls(rows, pa.float64())), file)
    assert file.stat().st_size < MEBIBYTE
    assert "more than 20,000,000 rows" in refused(file)


def test_parquet_with_endless_lists_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "MOST_ROWS", 1_000)
    file = tmp_path / "bomb.parquet"
    frame = pl.DataFrame({"item_id": ["a"], "score": [1.0], "subsets": [["s"] * 10_000]})
    frame.write_parquet(file)
    assert "more than 1,000 rows" in refused(file)


def test_parquet_that_unpacks_to_more_than_any_run_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "LARGEST_FILE", MEBIBYTE)
    file = tmp_path / "bomb.parquet"
    pl.DataFrame({"item_id": ["x" * 2 * MEBIBYTE], "score": [1.0]}).write_parquet(file)
    assert file.stat().st_size < MEBIBYTE // 10
    assert "unpacks to more than 1,048,576 bytes" in refused(file)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_an_archive_that_unpacks_to_more_than_any_run_is_refused(tmp_path, monkeypatch, method):
    monkeypatch.setattr(inspect_logs, "LARGEST_FILE", MEBIBYTE)
    file = tmp_path / "bomb.eval"
    with zipfile.ZipFile(file, "w", method) as archive:
        archive.writestr("header.json", "{}")
        # Each member is small enough by itself.
        for number in range(3):
            archive.writestr(f"samples/{number}.json", " " * (MEBIBYTE // 2))
    assert "unpacks to more than 1,048,576 bytes" in refused(file)


def test_a_member_unpacks_to_no_more_than_it_says(tmp_path):
    file = tmp_path / "liar.eval"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", "{" + " " * 4 * MEBIBYTE + "}")
    data = bytearray(file.read_bytes())
    # The central directory holds the size 24 bytes behind its signature.
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")
    file.write_bytes(data)
    with zipfile.ZipFile(file) as archive:
        assert inspect_logs.unpacked_bytes(archive, archive.namelist()) == 10
        with pytest.raises(zipfile.BadZipFile):
            inspect_logs.read_member(archive, "header.json", data=bytes(data))
    assert "its archive cannot be read" in refused(file)


def test_a_file_larger_than_any_run_is_read_no_further(tmp_path, monkeypatch):
    monkeypatch.setattr(contract, "LARGEST_FILE", MEBIBYTE)
    file = tmp_path / "large.json"
    file.write_bytes(b"[" + b" " * MEBIBYTE)
    assert "larger than 1,048,576 bytes" in refused(file)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/full"])
def test_a_device_is_no_file_of_results(path):
    assert "no regular file" in refused(Path(path))


@pytest.mark.parametrize("result_format", ResultFormat)
@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        "[" * 400 + "]" * 400,
        '{"results": {"results": [' + "9" * 5_000 + "]}}",
        '{"item_id": "a", "score": ' + "9" * 5_000 + "}",
        '{"item_id": "a", "score": 1e999}',
        '{"item_id": "a", "score": 1, "trial": ' + "9" * 30 + "}",
        "NaN",
        '"',
    ],
    ids=lambda text: text[:20],
)
def test_json_without_end_is_told_as_what_it_is(tmp_path, result_format, text):
    file = tmp_path / "deep.jsonl"
    file.write_text(text + "\n")
    assert len(refused(file, result_format)) < 1_000


def test_promptfoos_parts_may_be_nested_as_deep_as_json_can_say(tmp_path):
    parts = '{"componentResults": [' * 450 + "]}" * 450
    test = '"testCase": {"vars": {}}, "testIdx": 0, "promptIdx": 0, "score": 1'
    result = f'{{{test}, "provider": {{"id": "p"}}, "gradingResult": {parts}}}'
    file = tmp_path / "deep.jsonl"
    file.write_text(result + "\n")
    try:
        found = read_scored(file, ANYTHING, result_format=ResultFormat.promptfoo)
    except EvalPipelineError:
        return
    assert found.trials.height == 1


def test_every_format_has_a_reader_that_these_tests_try():
    assert set(READERS) == set(ResultFormat)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 5_000, "NaN"])
def test_answers_of_reviewers_may_be_as_hostile(text):
    assert isinstance(read_json(text), NotJson)


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_a_line_that_unpacks_to_a_gigabyte_is_skipped_in_bounded_memory(ending, tmp_path):
    source = tmp_path / f"bomb.jsonl{ending}"
    lines = (b'{"text": "one"}\n', *[b"0" * MEBIBYTE] * 1_024, b"\n", b'{"text": "two"}\n')
    opened = gzip.open if ending == ".gz" else lambda file, _: pa.output_stream(file)
    with opened(source, "wb") as stream:
        for line in lines:
            stream.write(line)
    assert source.stat().st_size < 2 * MEBIBYTE
    target = tmp_path / "out.jsonl"
    measured = (
        "import pathlib, re, runpy, sys, atexit; sys.argv[0] = 'eval-pipeline'; "
        # The kernel's own figure: getrusage tells a child of its parent's peak.
        "status = lambda: pathlib.Path('/proc/self/status').read_text(); "
        "usage = lambda: re.search(r'VmHWM:\\s+(\\d+)', status())[1]; "
        "atexit.register(lambda: print('peak', usage())); "
        "runpy.run_module('eval_pipeline', run_name='__main__')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", measured, "anonymise", source, target, "--skip-bad-lines"],
        env={**os.environ, "EVAL_PIPELINE_KEY": "k" * 32, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=570,
    )
    told = ended.stdout + ended.stderr
    assert "1 lines that are no JSON were left out" in told, told
    # In kibibytes. The imports and the models of names take half a gigabyte; the line, one more.
    assert int(told.rpartition("peak ")[2].split()[0]) < 900 * 1024
    assert [json.loads(line)["text"] for line in target.read_text().splitlines()] == ["one", "two"]
