"""Trains a model of names from the project's own templates, and from an operator's marked texts.

A linear-chain conditional random field (Lafferty, McCallum and Pereira 2001), by CRFsuite's L-BFGS
with both penalties. The same libraries give the same model: every draw is seeded, and the weights
are rounded to thousandths.
"""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from eval_pipeline.anonymisation.names.features import attributes_of
from eval_pipeline.anonymisation.names.generation import Generator, Marked, templates
from eval_pipeline.anonymisation.names.lexicon import Known, Lexicon, lexicon
from eval_pipeline.anonymisation.names.tokens import tokenise
from eval_pipeline.anonymisation.names.weights import OUTSIDE, Weights, spell_weights
from eval_pipeline.fingerprint import unit_hash
from eval_pipeline.settings import Language

Sentence = Sequence[tuple[str, str]]
"""Tokens with their labels."""

_WITHHELD: Final = 0.25
_NAMES: Final = Known.FIRST | Known.LAST | Known.PLACE


@dataclass(frozen=True)
class Effort:
    """How much is generated and how long is learnt."""

    rounds: int = 4
    iterations: int = 100
    least_seen: int = 3
    l1: float = 0.15
    l2: float = 0.3


def train(
    *,
    language: Language,
    extra: Iterable[Sentence] = (),
    effort: Effort = Effort(),
    report: Callable[[str], None] | None = None,
) -> bytes:
    """The file of a model of the language's names (`weights.parse_weights` reads it)."""
    tell = report or (lambda _: None)
    known = withheld(lexicon(language))
    trainer = import_module("pycrfsuite").Trainer(algorithm="lbfgs", verbose=False)
    count = 0
    for sentence in _sentences(language, extra, effort=effort):
        words = [word for word, _ in sentence]
        trainer.append(attributes_of(words, lexicon=known), [label for _, label in sentence])
        count += 1
    tell(f"{count} texts made; learning ...")
    trainer.set_params(
        {
            "c1": effort.l1, "c2": effort.l2, "max_iterations": effort.iterations,
            "feature.minfreq": effort.least_seen, "feature.possible_transitions": True,
        }
    )  # fmt: skip
    weights = _learn(trainer)
    tell(f"{len(weights.state)} features")
    return spell_weights(weights)


def withheld(known: Lexicon, *, share: float = _WITHHELD) -> Lexicon:
    """The lexicon without a share of its names, so that the model learns to do without."""
    kept = {
        word: flags & ~_NAMES if unit_hash("withheld", word) < share else flags
        for word, flags in known.known.items()
    }
    return Lexicon(known=kept, ranks=known.ranks)


def labelled(text: Marked) -> list[tuple[str, str]]:
    """The text's tokens, each with the label of the span it lies in."""
    words, extents = tokenise(text.text)
    labels = [OUTSIDE] * len(words)
    for start, end, label in text.spans:
        for index, (first, last) in enumerate(extents):
            if first < end and last > start and words[index] != "\n":
                labels[index] = label
    return list(zip(words, labels, strict=True))


def _sentences(
    language: Language, extra: Iterable[Sentence], *, effort: Effort
) -> Iterable[Sentence]:
    generator = Generator(language, seed="training")
    made = generator.texts(templates(language, held_out=False), rounds=effort.rounds)
    for text in generator.joined(made):
        yield labelled(text)
    yield from extra


def _learn(trainer: Any) -> Weights:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.crfsuite"
        trainer.train(str(file))
        tagger = import_module("pycrfsuite").Tagger()
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
