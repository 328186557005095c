"""What the privacy benchmark sets side by side: every engine is a function from text to spans.

Our own stand behind `whole_engine` and `structured_core` alone, so that the benchmark does not
change when they do.
"""

import importlib
from collections.abc import Callable, Sequence
from typing import Final, Literal

from eval_pipeline.adapters.presidio import kind_of
from eval_pipeline.anonymisation.anonymiser import Anonymiser
from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured.core import StructuredCore
from eval_pipeline.settings import ALL_RECOGNISERS, AnonymisationSettings, Language

Find = Callable[[str], list[Span]]
Mask = Callable[[str], str]

OURS: Final = "ours"
PRESIDIO: Final = "Presidio, patterns"
PRESIDIO_THRESHOLDS: Final = (0.0, 0.4)
"""That of Presidio's analyzer, and that of presidio-research's evaluation."""


class UnavailableError(Exception):
    """An engine that cannot run here; the message is the reason."""


def whole_engine(language: Language = "en") -> Find:
    """All that we would mask in a text alone, at the default settings for this language."""
    return anonymiser(language).find


def anonymiser(language: Language = "en") -> Anonymiser:
    return Anonymiser(AnonymisationSettings(languages=(language,)), key=b"benchmark")


def structured_core(engine: Literal["hyperscan", "re"]) -> Find:
    """Our patterns and validators without names."""
    try:
        core = StructuredCore(ALL_RECOGNISERS, engine=engine)
    except ImportError as error:
        raise UnavailableError(f"the package '{error.name}' is not installed") from None
    return core.find


def masking() -> Mask:
    """A text as it would be written, at the default settings."""
    return anonymiser().mask_text


def presidio_scored() -> Callable[[str], list[tuple[float, Span]]]:
    """Presidio's recognisers that need no model: finds with their scores, overlaps included."""
    try:
        engine = importlib.import_module("eval_pipeline.adapters.presidio_engine")
    except ImportError as error:
        raise UnavailableError(f"the package '{error.name}' is not installed") from None
    analyzer = engine.pattern_analyzer()

    def found(text: str) -> list[tuple[float, Span]]:
        return [
            (one.score, Span(one.start, one.end, kind_of(one.entity_type)))
            for one in analyzer.analyze(text, language="en")
        ]

    return found


def presidio() -> Find:
    """Presidio at its analyzer's own threshold."""
    scored = presidio_scored()
    return lambda text: painted(scored(text))


def painted(scored: Sequence[tuple[float, Span]], *, threshold: float = 0.0) -> list[Span]:
    """Disjoint spans: where finds overlap, the highest score keeps its characters."""
    kinds: dict[int, str] = {}
    for _, span in sorted(
        (one for one in scored if one[0] >= threshold),
        key=lambda one: (one[0], one[1].end - one[1].start),
    ):
        kinds.update(dict.fromkeys(range(span.start, span.end), span.kind))
    spans: list[Span] = []
    for index in sorted(kinds):
        last = spans[-1] if spans else None
        if last is not None and last.end == index and last.kind == kinds[index]:
            spans[-1] = Span(last.start, index + 1, last.kind)
        else:
            spans.append(Span(index, index + 1, kinds[index]))
    return spans


def replaced(text: str, spans: Sequence[Span]) -> str:
    """The text with placeholders for these disjoint spans."""
    pieces, position = [], 0
    for span in sorted(spans):
        pieces += [text[position : span.start], f"[{span.kind}_1]"]
        position = span.end
    return "".join([*pieces, text[position:]])
