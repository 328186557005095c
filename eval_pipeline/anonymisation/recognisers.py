"""The recognisers by their names in the configuration, and those of the organisation."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured.core import StructuredCore
from eval_pipeline.settings import CustomPattern, Language, RecogniserName

RECOGNISER_VERSION: Final = 2
"""Raised whenever a rule changes what is masked: part of the anonymiser's fingerprint."""

_CACHED_CORES: Final = 32


@lru_cache(maxsize=_CACHED_CORES)
def structured_core(
    recognisers: tuple[RecogniserName, ...], languages: tuple[Language, ...] = ("en",)
) -> StructuredCore:
    """The core of these recognisers, built once: building it compiles its patterns."""
    return StructuredCore(recognisers, languages=languages)


def find(
    text: str,
    *,
    recognisers: Sequence[RecogniserName],
    languages: Sequence[Language] = ("en",),
) -> Iterator[Span]:
    """What these recognisers see in the text, overlaps included."""
    yield from structured_core(tuple(recognisers), tuple(languages)).find(text)


def compile_custom(patterns: Sequence[CustomPattern]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The organisation's patterns, compiled; that they compile, the configuration has checked."""
    return tuple((custom.name, re.compile(custom.pattern)) for custom in patterns)


def find_custom(text: str, *, patterns: Sequence[tuple[str, re.Pattern[str]]]) -> Iterator[Span]:
    """Every match of the organisation's own patterns; empty matches are none."""
    for name, pattern in patterns:
        for match in pattern.finditer(text):
            if match.end() > match.start():
                yield Span(match.start(), match.end(), name, cued=True, rule=f"custom: {name}")
