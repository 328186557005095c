"""Which questions are nearly the same: MinHash finds the pairs worth a look, Jaccard decides.

Questions are compared as sets of five-character runs of their normalised text, so a short one can
be compared too. MinHash with locality-sensitive hashing (Broder 1997; Leskovec, Rajaraman and
Ullman, *Mining of Massive Datasets*, 3.4) only proposes pairs; each proposal is confirmed by the
exact Jaccard similarity of the two sets, so the threshold is exact. What hashing can do is miss a
pair: one that lies at the threshold is missed less than once in ten million times for thresholds
from 0.23 up, and a pair above it less often still.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

RUN: Final = 5
"""Characters in a row that make one element of the set."""
PERMUTATIONS: Final = 256
SEED: Final = 1_999_483
SCHEME: Final = "affine32"
RECALL: Final = 1 - 1e-7
_INSTRUCTING: Final = frozenset({"system", "developer"})
_END: Final = "\n" * (RUN - 1)
_PLACEHOLDER: Final = re.compile(r"\[([A-Z][A-Z0-9_]*?)_\d+\]")
_MULTIPLIERS: Final = np.array(
    [
        0x9E3779B97F4A7C15,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0x27D4EB2F165667C5,
        0x85EBCA77C2B2AE63,
    ],
    dtype=np.uint64,
)

Neighbours = Mapping[str, frozenset[str]]


def normalised(messages: Sequence[Mapping[str, str | None]]) -> str:
    """What the messages ask: case, spacing, forms of characters and numbers of placeholders apart.

    [PERSON_1] and [PERSON_2] are both a person: the number says who, within one conversation. Each
    message ends so that its last character counts in as many runs as any other. Instructions to
    the system are left out: those of a route all share them, and they are long.
    """
    return _joined(message for message in messages if message["role"] not in _INSTRUCTING)


def instructions(messages: Sequence[Mapping[str, str | None]]) -> str:
    """What the system is told beside the question; only the very same makes two questions alike."""
    return _joined(message for message in messages if message["role"] in _INSTRUCTING)


def _joined(messages: Iterable[Mapping[str, str | None]]) -> str:
    return "".join(
        f"{message['role']}: {_plain(message['content'] or '')}{_END}" for message in messages
    )


def _plain(text: str) -> str:
    kinds = _PLACEHOLDER.sub(r"[\1]", text)
    return " ".join(unicodedata.normalize("NFKC", kinds).casefold().split())


def neighbours(texts: Sequence[str], *, similarity: float) -> Neighbours:
    """For each distinct text those others that are at least so similar; symmetric.

    `texts` are normalised. Any order of them gives the same answer.
    """
    distinct = sorted(set(texts))
    found: dict[str, set[str]] = {text: set() for text in distinct}
    shingles: dict[str, frozenset[str]] = {}
    for one, other in _proposed(distinct, similarity=similarity):
        if _jaccard(one, other, shingles=shingles, at_least=similarity) >= similarity:
            found[one].add(other)
            found[other].add(one)
    return {text: frozenset(others) for text, others in found.items()}


def bands(similarity: float) -> tuple[int, int]:
    """Bands and rows of the hashing: the most rows with which pairs at the threshold are found.

    Of b bands of r rows a pair of similarity s shares one with probability 1 - (1 - s^r)^b.
    """
    for rows in (16, 8, 4, 2):
        count = PERMUTATIONS // rows
        if 1 - (1 - similarity**rows) ** count >= RECALL:
            return count, rows
    return PERMUTATIONS, 1


def _proposed(distinct: Sequence[str], *, similarity: float) -> list[tuple[str, str]]:
    """Pairs that share a band; each once."""
    from datasketch import MinHash, MinHashLSH  # noqa: PLC0415 - slow

    index = MinHashLSH(num_perm=PERMUTATIONS, params=bands(similarity))
    pairs = []
    hashes = (_run_hashes(text) for text in distinct)
    minhashes = MinHash.generator(
        hashes, num_perm=PERMUTATIONS, seed=SEED, scheme=SCHEME, hashfunc=_as_is
    )
    for place, minhash in enumerate(minhashes):
        pairs += [(distinct[other], distinct[place]) for other in index.query(minhash)]
        index.insert(place, minhash, check_duplication=False)
    return pairs


def _as_is(value: int) -> int:
    return value


def _run_hashes(text: str) -> list[int]:
    """A 32-bit hash of every run of the text, each hash once: the same on every machine."""
    points = np.frombuffer(_long_enough(text).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    runs = np.lib.stride_tricks.sliding_window_view(points.astype(np.uint64), RUN)
    mixed: npt.NDArray[np.uint64] = (runs * _MULTIPLIERS).sum(axis=1, dtype=np.uint64)
    mixed ^= mixed >> np.uint64(29)
    mixed *= _MULTIPLIERS[0]
    return [int(value) for value in np.unique(mixed >> np.uint64(32)).tolist()]


def _long_enough(text: str) -> str:
    return text.ljust(RUN)


def _runs(text: str) -> frozenset[str]:
    padded = _long_enough(text)
    return frozenset(padded[start : start + RUN] for start in range(len(padded) - RUN + 1))


def _jaccard(
    one: str, other: str, *, shingles: dict[str, frozenset[str]], at_least: float
) -> float:
    """Shared runs of all runs; 0 where the sizes alone rule `at_least` out."""
    for text in (one, other):
        if text not in shingles:
            shingles[text] = _runs(text)
    a, b = shingles[one], shingles[other]
    if min(len(a), len(b)) < at_least * max(len(a), len(b)):
        return 0.0
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)
