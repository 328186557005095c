"""What our own decoding says beside what the library that trained the model says."""

from pathlib import Path

import numpy as np
import pycrfsuite
import pytest

from eval_pipeline.anonymisation.names.features import attributes_of
from eval_pipeline.anonymisation.names.lexicon import Lexicon, Listed
from eval_pipeline.anonymisation.names.model import NameModel
from eval_pipeline.anonymisation.names.tokens import tokenise
from eval_pipeline.anonymisation.names.weights import OUTSIDE, Weights

KNOWN = Lexicon(listed={"anna": Listed.FIRST, "rome": Listed.PLACE}, ranks={"from": 5, "hi": 900})
NAMES = {"Anna": "PERSON", "Bo": "PERSON", "Smith": "PERSON", "Rome": "PLACE", "Ulm": "PLACE"}
TEXTS = [
    f"{greeting} {first}{last}, greetings from {place}{end}"
    for greeting in ("Hi", "dear", "THANKS")
    for first in ("Anna", "Bo", "nobody")
    for last in (" Smith", "")
    for place in ("Rome", "Ulm", "here")
    for end in (".", "!\nBo | Ulm", " || 12")
]
UNSEEN = "Hello Anna Miller\nfrom Ulm | ROME 1987, not from [PLACE_1] nor bo's ²x \u0130zmir"


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> pycrfsuite.Tagger:
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    for text in TEXTS:
        words = tokenise(text)[0]
        labels = [NAMES.get(word, OUTSIDE) for word in words]
        trainer.append(attributes_of(words, lexicon=KNOWN), labels)
    trainer.set_params(
        {"c1": 0.05, "c2": 0.05, "max_iterations": 12, "feature.possible_transitions": True}
    )
    file: Path = tmp_path_factory.mktemp("crfsuite") / "model"
    trainer.train(str(file))
    tagger = pycrfsuite.Tagger()
    tagger.open(str(file))
    return tagger


@pytest.mark.parametrize("text", [*TEXTS[::20], UNSEEN])
def test_probabilities_are_those_of_crfsuite(tagger: pycrfsuite.Tagger, text: str) -> None:
    info = tagger.info()
    state: dict[str, dict[str, float]] = {}
    for (name, label), weight in info.state_features.items():
        state.setdefault(name, {})[label] = weight * 1000
    weights = Weights(
        labels=tuple(sorted(info.labels)),
        transitions={pair: weight * 1000 for pair, weight in info.transitions.items()},
        state=state,
    )
    words = tokenise(text)[0]
    tagger.set(attributes_of(words, lexicon=KNOWN))
    theirs = [
        [tagger.marginal(label, place) for label in weights.labels] for place in range(len(words))
    ]
    ours = NameModel(weights, lexicon=KNOWN, name="x").probabilities([words])[0]
    assert np.abs(ours - np.array(theirs)).max() < 1e-4
    assert np.abs(ours - 1 / len(weights.labels)).max() > 0.2
