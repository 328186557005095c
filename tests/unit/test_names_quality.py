"""How many names of texts that the models never learnt from are masked from end to end."""

from collections import defaultdict

import pytest

from eval_pipeline.anonymisation.names.generation import Generator, templates
from eval_pipeline.anonymisation.names.model import shipped_model
from eval_pipeline.anonymisation.names.shipped import shipped_languages
from eval_pipeline.settings import AnonymisationSettings, Language

LEAST_PERSON = {"en": 0.97, "de": 0.95, "fr": 0.95, "es": 0.95}
LEAST_OF_ALL = {"en": 0.94}


def fully_masked(language: Language, *, rounds: int) -> dict[str, float]:
    """Share of the names of held-out texts whose letters and digits are all masked, by label."""
    generator = Generator(language, seed="quality")
    texts = list(generator.texts(templates(language, held_out=True), rounds=rounds))
    tau = AnonymisationSettings().tau["default"]
    found = shipped_model(language).find([text.text for text in texts], taus=[tau] * len(texts))
    hits: defaultdict[str, list[bool]] = defaultdict(list)
    for text, spans in zip(texts, found, strict=True):
        masked = {place for span in spans for place in range(span.start, span.end)}
        for start, end, label in text.spans:
            telling = {place for place in range(start, end) if text.text[place].isalnum()}
            for key in (label, "all"):
                hits[key].append(telling <= masked)
    return {label: sum(found) / len(found) for label, found in hits.items()}


def test_the_english_model_is_shipped() -> None:
    assert "en" in shipped_languages()


@pytest.mark.slow
@pytest.mark.parametrize("language", shipped_languages())
def test_nearly_all_names_of_texts_never_learnt_from_are_masked(language: Language) -> None:
    shares = fully_masked(language, rounds=4)
    assert shares["PERSON"] >= LEAST_PERSON[language]
    assert shares["all"] >= LEAST_OF_ALL.get(language, 0.0)
