"""The lines of a batch: ids that say nothing of the content, chunks that fit, JSON read safely."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval_pipeline.adapters.model_calls.journal import CallKey
from eval_pipeline.adapters.providers.replies import json_object as bounded_object

TAG_BYTES = 8
CALL_BYTES = 16


@dataclass(frozen=True)
class BatchLine:
    """One request of a batch: its custom id and the JSON of its body."""

    custom_id: str
    model: str
    body: bytes = field(repr=False)


def batch_tag(scope: str, keys: Iterable[CallKey], *, submitted_at: str) -> str:
    """Names one submission: 16 hexadecimal digits, other ones for another time or other calls."""
    parts = [scope, submitted_at, *sorted(_identity(key) for key in keys)]
    digest = hashlib.blake2b("\x1e".join(parts).encode(), digest_size=TAG_BYTES)
    return digest.hexdigest()


def custom_id(tag: str, key: CallKey) -> str:
    """The call's name in one submission: 49 letters, digits and a dash, as every API allows."""
    digest = hashlib.blake2b(_identity(key).encode(), digest_size=CALL_BYTES)
    return f"{tag}-{digest.hexdigest()}"


def tag_of(name: str) -> str:
    """The submission that a custom id belongs to."""
    return name.partition("-")[0]


def chunks(
    lines: Sequence[BatchLine], *, most_calls: int, most_bytes: int
) -> Iterator[list[BatchLine]]:
    """The lines in their order, in groups that keep both limits; a larger line is left out."""
    chunk: list[BatchLine] = []
    size = 0
    for line in lines:
        weight = line_bytes(line)
        if weight > most_bytes:
            continue
        if chunk and (len(chunk) == most_calls or size + weight > most_bytes):
            yield chunk
            chunk, size = [], 0
        chunk.append(line)
        size += weight
    if chunk:
        yield chunk


ENVELOPE_BYTES = 256


def line_bytes(line: BatchLine) -> int:
    """What a line weighs in a request, with room for what the API puts around its body."""
    return len(line.body) + len(line.custom_id) + ENVELOPE_BYTES


def json_object(text: bytes | str) -> dict[str, Any]:
    """The text as a JSON object, or an empty one: what a provider sends is never trusted."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def objects(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The JSON objects among the lines, in order; anything else is passed over."""
    for line in lines:
        found = bounded_object(line)
        if found:
            yield dict(found)


def whole_lines(parts: Iterable[bytes], *, longest: int) -> Iterator[bytes]:
    """The lines of a stream, without their ends; one of more than `longest` bytes is dropped."""
    buffer = bytearray()
    dropping = False
    for part in parts:
        *ended, rest = part.split(b"\n")
        for piece in ended:
            buffer += piece
            if not dropping and len(buffer) <= longest:
                yield bytes(buffer)
            buffer.clear()
            dropping = False
        buffer += rest
        if len(buffer) > longest:
            buffer.clear()
            dropping = True
    if buffer and not dropping:
        yield bytes(buffer)


def inner(value: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The object inside of objects under these names, or an empty one where there is none."""
    found: Any = value
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def text_in(value: Mapping[str, Any], name: str) -> str | None:
    """A string of an object, or null where it is none or empty."""
    found = value.get(name)
    return found if isinstance(found, str) and found else None


def count_in(value: Mapping[str, Any], name: str) -> int:
    """A count of an object, sent as a number or its digits; 0 where it is neither."""
    found = value.get(name)
    if isinstance(found, str) and found.isascii() and found.isdigit():
        found = int(found[:12])
    usable = isinstance(found, int) and not isinstance(found, bool) and found >= 0
    return found if usable and isinstance(found, int) else 0


def _identity(key: CallKey) -> str:
    return "\x1f".join(str(part) for part in vars(key).values())
