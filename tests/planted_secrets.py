"""Secrets planted as operators hold them, and the search for any of them in whatever was written.

`environment()` gives the variables, `found_in(folder)` says what stands where: as it is, escaped
for JSON, a URL or a page, in base64 or in hexadecimal, in plain files, in Parquet, in databases and
in what gzip or Zstandard packed. What it does not see: encrypted files, and other encodings.
"""

import base64
import contextlib
import gzip
import html
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, quote_plus

import duckdb
import polars as pl
import pyarrow as pa

STORE_PASSWORD: Final = 'pw/Qx7+93=t%1a"kZr&vN'
"""It has what URLs, JSON and HTML escape, so that each spelling is another text."""

_WEBHOOK_PATH: Final = "T0PLANTED7/B9hookQvR/kW3nZp5sLx8mYd2c"
SECRETS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "pseudonym key": "Zk4-pseudonym/key+that=protects~people-9fQ2",
        "provider key": "sk-planted-7Hn2Vx9QwLr5Tz8Yb3Kd6Mf1Jp4",
        "provider header": "hdr-planted-Gq8Wm3Xc7Rv2Nt5Lb9Zk4Hd",
        "store password": STORE_PASSWORD,
        "object store key": "AKIAPLANTED7QX9V3KZ2",
        "object store secret": "s3/planted+Uw6Rb2Ny8Fx4Jm1Tq7Vd5Kc9Zg3",
        "object store session": "sess-planted-Lp4Xn8Tw2Qb6Vr9Hk3Zm7Fd1",
        "webhook path": _WEBHOOK_PATH,
        "signing secret": "whsec-planted-Cx5Tn9Rq3Wb7Kz1Mv8Hf4Jd",
        "mail password": 'mail"planted\\Vb6Xq2Zn8Kr4Tw9Ld3Hc7',
        "telemetry header": "otlp-planted-Nf3Qz7Vx1Kb5Rw9Tm2Hd6Lp",
    }
)
KEY_VARIABLE: Final = "EVAL_PIPELINE_KEY"
PROVIDER_VARIABLE: Final = "PLANTED_PROVIDER_KEY"
HEADER_VARIABLE: Final = "PLANTED_PROVIDER_HEADER"
STORE_VARIABLE: Final = "PLANTED_STORE_URL"
WEBHOOK_VARIABLE: Final = "PLANTED_WEBHOOK_URL"
SIGNING_VARIABLE: Final = "PLANTED_SIGNING_SECRET"
MAIL_VARIABLE: Final = "PLANTED_MAIL_PASSWORD"
TELEMETRY_VARIABLE: Final = "OTEL_EXPORTER_OTLP_HEADERS"

_PACKED: Final = (".gz", ".zst", ".zip", ".whl")
_SQLITE: Final = b"SQLite format 3\0"
_PARQUET: Final = b"PAR1"
_DUCKDB_AT: Final = 8


def environment(
    *, store_host: str = "127.0.0.1:9", webhook_host: str = "127.0.0.1:9"
) -> dict[str, str]:
    """Every planted variable; by default nobody listens where the store and the webhook are."""
    user = f"evals:{quote(STORE_PASSWORD, safe='')}"
    return {
        KEY_VARIABLE: SECRETS["pseudonym key"],
        PROVIDER_VARIABLE: SECRETS["provider key"],
        HEADER_VARIABLE: SECRETS["provider header"],
        STORE_VARIABLE: f"postgresql+psycopg://{user}@{store_host}/evals",
        WEBHOOK_VARIABLE: f"http://{webhook_host}/services/{_WEBHOOK_PATH}",
        SIGNING_VARIABLE: SECRETS["signing secret"],
        MAIL_VARIABLE: SECRETS["mail password"],
        TELEMETRY_VARIABLE: f"authorization=Bearer {SECRETS['telemetry header']}",
        "AWS_ACCESS_KEY_ID": SECRETS["object store key"],
        "AWS_SECRET_ACCESS_KEY": SECRETS["object store secret"],
        "AWS_SESSION_TOKEN": SECRETS["object store session"],
    }


