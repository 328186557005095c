"""What fuzzing found, each told by what it did before it was mended."""

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from eval_pipeline.adapters.result_files.contract import Asked, ResultFormat
from eval_pipeline.adapters.result_files.recognising import read_scored
from eval_pipeline.adapters.result_files.rows import number_of
from eval_pipeline.errors import CorruptFileError, ResultFileError, SettingsError
from eval_pipeline.judging.biases.rationales import SupportAnswer, parse_support
from eval_pipeline.judging.parsing import Unparsable
from eval_pipeline.mirror.budget import Budget
from eval_pipeline.mirror.wire import called_text, completion_of, stored_messages
from eval_pipeline.ports import ModelSpec
from eval_pipeline.settings_file import load_candidate, parse_settings
from eval_pipeline.truth.manifest_file import parse_manifest
from eval_pipeline.yaml_text import YamlTextError, parse_yaml
from tests.fuzz.guards import within_bounds


def refusal(path: Path, result_format: ResultFormat) -> str:
    with pytest.raises(ResultFileError) as told:
        read_scored(path, Asked(), result_format=result_format)
    return str(told.value)


def test_a_reader_of_reasons_that_says_two_things_says_none() -> None:
    assert isinstance(parse_support('{"supports": "fail", "supports": "pass"}'), Unparsable)
    assert parse_support('```json\n{"supports": "fail"}\n```') == SupportAnswer(supports="fail")


def test_a_manifest_that_is_nested_without_end_is_a_corrupt_file() -> None:
    for data in (b"[" * 100_000, b'{"a":' * 100_000):
        with pytest.raises(CorruptFileError, match="it is not JSON"):
            parse_manifest(data, path="manifest.json")


def test_rows_without_an_id_are_told_and_not_looked_up(tmp_path: Path) -> None:
    file = tmp_path / "scores.jsonl"
    file.write_text('{"item_id": null, "score": 1}\n' * 2)
    told = refusal(file, ResultFormat.own)
    assert "row 1: `item_id` is empty" in told
    assert "row 2: it repeats the item and trial of row 1" in told


def test_nested_lines_of_our_own_files_are_no_json(tmp_path: Path) -> None:
    file = tmp_path / "scores.jsonl"
    file.write_bytes(b"[" * 100_000)
    assert "line 1" in refusal(file, ResultFormat.own)


def test_a_number_of_too_many_digits_is_no_number() -> None:
    assert number_of(10**400) is None
    assert number_of(-(10**400)) is None
    assert number_of(10**300) == 1e300


@pytest.mark.parametrize("epoch", ["Infinity", "9" * 5_000, "[]"])
def test_an_epoch_that_is_no_number_is_told(tmp_path: Path, epoch: str) -> None:
    file = tmp_path / "log.json"
    log = {"version": 2, "status": "success", "eval": {"task": "t", "model": "m"}}
    sample = f'{{"id": 1, "epoch": {epoch}, "scores": {{"s": {{"value": 1}}}}}}'
    file.write_text(f'{json.dumps(log)[:-1]}, "samples": [{sample}]}}')
    refusal(file, ResultFormat.inspect)


