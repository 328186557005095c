"""Seals of the lake's Parquet files: a hash over every byte, and over the place it belongs to.

A flipped bit in a data page gives another number and no error: neither Polars nor DuckDB checks
Parquet's own optional checksums, which leave the footer out besides. The seal stands in the file's
metadata, is taken with 64 zeros in its own place, and tells a file from another partition's.
"""

import hashlib
from typing import Final

SEAL: Final = "eval_pipeline.seal"
DIGITS: Final = 64
_KIND: Final = "sha256-of-place-and-file:"
BLANK: Final = _KIND + "0" * DIGITS

_KEY: Final = SEAL.encode()
_MARK: Final = _KEY + bytes((0x18, len(BLANK))) + _KIND.encode()
"""The key, how Parquet's footer begins a value of this length, and how ours begins."""


def with_seal(data: bytes, *, place: str) -> bytes:
    """The file with its seal, which was written as `BLANK`; `place` is its path in the lake."""
    start = data.rfind(_MARK) + len(_MARK)
    if start < len(_MARK) or data[start : start + DIGITS] != b"0" * DIGITS:
        raise ValueError("the file was written without the place of a seal")
    return data[:start] + _digest(data, start, place=place) + data[start + DIGITS :]


def is_broken(data: bytes, *, place: str) -> bool:
    """Whether the file has a seal, or half of one, that is not that of these bytes in this place.

    Files of earlier versions of this program have none.
    """
    start = data.rfind(_MARK) + len(_MARK)
    if start < len(_MARK):
        return _KEY in data or _KIND.encode() in data
    return data[start : start + DIGITS] != _digest(data, start, place=place)


def _digest(data: bytes, start: int, *, place: str) -> bytes:
    view = memoryview(data)
    digest = hashlib.sha256(place.encode() + b"\0")
    digest.update(view[:start])
    digest.update(b"0" * DIGITS)
    digest.update(view[start + DIGITS :])
    return digest.hexdigest().encode()
