"""Labelled texts to measure on, and their tokens."""

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, get_args

import polars as pl
from span_evaluation import Entity, Token

from eval_pipeline.anonymisation.names.generation import Generator, templates
from eval_pipeline.settings import Language


@dataclass(frozen=True)
class Labelled:
    """A text with its gold entities, and the group of texts made alike that it belongs to."""

    text: str
    entities: tuple[Entity, ...]
    group: str


@dataclass(frozen=True)
class Corpus:
    name: str
    texts: tuple[Labelled, ...]
    language: Language = "en"

    def of(self, count: int | None) -> "Corpus":
        """The first texts alone."""
        return replace(self, texts=self.texts[:count])


def corpus_of(file: Path, *, name: str) -> Corpus:
    """Parquet or JSON lines with `text`, `spans` (start, end, entity_type), maybe `template_id`."""
    frame = pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_ndjson(file)
    grouped = "template_id" in frame.columns
    texts = tuple(
        Labelled(
            row["text"],
            tuple(Entity(span["start"], span["end"], span["entity_type"]) for span in row["spans"]),
            str(row["template_id"] if grouped else index),
        )
        for index, row in enumerate(frame.iter_rows(named=True))
    )
    return Corpus(name, texts)


def synth_v2(data: Path) -> Corpus:
    return corpus_of(data / "presidio_synth_v2" / "documents.parquet", name="presidio synth v2")


def held_out(language: Language, *, fillings: int = 4) -> Corpus:
    """Our own templates that no model learns from, each filled a few times."""
    lines = templates(language, held_out=True)
    generator = Generator(language, seed="benchmark", masked_share=0.0)
    texts = tuple(
        Labelled(
            made.text,
            tuple(Entity(start, end, label) for start, end, label in made.spans),
            str(number),
        )
        for number, line in enumerate(lines)
        for made in (generator.fill(line) for _ in range(fillings))
    )
    return Corpus(f"held-out templates, {language}", texts, language)


def _held_out_maker(language: Language) -> Callable[[Path], Corpus]:
    return lambda _: held_out(language)


CORPORA: Final[Mapping[str, Callable[[Path], Corpus]]] = {
    "presidio_synth_v2": synth_v2,
    **{f"held_out_{one}": _held_out_maker(one) for one in get_args(Language)},
}
"""By name; a maker is given the folder of the public data and raises `OSError` without it."""


def tokens_of(corpus: Corpus) -> tuple[list[list[Token]], str]:
    """spaCy's for English, which needs no model, as in published figures; or plain words."""
    try:
        tokenise = importlib.import_module("spacy").blank("en").tokenizer
    except ImportError:
        pattern = re.compile(r"\w+|[^\w\s]|\s{2,}")
        return [
            [Token(match.start(), match.group()) for match in pattern.finditer(one.text)]
            for one in corpus.texts
        ], "words and signs, for spaCy is not installed; published figures use spaCy's"
    return [
        [Token(token.idx, token.text) for token in tokenise(one.text)] for one in corpus.texts
    ], "spaCy's for English"
