"""Members of ZIP archives that are packed with Zstandard, which Python's own reader cannot unpack.

Method 93 of the ZIP specification (PKWARE APPNOTE 6.3.8); Python reads it from 3.14 on.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterable
from typing import Final

import pyarrow as pa

ZSTANDARD: Final = 93
BROKEN_ARCHIVE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    KeyError,
    EOFError,
    OSError,
    # A member that is encrypted, or packed in a way that this Python does not know.
    RuntimeError,
    # What a document of another shape than a log's raises.
    AttributeError,
    TypeError,
)
"""What reading an archive that is damaged, or not what it claims to be, raises."""

_LOCAL_HEADER: Final = struct.Struct("<4s5H3I2H")


def unpacked_bytes(archive: zipfile.ZipFile, names: Iterable[str]) -> int:
    """What these members say they unpack to; `read_member` gives none more than it says."""
    return sum(archive.getinfo(name).file_size for name in names)


def read_member(archive: zipfile.ZipFile, name: str, *, data: bytes) -> bytes:
    """The member's content; `data` is the archive's. Raises one of `BROKEN_ARCHIVE`."""
    member = archive.getinfo(name)
    if member.compress_type != ZSTANDARD:
        return archive.read(member)
    packed = _packed(member, data)
    with pa.CompressedInputStream(pa.BufferReader(packed), "zstd") as stream:
        content = bytes(stream.read(member.file_size + 1))
    if len(content) != member.file_size or zlib.crc32(content) != member.CRC:
        raise ValueError("a member is damaged")
    return content


def _packed(member: zipfile.ZipInfo, data: bytes) -> bytes:
    header = _LOCAL_HEADER.unpack_from(data, member.header_offset)
    start = member.header_offset + _LOCAL_HEADER.size + header[-2] + header[-1]
    return data[start : start + member.compress_size]
