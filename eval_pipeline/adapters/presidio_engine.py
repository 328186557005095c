"""Our recognisers inside Presidio, and a Presidio that works without a model or a network.

Imports Presidio, so it needs the extra `presidio`.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import spacy
import tldextract
from presidio_analyzer import (
    AnalyzerEngine,
    EntityRecognizer,
    RecognizerRegistry,
    RecognizerResult,
)
from presidio_analyzer.nlp_engine import NlpArtifacts, SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import EmailRecognizer

from eval_pipeline.adapters.presidio import PresidioSourceError, entity_of
from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.settings import ALL_RECOGNISERS

OUR_KINDS: Final = tuple(name.upper() for name in ALL_RECOGNISERS)
"""What our recognisers find by default."""

_SCORE: Final = 0.85
_SCORE_CUED: Final = 1.0
_NLP_RECOGNISERS: Final = frozenset({"SpacyRecognizer", "StanzaRecognizer"})


class EvalPipelineRecognizer(EntityRecognizer):  # type: ignore[misc]
    """Our finds as those of one Presidio recogniser.

    `find` is what finds: an `Anonymiser`'s, or any callable from text to spans. `kinds` are those
    of ours that it reports under Presidio's names; others it leaves out. A find that the words
    around it name scores 1, any other .85.
    """

    def __init__(
        self,
        find: Callable[[str], Iterable[Span]],
        *,
        kinds: Sequence[str] = OUR_KINDS,
        supported_language: str = "en",
    ) -> None:
        self._find = find
        super().__init__(
            supported_entities=sorted({entity_of(kind) for kind in kinds}),
            name="EvalPipelineRecognizer",
            supported_language=supported_language,
        )

    def load(self) -> None:
        """Nothing: what finds is given whole."""

    def analyze(
        self,
        text: str,
        entities: list[str],
        nlp_artifacts: NlpArtifacts | None = None,  # noqa: ARG002 - Presidio's signature
    ) -> list[RecognizerResult]:
        """The finds of these entities, in order."""
        wanted = set(entities or self.supported_entities) & set(self.supported_entities)
        found = [(entity_of(span.kind), span) for span in self._find(text)]
        return [
            RecognizerResult(
                entity,
                span.start,
                span.end,
                _SCORE_CUED if span.cued else _SCORE,
                recognition_metadata={
                    RecognizerResult.RECOGNIZER_NAME_KEY: self.name,
                    RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
                },
            )
            for entity, span in found
            if entity in wanted
        ]


def pattern_analyzer() -> AnalyzerEngine:
    """Presidio's recognisers for English that need no model, as it enables them by default.

    Reads no network: the e-mail recogniser checks domains against the list it ships with.
    """
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"])
    for name in _NLP_RECOGNISERS:
        if any(recogniser.name == name for recogniser in registry.recognizers):
            registry.remove_recognizer(name)
    return analyzer_of(registry.recognizers, language="en")


def analyzer_of(recognisers: Sequence[EntityRecognizer], *, language: str) -> AnalyzerEngine:
    """An analyzer of these recognisers alone, over a tokeniser without a model.

    Raises `PresidioSourceError` for a recogniser that reads a model's entities, as there is none.
    """
    of_model = sorted(
        recogniser.name
        for recogniser in recognisers
        if _NLP_RECOGNISERS & {base.__name__ for base in type(recogniser).__mro__}
    )
    if of_model:
        raise PresidioSourceError(
            f"The Presidio recogniser '{of_model[0]}' reads the entities of an analyzer's model "
            "and finds nothing without it. Nothing was masked. Give the AnalyzerEngine that holds "
            "both."
        )
    registry = RecognizerRegistry(
        recognizers=[_offline(recogniser) for recogniser in recognisers],
        supported_languages=[language],
    )
    return AnalyzerEngine(
        registry=registry,
        nlp_engine=_TokeniserEngine(language),
        supported_languages=[language],
    )


class _OfflineEmailRecognizer(EmailRecognizer):  # type: ignore[misc]
    """Presidio's own asks the network for the list of public suffixes at its first find."""

    _suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)

    def validate_result(self, pattern_text: str) -> bool:
        return bool(self._suffixes(pattern_text).fqdn)


def _offline(recogniser: EntityRecognizer) -> EntityRecognizer:
    if type(recogniser) is not EmailRecognizer:
        return recogniser
    offline = _OfflineEmailRecognizer(
        patterns=recogniser.patterns,
        context=recogniser.context,
        supported_language=recogniser.supported_language,
    )
    offline.name = recogniser.name
    return offline


class _TokeniserEngine(SpacyNlpEngine):  # type: ignore[misc]
    """Tokens, with their lower case for lemmas, so that words of context raise scores."""

    def __init__(self, language: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            pipeline = spacy.blank(language)
        pipeline.add_pipe(_LOWER_CASE)
        super().__init__(models=[{"lang_code": language, "model_name": "blank"}])
        self.nlp = {language: pipeline}


_LOWER_CASE: Final = "eval_pipeline_lower_case_lemmas"


def _lower_case_lemmas(document: Any) -> Any:
    for token in document:
        token.lemma_ = token.lower_
    return document


spacy.language.Language.component(_LOWER_CASE, func=_lower_case_lemmas)
