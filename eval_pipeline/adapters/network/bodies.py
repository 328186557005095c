"""A reply's body in pieces: decoded, and never more of it than a limit."""

import zlib
from collections.abc import Iterator
from typing import Final

GZIP: Final = 16 + zlib.MAX_WBITS
PIECE_BYTES: Final = 2**16
_ALLOWANCE_BYTES: Final = 2**16
"""What gzip adds at most to a body that it cannot make smaller."""


class TooLongError(Exception):
    """A body is longer than its limit; nothing beyond the limit was kept."""


class BodyDecoder:
    """Decodes chunk by chunk; raises `zlib.error` for what is no such encoding.

    Refuses what is more than `largest` bytes, as they come or decoded, with `TooLongError`: a body
    of nothing but padding costs as much as one that unfolds.
    """

    def __init__(self, encoding: str, *, largest: int) -> None:
        named = encoding.strip().lower()
        if named not in {"", "identity", "gzip", "x-gzip"}:
            raise zlib.error("an encoding that was not asked for")
        self._inflating = zlib.decompressobj(GZIP) if "gzip" in named else None
        self._largest = largest
        self._came = 0
        self._decoded = 0

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """The content of one more chunk, in pieces of 64 KiB at most where it is compressed."""
        self._came += len(chunk)
        if self._came > self._largest + _ALLOWANCE_BYTES:
            raise TooLongError
        if self._inflating is None:
            yield self._counted(chunk)
            return
        while chunk:
            if self._inflating.eof:
                raise zlib.error("more after the end of the compressed content")
            piece = self._inflating.decompress(chunk, PIECE_BYTES)
            chunk = self._inflating.unconsumed_tail or self._inflating.unused_data
            if piece:
                yield self._counted(piece)

    def finish(self) -> None:
        """Raises `zlib.error` where the compressed content broke off."""
        if self._inflating is not None and self._came and not self._inflating.eof:
            raise zlib.error("the compressed content breaks off")

    def _counted(self, piece: bytes) -> bytes:
        self._decoded += len(piece)
        if self._decoded > self._largest:
            raise TooLongError
        return piece