def archive(members: dict[str, bytes], *, flags: int = 0, method: int | None = None) -> bytes:
    """An archive whose directory claims these flags, or this method, of every member."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in members.items():
            written.writestr(name, content)
        for member in written.filelist:
            member.flag_bits |= flags
            member.compress_type = member.compress_type if method is None else method
    return sink.getvalue()


@pytest.mark.parametrize("changes", [{"flags": 1}, {"method": 1}, {"method": 14}])
def test_an_archive_that_is_locked_or_packed_strangely_is_told(tmp_path: Path, changes) -> None:
    file = tmp_path / "log.eval"
    file.write_bytes(archive({"header.json": b"{}", "samples/1.json": b"{}"}, **changes))
    assert "its archive cannot be read" in refusal(file, ResultFormat.inspect)


def test_many_large_members_of_a_small_archive_are_not_unpacked(tmp_path: Path) -> None:
    # 12 members of 100 MiB each are beyond what one file may unpack to.
    content = archive({"header.json": b"{}"} | {f"samples/{n}.json": b"x" for n in range(12)})
    claimed = struct.pack("<I", 100 * 2**20)
    directory = content.index(b"PK\x01\x02")
    head, tail = content[:directory], content[directory:]
    entries = tail.split(b"PK\x01\x02")
    # In the central directory the unpacked size stands 20 bytes behind the signature.
    larger = [entries[0], *(each[:20] + claimed + each[24:] for each in entries[1:])]
    file = tmp_path / "log.eval"
    file.write_bytes(head + b"PK\x01\x02".join(larger))
    with within_bounds():
        assert "unpacks to more than" in refusal(file, ResultFormat.inspect)


def test_a_message_whose_role_is_no_word_cannot_be_mirrored() -> None:
    for role in (["user"], {"role": "user"}, 1, None):
        assert stored_messages([{"role": role, "content": "x"}]) is None


def test_a_packed_reply_is_unpacked_no_further_than_a_reply_may_be() -> None:
    packer = zlib.compressobj(wbits=31)
    packed = b"".join(packer.compress(b" " * 2**20) for _ in range(64)) + packer.flush()
    assert len(packed) < 100_000
    assert completion_of(packed, content_type="", encoding="gzip") is None
    body = json.dumps({"choices": [], "pad": "x" * 1_000}).encode()
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(body) + packer.flush()
    assert completion_of(packed, content_type="", encoding="gzip", largest=len(body))
    assert completion_of(packed, content_type="", encoding="gzip", largest=99) is None
    assert completion_of(packed[:-9], content_type="", encoding="gzip") is None


def test_called_arguments_can_be_stored() -> None:
    function = {"name": "f\0", "arguments": "\ud800"}
    completion = {"choices": [{"message": {"tool_calls": [{"function": function}]}}]}
    called = called_text(completion)
    assert called is not None
    assert json.loads(called) == [{"name": "f\ufffd", "arguments": "\ufffd"}]
    called.encode()


def test_a_limit_of_too_many_digits_costs_as_much_as_the_largest() -> None:
    budget = Budget(ModelSpec("p", "m", (), 1.0, 2.0), limit=1.0, spent=0.0)
    largest = budget.expected({"max_tokens": 2**31 - 1}, characters=3)
    assert budget.expected({"max_tokens": 10**400}, characters=3) == largest


def test_aliases_that_stand_for_a_million_million_values_are_refused_at_once() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with within_bounds(), pytest.raises(SettingsError, match=r"^f\.yaml:5: .* 50,000 values"):
        parse_settings("\n".join(lines), file="f.yaml")


def test_a_chain_of_aliases_is_as_deep_as_what_it_stands_for() -> None:
    lines = ["a0: &a0 [1]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 130))]
    with pytest.raises(YamlTextError, match="levels deep"):
        parse_yaml("\n".join(lines), kind="rt")
    assert parse_yaml("\n".join(lines[:40]), kind="rt")["a39"]


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 20_000, "- " * 20_000])
def test_nesting_without_end_is_refused_before_it_is_parsed(text: str) -> None:
    with within_bounds(), pytest.raises(YamlTextError, match="50 levels") as told:
        parse_yaml(text, kind="rt")
    assert told.value.line == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("provider: p\nmodel: m\nsince: 2026-02-30\n", "a date or a number that does not exist"),
        ("provider: [", "cannot be read"),
        ("provider: p\nmodel: m\nparameters: {n: []}\n", ":3: `parameters.n"),
    ],
)
def test_a_candidate_file_is_refused_with_its_name_and_line(
    tmp_path: Path, text: str, told: str
) -> None:
    file = tmp_path / "candidate.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError) as failure:
        load_candidate(file)
    assert str(failure.value).startswith(f"{file}:")
    assert told in str(failure.value)
