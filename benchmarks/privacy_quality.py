"""What is found of labelled text: whole entities masked, and presidio-research's span scores."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from privacy_corpora import Corpus, Labelled, tokens_of
from privacy_engines import (
    OURS,
    PRESIDIO,
    PRESIDIO_THRESHOLDS,
    UnavailableError,
    painted,
    presidio_scored,
    whole_engine,
)
from privacy_tables import CONFIDENCE, Table, interval, share
from span_evaluation import (
    ANY_KIND,
    Document,
    Entity,
    Score,
    Token,
    fully_covered,
    score,
    skip_words,
)

from eval_pipeline.adapters.presidio import kind_of
from eval_pipeline.anonymisation.spans import Span

IOUS: Final = (0.9, 0.7)
RESAMPLES: Final = 2_000
_SAME_IN_GOLD: Final = {"DATE_OF_BIRTH": "DATE"}


def quality(corpus: Corpus) -> Iterator[Table]:
    """Three tables of one corpus: whole entities, spans of any kind, spans by kind."""
    found, notes = _found(corpus)
    yield _masked_table(corpus, found, notes)
    tokens, tokeniser = tokens_of(corpus)
    documents = {
        name: [
            _document(one, of_text, spans)
            for one, of_text, spans in zip(corpus.texts, tokens, of_engine, strict=True)
        ]
        for name, of_engine in found.items()
    }
    yield _any_kind_table(corpus, documents, note=f"Tokens: {tokeniser}.")
    yield _kinds_table(corpus, documents)


def _found(corpus: Corpus) -> tuple[dict[str, list[list[Span]]], list[str]]:
    """The spans of every text, by engine; and what could not run."""
    ours = whole_engine(corpus.language)
    found = {OURS: [ours(one.text) for one in corpus.texts]}
    if corpus.language != "en":
        return found, [f"{PRESIDIO}: its patterns here are for English."]
    try:
        scored = presidio_scored()
    except UnavailableError as reason:
        return found, [f"{PRESIDIO}: skipped, {reason}."]
    theirs = [scored(one.text) for one in corpus.texts]
    for threshold in PRESIDIO_THRESHOLDS:
        name = f"{PRESIDIO}, score {threshold:g}+"
        found[name] = [painted(of_text, threshold=threshold) for of_text in theirs]
    return found, []


def _masked_table(
    corpus: Corpus, found: Mapping[str, Sequence[Sequence[Span]]], notes: Sequence[str]
) -> Table:
    gold = Counter(entity.kind for one in corpus.texts for entity in one.entities)
    hits = {name: _hits(corpus, spans) for name, spans in found.items()}
    rows = [
        [kind, str(count), *(share(of_engine[kind], count) for of_engine in hits.values())]
        for kind, count in gold.most_common()
    ]
    every = sum(gold.values())
    rows.append(["all", str(every), *(share(h.total(), every) for h in hits.values())])
    meaning = (
        "Share of gold spans of which every letter and digit is masked, whatever the kind; "
        "Wilson's 95 % intervals."
    )
    return Table(
        f"{corpus.name}: entities fully masked",
        ["entity", "spans", *found],
        rows,
        [meaning, *notes],
    )


def _hits(corpus: Corpus, found: Sequence[Sequence[Span]]) -> Counter[str]:
    hits: Counter[str] = Counter()
    for one, spans in zip(corpus.texts, found, strict=True):
        masked = [(span.start, span.end) for span in spans]
        hits.update(e.kind for e in one.entities if fully_covered(one.text, e, masked))
    return hits


def _document(one: Labelled, tokens: Sequence[Token], spans: Sequence[Span]) -> Document:
    """Gold and found kinds under the same names: ours."""
    return Document.of(
        tokens,
        gold=[Entity(entity.start, entity.end, kind_of(entity.kind)) for entity in one.entities],
        predicted=[
            Entity(span.start, span.end, _SAME_IN_GOLD.get(span.kind, span.kind)) for span in spans
        ],
    )


def _any_kind_table(
    corpus: Corpus, documents: Mapping[str, Sequence[Document]], *, note: str
) -> Table:
    groups = _groups(corpus)
    rows, gaps = [], []
    for iou in IOUS:
        counts = {
            name: _counts([one.without_kinds() for one in of_engine], iou=iou)[ANY_KIND]
            for name, of_engine in documents.items()
        }
        whole = {name: _whole(of_engine) for name, of_engine in counts.items()}
        drawn = {name: _measures(_drawn(of_engine, groups)) for name, of_engine in counts.items()}
        for name, told in whole.items():
            ratios = zip((told.precision, told.recall, told.f()), drawn[name], strict=True)
            rows.append([f"{iou:g}", name, *(interval(v, *_bounds(r)) for v, r in ratios)])
            if name != OURS:
                gap = (whole[OURS].f() or 0.0) - (told.f() or 0.0)
                bounds = _bounds(drawn[OURS][2] - drawn[name][2])
                gaps.append(f"F2 of ours minus {name}, overlap {iou:g}: {interval(gap, *bounds)}.")
    return Table(
        f"{corpus.name}: spans of any kind, as presidio-research's SpanEvaluator counts",
        ["overlap", "engine", "precision", "recall", "F2"],
        rows,
        [f"95 % intervals by {_resampling(groups)}. {note}", *gaps],
    )


def _kinds_table(corpus: Corpus, documents: Mapping[str, Sequence[Document]]) -> Table:
    groups = _groups(corpus)
    counts = {
        (name, iou): _counts(of_engine, iou=iou)
        for name, of_engine in documents.items()
        for iou in IOUS
    }
    annotated: Counter[str] = Counter()
    for by_kind in counts.values():
        annotated |= Counter({kind: _whole(of_kind).annotated for kind, of_kind in by_kind.items()})
    nothing = np.zeros((len(corpus.texts), 3))
    rows = [
        [
            kind,
            str(count),
            f"{iou:g}",
            *(_ratios(counts[name, iou].get(kind, nothing), groups) for name in documents),
        ]
        for kind, count in annotated.most_common()
        for iou in IOUS
    ]
    meaning = (
        "A find of another kind is none here. 95 % intervals: Wilson's of precision and recall, of "
        f"F2 by {_resampling(groups)}; it has no width where all templates say the same."
    )
    return Table(
        f"{corpus.name}: spans by kind: precision, recall, F2",
        ["kind", "spans", "overlap", *documents],
        rows,
        [meaning],
    )


def _ratios(counts: np.ndarray, groups: np.ndarray) -> str:
    told = _whole(counts)
    f = interval(told.f(), *_bounds(_measures(_drawn(counts, groups))[2]))
    return f"{share(told.found, told.predicted)}; {share(told.found, told.annotated)}; {f}"


def _counts(documents: Sequence[Document], *, iou: float) -> dict[str, np.ndarray]:
    """By kind, a row of annotated, predicted and found spans for each document."""
    skipped = skip_words()
    counts = {ANY_KIND: np.zeros((len(documents), 3))}
    for row, one in enumerate(documents):
        for kind, told in score([one], iou=iou, skipped=skipped).items():
            of_kind = counts.setdefault(kind, np.zeros((len(documents), 3)))
            of_kind[row] = told.annotated, told.predicted, told.found
    return counts


def _whole(counts: np.ndarray) -> Score:
    return Score(*(int(total) for total in counts.sum(axis=0)))


def _groups(corpus: Corpus) -> np.ndarray:
    return np.unique([one.group for one in corpus.texts], return_inverse=True)[1]


def _resampling(groups: np.ndarray) -> str:
    templates = len(set(groups.tolist()))
    return f"{RESAMPLES:,} resamples of {templates} templates, for texts of a template are alike"


def _drawn(counts: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Counts of resamples of whole groups; the same draws for every engine, so they are paired."""
    sums = np.zeros((groups.max() + 1, counts.shape[1]))
    np.add.at(sums, groups, counts)
    rng = np.random.default_rng(2026)
    draws = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=RESAMPLES)
    return draws @ sums


def _measures(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision, recall and F2; not a number where a resample holds nothing to divide by."""
    annotated, predicted, found = counts.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return found / predicted, found / annotated, 5 * found / (4 * annotated + predicted)


def _bounds(values: np.ndarray) -> tuple[float, float]:
    defined = values[np.isfinite(values)]
    tail = 50 * (1 - CONFIDENCE)
    lower, upper = np.percentile(defined, [tail, 100 - tail]) if defined.size else (0.0, 1.0)
    return float(lower), float(upper)
