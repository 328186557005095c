"""Any Presidio recogniser as one of ours, plugged in by the configuration.

Nothing here imports Presidio before it is asked for: the extra is optional. What our recognisers
are to Presidio is in `presidio_engine`.
"""

import importlib
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.errors import EvalPipelineError
from eval_pipeline.settings.presidio import PresidioSettings

Recogniser = Callable[[str], Iterable[Span]]

KINDS: Final[Mapping[str, str]] = {
    "PERSON": "PERSON", "NAME": "PERSON", "EMAIL_ADDRESS": "EMAIL", "PHONE_NUMBER": "PHONE",
    "CREDIT_CARD": "CARD", "IBAN_CODE": "IBAN", "IP_ADDRESS": "IP", "MAC_ADDRESS": "MAC",
    "DOMAIN_NAME": "URL", "LOCATION": "PLACE", "GPE": "PLACE", "LOC": "PLACE", "FAC": "PLACE",
    "ORGANIZATION": "ORGANISATION", "ORG": "ORGANISATION", "NRP": "GROUP", "DATE_TIME": "DATE",
    "STREET_ADDRESS": "ADDRESS", "ZIP_CODE": "ADDRESS", "NATIONAL_ID": "NATIONAL_ID",
    "PASSWORD": "SECRET", "USERNAME": "USER",
    **dict.fromkeys(
        (
            "AU_MEDICARE", "AU_TFN", "DE_ID_CARD", "DE_PASSPORT", "DE_SOCIAL_SECURITY", "DE_TAX_ID",
            "ES_NIE", "ES_NIF", "ES_PASSPORT", "FI_PERSONAL_IDENTITY_CODE", "IN_AADHAAR", "IN_PAN",
            "IN_PASSPORT", "IN_VOTER", "IT_DRIVER_LICENSE", "IT_FISCAL_CODE", "IT_IDENTITY_CARD",
            "IT_PASSPORT", "KR_PASSPORT", "KR_RRN", "PL_PESEL", "SE_PERSONNUMMER", "SG_NRIC_FIN",
            "TH_TNIN", "UK_DRIVING_LICENCE", "UK_NHS", "UK_NINO", "UK_PASSPORT",
            "US_DRIVER_LICENSE", "US_ITIN", "US_PASSPORT", "US_SSN",
        ),
        "NATIONAL_ID",
    ),
}  # fmt: skip
"""Our kinds by Presidio's entity names, and by those of models that keep their own."""

_ENTITIES: Final = {kind: entity for entity, kind in [*KINDS.items()][::-1]} | {
    "NATIONAL_ID": "NATIONAL_ID",
    "ADDRESS": "ADDRESS",
    "SECRET": "SECRET",
    "USER": "USER",
    "URL": "URL",
}


_LOGGER: Final = "presidio-analyzer"


class PresidioMissingError(EvalPipelineError):
    """Presidio is configured and not installed; nothing was masked."""

    def __init__(self) -> None:
        super().__init__(
            "`anonymisation.presidio` needs the package 'presidio-analyzer', which is not "
            'installed. Nothing was masked. Run: pip install "eval-pipeline[presidio]", or remove '
            "the section."
        )


class PresidioFactoryError(EvalPipelineError):
    """What `anonymisation.presidio` names gives no usable recognisers; nothing was masked."""

    def __init__(self, factory: str, problem: str) -> None:
        super().__init__(
            f"`anonymisation.presidio.factory` names '{factory}', but {problem}. Nothing was "
            "masked. Name a function as `package.module:function` that this environment can "
            "import and that returns a Presidio AnalyzerEngine or a list of its recognisers."
        )


class PresidioSourceError(EvalPipelineError):
    """These Presidio recognisers cannot be used as asked; nothing was masked."""


class PresidioFailedError(EvalPipelineError):
    """A Presidio recogniser failed on a text; carries the class of the failure, never the text."""

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"Presidio failed on a text with {cause}. The text was not masked, and the cause's own "
            "words are withheld because they may quote it. Try your recognisers on texts of your "
            "own, or remove `anonymisation.presidio`."
        )


def kind_of(entity: str) -> str:
    """Our kind for a Presidio entity; one we do not know is its own name, fit for a placeholder."""
    name = entity.upper()
    return KINDS.get(name) or re.sub(r"[^A-Z]+", "_", name).strip("_") or "VALUE"


