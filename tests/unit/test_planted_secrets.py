"""The search for planted secrets finds each of them in every spelling and every kind of file."""

import base64
import gzip
import json
import sqlite3
import zipfile
from pathlib import Path
from urllib.parse import quote

import duckdb
import polars as pl
import pytest

from tests.planted_secrets import (
    SECRETS,
    STORE_PASSWORD,
    environment,
    found_in,
    found_in_text,
    spellings,
)


def test_every_secret_is_in_the_environment_as_an_operator_would_set_it():
    told = json.dumps(environment())
    for name in SECRETS:
        assert any(found.startswith(f"{name} (") for found in found_in_text(told)), name


@pytest.mark.parametrize("name", SECRETS)
def test_each_secret_is_found_in_each_spelling(name, tmp_path):
    said = spellings(SECRETS[name])
    for number, spelling in enumerate(said.values()):
        (tmp_path / f"{number:02d}.log").write_bytes(b"before " + spelling + b" after\n")
    found = found_in(tmp_path)
    assert {line.partition(":")[0] for line in found} == {
        f"{number:02d}.log" for number in range(len(said))
    }
    assert all(f": {name} (" in line for line in found)


@pytest.mark.parametrize("before", ["", "x", "xy", "user:"])
def test_a_secret_inside_a_longer_base64_text_is_found(before):
    text = base64.b64encode(f"{before}{STORE_PASSWORD} and more".encode()).decode()
    assert found_in_text(text)
    assert found_in_text(base64.urlsafe_b64encode(f"{before}{STORE_PASSWORD}".encode()).decode())


def test_a_folder_without_secrets_is_clean(tmp_path):
    (tmp_path / "a.log").write_text("nothing of anybody's\n" * 100)
    pl.DataFrame({"text": ["harmless"]}).write_parquet(tmp_path / "a.parquet")
    assert found_in(tmp_path) == []


def _parquet(file: Path, secret: str) -> None:
    pl.DataFrame({"rows": [[{"text": f"a {secret} b"}]]}).write_parquet(file, compression="zstd")


def _sqlite(file: Path, secret: str) -> None:
    # Longer than a page, so that its bytes are not in one piece.
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA page_size = 512")
        connection.execute("CREATE TABLE events (body TEXT)")
        for shift in range(40):
            text = "y" * (400 + 7 * shift) + secret
            connection.execute("INSERT INTO events VALUES (?)", (text,))
    connection.close()


def _duckdb(file: Path, secret: str) -> None:
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE TABLE told AS SELECT ? AS text FROM range(5000)", [secret])


def _gzip(file: Path, secret: str) -> None:
    file.write_bytes(gzip.compress(json.dumps({"text": secret}).encode()))


def _zip(file: Path, secret: str) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside.txt", quote(secret, safe=""))


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.parquet", _parquet),
        ("a.sqlite", _sqlite),
        ("a.duckdb", _duckdb),
        ("a.jsonl.gz", _gzip),
        ("a.zip", _zip),
    ],
)
def test_a_secret_is_found_in_files_whose_bytes_do_not_show_it(name, write, tmp_path):
    (tmp_path / "deep").mkdir()
    write(tmp_path / "deep" / name, STORE_PASSWORD)
    (found, *_) = found_in(tmp_path)
    assert found.startswith(f"deep/{name}: store password (")


def test_more_secrets_can_be_named(tmp_path):
    (tmp_path / "store").write_text("evp_0123_token-of-ana")
    assert found_in(tmp_path) == []
    assert found_in(tmp_path, also={"ana's token": "token-of-ana"}) == [
        "store: ana's token (as it is)"
    ]


def test_the_search_does_not_find_itself(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert found_in(tmp_path) == []
