"""Identity by content: canonical JSON, its hash, and seeds and keyed pseudonyms derived from it."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

FINGERPRINT_LENGTH = 32


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text on every machine."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def fingerprint(value: Any) -> str:
    """The first 32 hex digits of the SHA-256 of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()[
        :FINGERPRINT_LENGTH
    ]


def content_hash(data: bytes) -> str:
    """The full SHA-256 of bytes, in hex: what manifests record of a file."""
    return hashlib.sha256(data).hexdigest()


def keyed_pseudonym(key: bytes, *parts: str, length: int = 20) -> str:
    """A pseudonym that only the holder of `key` can recompute (HMAC-SHA-256, hex)."""
    message = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:length]


def seed_for(*parts: str) -> int:
    """A 64-bit seed that is the same on every machine and different for every purpose."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest)


def unit_hash(salt: str, key: str) -> float:
    """A number in (0, 1) from the first 52 bits of md5(salt|key); DuckDB computes the same bits.

    52 bits are exact in a double, so every engine orders keys alike (methods 1.1).
    """
    digest = hashlib.md5(f"{salt}|{key}".encode("utf-8", "surrogatepass"), usedforsecurity=False)
    return (int(digest.hexdigest()[:13], 16) + 0.5) / 2**52


def smallest_by_hash(keys: Sequence[str], count: int, *, salt: str) -> list[str]:
    """The `count` keys with the smallest unit hash, in hash order: nested in `count`."""
    return sorted(keys, key=lambda key: (unit_hash(salt, key), key))[:count]