def found_in(folder: Path, *, also: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """'path: secret (spelling)' for each one found below `folder`, sorted; empty: none.

    `also` are further secrets by name, such as tokens that the desk gave out.
    """
    spelt = {
        spelling: f"{name} ({how})"
        for name, secret in {**SECRETS, **also}.items()
        for how, spelling in spellings(secret).items()
    }
    with tempfile.TemporaryDirectory(prefix="planted-") as scratch:
        place = Path(scratch)
        patterns, unpacked = place / "patterns", place / "unpacked"
        patterns.write_bytes(b"\n".join(spelt) + b"\n")
        unpacked.mkdir()
        origins = {folder: ""}
        for number, file in enumerate(_files(folder, apart_from=place)):
            target = unpacked / str(number)
            if _unpack(file, target):
                origins[target] = str(file.relative_to(folder))
        told = set()
        for where, match in _matches([folder, unpacked], patterns):
            origin = origins.get(where) or os.path.relpath(where, folder)
            told.add(f"{origin}: {spelt[match]}")
    return sorted(told)


def found_in_text(text: str, *, also: Mapping[str, str] = MappingProxyType({})) -> list[str]:
    """The same of what a process printed."""
    data = text.encode("utf-8", "surrogateescape")
    return sorted(
        f"{name} ({how})"
        for name, secret in {**SECRETS, **also}.items()
        for how, spelling in spellings(secret).items()
        if spelling in data
    )


def spellings(secret: str) -> dict[str, bytes]:
    """How the secret may be spelt in bytes, by name; spellings that are alike are there once."""
    plain = secret.encode()
    as_json = json.dumps(secret)[1:-1]
    said = {
        "as it is": plain,
        "JSON": as_json.encode(),
        "JSON in JSON": json.dumps(as_json)[1:-1].encode(),
        "JSON with escaped slashes": as_json.replace("/", "\\/").encode(),
        "URL": quote(secret, safe="").encode(),
        "URL path": quote(secret).encode(),
        "form": quote_plus(secret).encode(),
        "HTML": html.escape(secret).encode(),
        "Python": repr(secret)[1:-1].encode(),
        "hexadecimal": plain.hex().encode(),
        "HEXADECIMAL": plain.hex().upper().encode(),
        "UTF-16": secret.encode("utf-16-le"),
        **dict(_base64_of(plain)),
    }
    distinct: dict[bytes, str] = {}
    for how, spelling in said.items():
        distinct.setdefault(spelling, how)
    return {how: spelling for spelling, how in distinct.items()}


def _base64_of(plain: bytes) -> Iterator[tuple[str, bytes]]:
    """In either alphabet and behind any number of bytes: the middle that no neighbour changes."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + plain)
        whole = encoded[(8 * before + 5) // 6 : (8 * (before + len(plain))) // 6]
        yield f"base64 {before}", whole
        yield f"base64url {before}", whole.translate(bytes.maketrans(b"+/", b"-_"))


def _files(folder: Path, *, apart_from: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink() and not file.is_relative_to(apart_from):
            yield file


def _unpack(file: Path, target: Path) -> bool:
    """Writes what the file says when it is read as what it is; False where bytes say it all."""
    try:
        with file.open("rb") as opened:
            head = opened.read(16)
        if head.startswith(_PARQUET):
            frame = pl.read_parquet(file, hive_partitioning=False, glob=False)
            target.write_bytes("\n".join(_spoken(frame.rows())).encode("utf-8", "replace"))
        elif head.startswith(_SQLITE):
            target.write_bytes(b"\n".join(_sqlite(file)))
        elif head[_DUCKDB_AT : _DUCKDB_AT + 4] == b"DUCK":
            target.write_bytes("\n".join(_duckdb(file)).encode("utf-8", "replace"))
        elif file.suffix in _PACKED:
            target.write_bytes(b"\n".join(_packed(file)))
        else:
            return False
    except FileNotFoundError:  # what lives may take a file away while it is searched
        return False
    return True


def _sqlite(file: Path) -> Iterator[bytes]:
    # A copy: to read a database in use would leave files beside it, and wait for its writers.
    with tempfile.TemporaryDirectory(prefix="planted-") as scratch:
        copy = Path(scratch, file.name)
        for name in (file.name, f"{file.name}-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(file.with_name(name), copy.with_name(name))
        with contextlib.closing(sqlite3.connect(copy)) as connection:
            connection.text_factory = bytes
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (table,) in tables.fetchall():
                for row in connection.execute(f'SELECT * FROM "{table.decode()}"'):
                    for value in row:
                        yield value if isinstance(value, bytes) else str(value).encode()


def _duckdb(file: Path) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="planted-") as scratch:
        copy = Path(scratch, file.name)
        shutil.copyfile(file, copy)
        with duckdb.connect(str(copy), read_only=True) as connection:
            for (table,) in connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE NOT internal"
            ).fetchall():
                yield from _spoken(connection.execute(f'FROM "{table}"').fetchall())
            for (text,) in connection.execute("SELECT sql FROM duckdb_views()").fetchall():
                yield str(text)


def _packed(file: Path) -> Iterator[bytes]:
    data = file.read_bytes()
    match file.suffix:
        case ".gz":
            yield gzip.decompress(data)
        case ".zst":
            with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
                yield stream.read()
        case _:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                yield from (archive.read(name) for name in archive.namelist())


def _spoken(value: object) -> Iterator[str]:
    """Every value inside a row; bytes as the text they are."""
    if isinstance(value, dict):
        yield from _spoken(list(value.items()))
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _spoken(part)
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif value is not None:
        yield str(value)


def _matches(places: Iterable[Path], patterns: Path) -> Iterator[tuple[Path, bytes]]:
    found = subprocess.run(
        ["grep", "-raoFHZ", f"--exclude-dir={patterns.parent.name}", "-f", patterns, *places],
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    # Side files of databases go away while they are searched.
    trouble = [
        line
        for line in found.stderr.splitlines()
        if not line.endswith(b": No such file or directory")
    ]
    assert not trouble, trouble
    assert found.returncode in ((0, 1, 2) if found.stderr else (0, 1))
    for line in found.stdout.splitlines():
        where, _, match = line.partition(b"\0")
        yield Path(os.fsdecode(where)), match
