"""What a fuzz target is: bytes in, and an error only where a promise of the product is broken."""

import atexit
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

MARK: Final = "never-quoted-7391"
"""Stands in seeds where logged or reviewed text stands; no error message may repeat it."""

_TWICE: Final = 16
"""One case in so many is run twice, always the same ones."""

Structure = Literal["json", "json lines", "yaml", "text"]


class BrokenPromiseError(AssertionError):
    """The product did what it says it never does."""


@dataclass(frozen=True)
class Target:
    """One parser under test.

    `run` reads one case and returns what came of it, equal for equal bytes; it raises
    `BrokenPromiseError`, or whatever escaped from the product. A case's first line may name one of
    `variants`. `words` are what the format is made of; `examples` how many mutated seeds an
    everyday test run tries, by how fast the target is.
    """

    name: str
    run: Callable[[bytes], object]
    seeds: Sequence[bytes]
    structure: Structure
    words: Sequence[str] = ()
    variants: Sequence[str] = ()
    examples: int = 60


def check(target: Target, data: bytes, *, twice: bool | None = None) -> None:
    """Runs a case; every so often twice, since the same bytes must come to the same."""
    first = target.run(data)
    again = zlib.crc32(data) % _TWICE == 0 if twice is None else twice
    if again and target.run(data) != first:
        raise BrokenPromiseError(f"{target.name}: the same bytes came to two results")


def promise(kept: bool, broken: str) -> None:
    """Raises `BrokenPromiseError` unless the promise was kept."""
    if not kept:
        raise BrokenPromiseError(broken)


def variant_of(data: bytes, variants: Sequence[str]) -> tuple[str, bytes]:
    """The variant that the first line names, or one chosen by it, and what follows."""
    line, _, rest = data.partition(b"\n")
    name = line.decode("utf-8", "replace").strip()
    if name in variants:
        return name, rest
    return variants[zlib.crc32(line) % len(variants)], rest


def text_of(data: bytes) -> str:
    """The bytes as text, lone surrogates included: decoded JSON may hold them."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


@contextmanager
def only(*declared: type[Exception], quoting: bytes | None = None) -> Iterator[list[str]]:
    """Lets declared errors end the block; their messages are listed and repeat no `MARK`."""
    told: list[str] = []
    try:
        yield told
    except declared as error:
        message = str(error)
        promise(bool(message.strip()), f"{type(error).__name__} says nothing")
        if quoting is not None:
            promise(MARK not in message, f"{type(error).__name__} quotes what it read")
        told.append(f"{type(error).__name__}: {message}")


@contextmanager
def stored(data: bytes, name: str) -> Iterator[Path]:
    """The bytes in a file of this name, which is gone afterwards; the same path all along."""
    file = _scratch() / name
    file.write_bytes(data)
    try:
        yield file
    finally:
        file.unlink()


@cache
def _scratch() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="eval-pipeline-fuzz-")
    atexit.register(folder.cleanup)
    return Path(folder.name)
