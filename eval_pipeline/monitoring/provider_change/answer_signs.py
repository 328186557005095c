"""What is kept of a canary's answer: enough to compare distributions, and no text."""

import base64
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.ports import CallOutcome

SKETCH_SIZE: Final = 64
GRAM: Final = 3
LARGEST: Final = 127

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AnswerSign:
    """One answer: the fingerprint of all it said, its length in characters, a sketch of its words.

    The sketch is a signed hashing of character trigrams into 64 small numbers (Weinberger et al.
    2009): close texts have close sketches, and no text can be read from one. Zeros: no text.
    """

    exact: str
    length: int
    sketch: str

    @property
    def direction(self) -> Floats:
        """The sketch as a vector of length one, or zeros."""
        vector = np.frombuffer(base64.b64decode(self.sketch), dtype=np.int8).astype(np.float64)
        norm = float(np.linalg.norm(vector))
        return vector / norm if norm else vector


def sign_of(outcome: CallOutcome) -> AnswerSign:
    """The sign of an answer or a refusal; how it ended is part of what it said."""
    return sign_of_answer(outcome.status, outcome.finish_reason, outcome.text)


def sign_of_answer(status: str, finish_reason: str | None, text: str | None) -> AnswerSign:
    """The sign of an answer as tables and the journal hold it."""
    said = text or ""
    return AnswerSign(
        exact=fingerprint([status, finish_reason, text]), length=len(said), sketch=_sketch(said)
    )


def distances(signs: Sequence[AnswerSign]) -> Floats:
    """Pairwise distances from 0 to 1, one row and one column a sign.

    0 for the same answer; else the mean of 1, of the cosine distance of the sketches and of the
    logarithm of the ratio of lengths, each cut at 1. So a model that always says the same is
    told by any other answer, and one that never does by how it words and how long it talks.
    """
    exact = np.array([sign.exact for sign in signs])
    directions = np.array([sign.direction for sign in signs])
    lengths = np.log1p(np.array([sign.length for sign in signs], dtype=np.float64))
    words = np.clip(1 - directions @ directions.T, 0, 1)
    talk = np.clip(np.abs(lengths[:, None] - lengths[None, :]), 0, 1)
    apart: Floats = np.where(exact[:, None] == exact[None, :], 0.0, (1 + words + talk) / 3)
    return apart


def _sketch(text: str) -> str:
    normal = " ".join(text.casefold().split())
    counts = np.zeros(SKETCH_SIZE)
    grams = Counter(normal[start : start + GRAM] for start in range(len(normal) - GRAM + 1))
    for gram, count in grams.items():
        digest = blake2b(gram.encode("utf-8", "surrogatepass"), digest_size=2).digest()
        counts[digest[0] % SKETCH_SIZE] += math.copysign(math.sqrt(count), digest[1] - 127.5)
    largest = float(np.abs(counts).max())
    scaled = np.round(counts / largest * LARGEST) if largest else counts
    return base64.b64encode(scaled.astype(np.int8).tobytes()).decode("ascii")
