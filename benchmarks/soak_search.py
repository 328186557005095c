"""Searches a project's files for planted strings: as bytes, inside Parquet and inside SQLite."""

import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import polars as pl


def planted_in(paths: Iterable[Path], planted: Iterable[str]) -> list[str]:
    """The planted strings that stand in any file below `paths`, sorted; a lone file counts too.

    Parquet is decoded first, because its pages are compressed; SQLite keeps text as it is.
    """
    with tempfile.TemporaryDirectory() as folder:
        patterns, decoded = Path(folder, "planted.txt"), Path(folder, "decoded")
        patterns.write_text("".join(f"{one}\n" for one in planted), encoding="utf-8")
        decoded.mkdir()
        searched = [path for path in paths if path.exists()]
        files = [f for path in searched for f in [path, *path.rglob("*.parquet")] if f.is_file()]
        for number, file in enumerate(file for file in files if file.suffix == ".parquet"):
            rows = pl.read_parquet(file, hive_partitioning=False).rows()
            spoken = "\n".join(map(_spoken, rows))
            (decoded / f"{number}.txt").write_text(spoken, encoding="utf-8")
        found = subprocess.run(
            ["grep", "-rhoaF", "-f", str(patterns), str(decoded), *map(str, searched)],
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            check=False,
        )
    if found.returncode not in {0, 1}:
        raise SystemExit(f"The search failed: {found.stderr.decode(errors='replace')}")
    return sorted(set(found.stdout.decode(errors="replace").splitlines()))


def _spoken(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(map(_spoken, value.values()))
    if isinstance(value, tuple | list):
        return "\n".join(map(_spoken, value))
    return str(value)
