"""How well found spans match the gold ones, as presidio-research's `SpanEvaluator` counts it.

Written anew from its definitions (microsoft/presidio-research 0.3.2, MIT), so that figures can be
set beside those that others publish; a test holds the two equal where that package is installed.

Tokens carry the kind of the span they lie in. Runs of a kind are spans; skip words and
punctuation at their ends do not count, and spans of a kind with nothing but those between them are
one. A gold span is found if the intersection of its characters with the predicted ones, over their
union, reaches a threshold. Predictions that touch one gold span are pooled by kind, and each pool
counts as one prediction.
"""

import string
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

OUTSIDE: Final = "O"
ANY_KIND: Final = "PII"
BETA: Final = 2.0
_RUNS: Final = frozenset(
    [
        "",
        *(sign * times for sign in "\n\t" for times in range(2, 5)),
        *(">" * n for n in range(2, 7)),
    ]
)


def skip_words() -> frozenset[str]:
    """Tokens, in lower case, that neither make nor break a span."""
    lines = Path(__file__).with_name("skip_words.txt").read_text(encoding="utf-8").splitlines()
    words = " ".join(line for line in lines if not line.startswith("#")).split()
    return frozenset(words) | _RUNS | frozenset(string.punctuation + string.whitespace)


@dataclass(frozen=True)
class Entity:
    """Characters `start` to `end` (exclusive) of a text are of `kind`."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Token:
    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True)
class Document:
    """Tokens of a text with the gold and the predicted kind of each; `OUTSIDE` is none."""

    tokens: tuple[Token, ...]
    gold: tuple[str, ...]
    predicted: tuple[str, ...]

    @classmethod
    def of(
        cls, tokens: Sequence[Token], *, gold: Iterable[Entity], predicted: Iterable[Entity]
    ) -> "Document":
        return cls(tuple(tokens), kinds_of(tokens, gold), kinds_of(tokens, predicted))

    def without_kinds(self) -> "Document":
        """The same spans, all of one kind."""
        return Document(self.tokens, *(_one_kind(kinds) for kinds in (self.gold, self.predicted)))


@dataclass(frozen=True)
class Score:
    """Counts of spans; a ratio without a denominator is None."""

    annotated: int = 0
    predicted: int = 0
    found: int = 0

    @property
    def precision(self) -> float | None:
        return self.found / self.predicted if self.predicted else None

    @property
    def recall(self) -> float | None:
        return self.found / self.annotated if self.annotated else None

    def f(self, *, beta: float = BETA) -> float | None:
        """The F measure; recall weighs `beta` times as much as precision."""
        if not self.annotated or not self.predicted or not self.found:
            return None
        weight = beta**2
        return (1 + weight) * self.found / (weight * self.annotated + self.predicted)


def kinds_of(tokens: Sequence[Token], entities: Iterable[Entity]) -> tuple[str, ...]:
    """The kind of each token: of the first entity that holds its start, or lies within it."""
    ordered = sorted(entities, key=lambda entity: (entity.start, entity.end))
    return tuple(
        next((entity.kind for entity in ordered if _marks(entity, token)), OUTSIDE)
        for token in tokens
    )


def fully_covered(text: str, entity: Entity, masked: Iterable[tuple[int, int]]) -> bool:
    """Whether every letter and digit of the entity lies in a masked stretch."""
    hidden = set().union(*(range(start, end) for start, end in masked))
    return all(i in hidden or not text[i].isalnum() for i in range(entity.start, entity.end))


def score(
    documents: Iterable[Document], *, iou: float, skipped: frozenset[str]
) -> dict[str, Score]:
    """Counts by kind; over documents `without_kinds` there is but `ANY_KIND`."""
    annotated: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for document in documents:
        gold = list(_spans(document.tokens, document.gold, skipped=skipped))
        claims = list(_spans(document.tokens, document.predicted, skipped=skipped))
        annotated.update(span.kind for span in gold)
        touched: set[_Span] = set()
        for span in gold:
            near = [claim for claim in claims if _iou(span, claim) > 0]
            touched.update(near)
            for kind, overlap in _overlaps(span, near):
                predicted[kind] += 1
                found[kind] += kind == span.kind and overlap >= iou
        predicted.update(claim.kind for claim in claims if claim not in touched)
    kinds = sorted({*annotated, *predicted})
    return {kind: Score(annotated[kind], predicted[kind], found[kind]) for kind in kinds}


@dataclass(frozen=True)
class _Span:
    """A run of tokens of one kind: `start` to `end` are of its characters that count."""

    start: int
    end: int
    kind: str
    first_token: int
    after_token: int


def _marks(entity: Entity, token: Token) -> bool:
    inside = token.start <= entity.start <= token.end and token.start <= entity.end <= token.end
    return entity.start <= token.start < entity.end or inside


def _one_kind(kinds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(OUTSIDE if kind == OUTSIDE else ANY_KIND for kind in kinds)


def _spans(
    tokens: Sequence[Token], kinds: Sequence[str], *, skipped: frozenset[str]
) -> Iterator[_Span]:
    """Spans of tokens that count, those of a kind with nothing that counts between them as one."""
    held: _Span | None = None
    for span in _runs(tokens, kinds, skipped=skipped):
        if held is not None and held.kind == span.kind:
            between = tokens[held.after_token : span.first_token]
            if all(token.text.lower().strip() in skipped for token in between):
                held = _Span(
                    min(held.start, span.start),
                    max(held.end, span.end),
                    span.kind,
                    held.first_token,
                    span.after_token,
                )
                continue
        if held is not None:
            yield held
        held = span
    if held is not None:
        yield held


def _runs(
    tokens: Sequence[Token], kinds: Sequence[str], *, skipped: frozenset[str]
) -> Iterator[_Span]:
    for kind, run in groupby(range(len(tokens)), key=lambda index: kinds[index]):
        indices = list(run)
        counted = [tokens[i] for i in indices if tokens[i].text.lower() not in skipped]
        if kind != OUTSIDE and counted:
            start = min(token.start for token in counted)
            # Some characters lower to two: the evaluator measures tokens in lower case.
            end = max(token.start + len(token.text.lower()) for token in counted)
            yield _Span(start, end, kind, indices[0], indices[-1] + 1)


def _iou(span: _Span, claim: _Span) -> float:
    shared = min(span.end, claim.end) - max(span.start, claim.start)
    if shared <= 0:
        return 0.0
    return shared / (max(span.end, claim.end) - min(span.start, claim.start))


def _overlaps(span: _Span, claims: Sequence[_Span]) -> Iterator[tuple[str, float]]:
    """The kinds that touch the span, and how well their claims together cover it."""
    if len(claims) == 1:
        yield claims[0].kind, _iou(span, claims[0])
        return
    by_kind: dict[str, list[_Span]] = {}
    for claim in claims:
        by_kind.setdefault(claim.kind, []).append(claim)
    for kind, pool in by_kind.items():
        yield kind, _pooled_iou(span, pool)


def _pooled_iou(span: _Span, pool: Sequence[_Span]) -> float:
    """Of several claims; the ends are inclusive and later claims moved by one, as theirs are."""
    of_span = set(range(span.start, span.end + 1))
    claimed = set(range(pool[0].start, pool[0].end + 1))
    for claim in pool[1:]:
        claimed.update(range(claim.start - 1, claim.end))
    return len(of_span & claimed) / len(of_span | claimed)
