"""Trains a model of names from the project's own templates, and from an operator's marked texts.

A linear-chain conditional random field (Lafferty, McCallum and Pereira 2001), by CRFsuite's L-BFGS
with both penalties. The same libraries give the same model: every draw is seeded, and the weights
are rounded to thousandths.
"""

import math
import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eval_pipeline.anonymisation.names.extra_texts import Example, ExtraTexts, times_repeated
from eval_pipeline.anonymisation.names.features import attributes_of
from eval_pipeline.anonymisation.names.generation import Generator, templates
from eval_pipeline.anonymisation.names.lexicon import Lexicon, Listed, lexicon
from eval_pipeline.anonymisation.names.marked import Marked
from eval_pipeline.anonymisation.names.sources import (
    require_training_libraries,
    training_library,
)
from eval_pipeline.anonymisation.names.tokens import tokenise
from eval_pipeline.anonymisation.names.unfamiliar import Unfamiliar
from eval_pipeline.anonymisation.names.weights import OUTSIDE, Weights, spell_weights
from eval_pipeline.fingerprint import seed_for, unit_hash
from eval_pipeline.settings import Language

Sentence = Sequence[tuple[str, str]]
"""Tokens as `tokens.tokenise` makes them, with their labels: `generation.LABELS` or `OUTSIDE`."""

_WITHHELD: Final = 0.25
_NAMES: Final = Listed.FIRST | Listed.LAST | Listed.PLACE


@dataclass(frozen=True)
class Effort:
    """How much is generated, how long is learnt, and how much an operator's texts weigh.

    `rounds`: how often each template is filled, or more often where it takes more to make
    `least_texts`. `least_seen`: a feature seen in fewer places is
    not learnt. `l1`, `l2`: the penalties. Extra texts are repeated until they hold `extra_share`
    of the generated tokens' number, but at most `most_repeats` times. Measured with documents of
    presidio-research beside two rounds, on its templates that were not learnt from: 1,128
    documents, a sixth of the generated tokens, raised the share of names fully masked from .944
    to .966 when learnt from once, and no further four, eight and twenty times (.965, .961, .966);
    200 of them, a thirty-sixth, to .954, and no further (.952, .951, .951). Hence a quarter.
    """

    rounds: int = 6
    least_texts: int = 12_000
    iterations: int = 100
    least_seen: int = 3
    l1: float = 0.15
    l2: float = 0.3
    extra_share: float = 0.25
    most_repeats: int = 4


FULL_EFFORT: Final = Effort()
"""What the shipped models were trained with."""


def train(
    *,
    language: Language,
    extra: Iterable[Sentence] = (),
    effort: Effort = FULL_EFFORT,
    report: Callable[[str], None] | None = None,
    known: Lexicon | None = None,
) -> bytes:
    """The file of a model of the language's names (`weights.parse_weights` reads it).

    `extra` are an operator's marked texts, weighed as `Effort` says; a word of theirs alone reaches
    the file only if it stands in `least_seen` of them. `known` are the lists to learn with, the
    shipped ones if None. Raises `MissingTrainingLibraryError`.
    """
    require_training_libraries()
    tell = report or (lambda _: None)
    known = known or lexicon(language)
    learnt_with = withheld(known)
    trainer = training_library("pycrfsuite").Trainer(algorithm="lbfgs", verbose=False)
    marked = [_example(sentence, known=learnt_with) for sentence in extra if sentence]
    own = ExtraTexts(marked, least_seen=effort.least_seen)
    texts = tokens = 0
    for sentence in generated(language, effort=effort, known=known):
        example = _example(sentence, known=learnt_with)
        own.count(example)
        trainer.append(example.features, example.labels)
        texts, tokens = texts + 1, tokens + len(sentence)
    repeats = times_repeated(
        own.tokens, generated=tokens, share=effort.extra_share, most=effort.most_repeats
    )
    for example in own.without_rare():
        for _ in range(repeats):
            trainer.append(example.features, example.labels)
    tell(f"{texts} texts made" + (f", {own.texts} added {repeats} times" if repeats else ""))
    weights = _learn(trainer, effort=effort)
    tell(f"{len(weights.state)} features learnt")
    return spell_weights(weights)


def withheld(known: Lexicon, *, share: float = _WITHHELD) -> Lexicon:
    """The lexicon without a share of its names, so that the model learns to do without."""
    kept = {
        word: flags & ~_NAMES if unit_hash("withheld", word) < share else flags
        for word, flags in known.listed.items()
    }
    return Lexicon(listed=kept, ranks=known.ranks)


def labelled(text: Marked) -> list[tuple[str, str]]:
    """The text's tokens, each with the label of the span it lies in, if only in part."""
    words, extents = tokenise(text.text)
    labels = [OUTSIDE] * len(words)
    for start, end, label in text.spans:
        for index, (first, last) in enumerate(extents):
            if first < end and last > start and words[index] != "\n":
                labels[index] = label
    return list(zip(words, labels, strict=True))


def generated(language: Language, *, effort: Effort, known: Lexicon) -> Iterator[Sentence]:
    """What is learnt from without an operator's texts: the same on every machine."""
    draws = random.Random(seed_for("unfamiliar words", language))  # noqa: S311 - no secret
    unfamiliar = Unfamiliar(known, draws=draws)
    generator = Generator(language, seed="training")
    lines = templates(language, held_out=False)
    rounds = max(effort.rounds, math.ceil(effort.least_texts / len(lines)))
    made = generator.texts(lines, rounds=rounds)
    for text in generator.joined(made):
        yield unfamiliar.mixed_in(labelled(text))


def _example(sentence: Sentence, *, known: Lexicon) -> Example:
    words = [word for word, _ in sentence]
    return Example(attributes_of(words, lexicon=known), [label for _, label in sentence])


def _learn(trainer: Any, *, effort: Effort) -> Weights:
    trainer.set_params(
        {
            "c1": effort.l1, "c2": effort.l2, "max_iterations": effort.iterations,
            "feature.minfreq": effort.least_seen, "feature.possible_transitions": True,
        }
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.crfsuite"
        trainer.train(str(file))
        tagger = training_library("pycrfsuite").Tagger()
        tagger.open(str(file))
        info = tagger.info()
        tagger.close()
    state: dict[str, dict[str, int]] = {}
    for (attribute, label), weight in info.state_features.items():
        thousandths = round(weight * 1000)
        if thousandths:
            state.setdefault(attribute, {})[label] = thousandths
    transitions = {pair: round(weight * 1000) for pair, weight in info.transitions.items()}
    return Weights(labels=tuple(sorted(info.labels)), transitions=transitions, state=state)