def entity_of(kind: str) -> str:
    """Presidio's name for our kind; one that Presidio does not know keeps its own."""
    return _ENTITIES.get(kind, kind)


def presidio_recogniser(
    source: Any,
    *,
    entities: Sequence[str] = (),
    language: str = "en",
    threshold: float = 0.5,
) -> Recogniser:
    """The finds of a Presidio analyzer, or of a list of its recognisers, as our spans.

    Without `entities`, of all that it supports. Overlaps are kept. Raises `PresidioSourceError`
    for an entity or language it does not support, for a recogniser that needs a model's analyzer
    around it, and for an analyzer that logs the texts it reads; the callable raises
    `PresidioFailedError`.
    """
    analyzer = source if _is_analyzer(source) else _around(source, language=language)
    if getattr(analyzer, "log_decision_process", False):
        raise PresidioSourceError(
            "The Presidio analyzer has `log_decision_process` on, which writes the texts it reads "
            "to its log. Nothing was masked. Build it without."
        )
    _check(analyzer, entities=entities, language=language)
    # Below this level Presidio writes the words around its finds to its log.
    logging.getLogger(_LOGGER).setLevel(logging.WARNING)
    wanted = list(entities) or None

    def find(text: str) -> Iterator[Span]:
        found, cause = (), None
        try:
            found = analyzer.analyze(
                text, language=language, entities=wanted, score_threshold=threshold
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, its words may quote the text
            cause = type(error).__name__
        if cause is not None:
            # Raised out here, for an exception raised above would carry its cause along.
            raise PresidioFailedError(cause)
        return map(_span, found)

    return find


def configured_recognisers(settings: PresidioSettings | None) -> tuple[Recogniser, ...]:
    """What the configuration plugs in: nothing, or one recogniser by the operator's function.

    Raises `PresidioMissingError`, `PresidioFactoryError` and what `presidio_recogniser` raises.
    """
    if settings is None:
        return ()
    source = _made_by(settings.factory)
    return (
        presidio_recogniser(
            source,
            entities=settings.entities,
            language=settings.language,
            threshold=settings.threshold,
        ),
    )


def require_presidio() -> None:
    """Raises `PresidioMissingError` where the extra is not installed."""
    try:
        importlib.import_module("presidio_analyzer")
    except ModuleNotFoundError:
        raise PresidioMissingError from None


def _made_by(factory: str) -> Any:
    require_presidio()
    module_name, _, function_name = factory.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise PresidioFactoryError(factory, f"the module cannot be imported ({error})") from error
    function = getattr(module, function_name, None)
    if not callable(function):
        raise PresidioFactoryError(factory, f"the module has no function '{function_name}'")
    try:
        made = function()
    except Exception as error:
        problem = f"the function failed with {type(error).__name__}: {error}"
        raise PresidioFactoryError(factory, problem) from error
    listed = isinstance(made, Sequence) and made and all(hasattr(one, "analyze") for one in made)
    if not listed and not _is_analyzer(made):
        raise PresidioFactoryError(factory, f"the function returned {type(made).__name__}")
    return made


def _is_analyzer(source: Any) -> bool:
    """A recogniser has `analyze` too, and reads what an analyzer's model has found."""
    return hasattr(source, "analyze") and hasattr(source, "get_recognizers")


def _around(recognisers: Sequence[Any], *, language: str) -> Any:
    require_presidio()
    from eval_pipeline.adapters.presidio_engine import (  # noqa: PLC0415 - an optional extra
        analyzer_of,
    )

    return analyzer_of(recognisers, language=language)


def _check(analyzer: Any, *, entities: Sequence[str], language: str) -> None:
    supported = set(analyzer.get_supported_entities(language=language))
    unknown = sorted(set(entities) - supported)
    if unknown or not supported:
        raise PresidioSourceError(
            f"The Presidio recognisers for the language '{language}' find "
            f"{', '.join(sorted(supported)) or 'nothing'}"
            f"{', not ' + ', '.join(unknown) if unknown else ''}. Nothing was masked. "
            "Correct `anonymisation.presidio`."
        )


def _span(found: Any) -> Span:
    metadata = found.recognition_metadata or {}
    rule = f"presidio:{metadata.get('recognizer_name', 'recogniser')}"
    return Span(found.start, found.end, kind_of(found.entity_type), rule=rule)
