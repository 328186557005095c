"""Everything that looks for personal data in a text, asked at once for many texts."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from eval_pipeline.anonymisation.allowance import EVERY_ROUTE, Allowance
from eval_pipeline.anonymisation.json_values import SensitiveKeys, kind_of_key
from eval_pipeline.anonymisation.names.model import NameModel, shipped_model
from eval_pipeline.anonymisation.recognisers import compile_custom, find_custom
from eval_pipeline.anonymisation.spans import Span, disjoint
from eval_pipeline.anonymisation.structured.core import StructuredCore
from eval_pipeline.settings import AnonymisationSettings, RecogniserName

_NAMED: Final[dict[RecogniserName, str]] = {
    "person": "PERSON",
    "place": "PLACE",
    "organisation": "ORGANISATION",
    "address": "ADDRESS",
    "group": "GROUP",
    "title": "TITLE",
    "age": "AGE",
    "date": "DATE",
}
"""The recognisers that the models of names serve, alone or beside patterns, and their labels."""

ExtraRecogniser = Callable[[str], Iterable[Span]]


@dataclass(frozen=True)
class Passage:
    """A text of a conversation.

    `whole` is the kind to mask all of it as, if the key that it stands under says so; `tau` is how
    probable a name must be to be masked, None for the policy's own.
    """

    text: str
    route: str = EVERY_ROUTE
    whole: str | None = None
    tau: float | None = None


class Finder:
    """The recognisers of one policy; holds no text between calls."""

    def __init__(
        self,
        settings: AnonymisationSettings,
        *,
        models: Sequence[NameModel] | None = None,
        extra: Sequence[ExtraRecogniser] = (),
    ) -> None:
        self._tau = settings.tau["default"]
        self._extra = tuple(extra)
        self._core = StructuredCore(settings.recognisers, languages=settings.languages)
        self._second_core = StructuredCore(
            settings.recognisers, languages=settings.languages, engine="re"
        )
        self._custom = compile_custom(settings.custom_patterns)
        self._sensitive = SensitiveKeys(settings.sensitive_keys)
        self._allowance = Allowance(settings.allow)
        labels = {_NAMED[name] for name in settings.recognisers if name in _NAMED}
        self._labels = frozenset(labels)
        if models is None:
            models = [shipped_model(language) for language in settings.languages]
        self.models = tuple(models) if labels else ()

    def sensitive_kind(self, key: str) -> str | None:
        """The kind to mask a value under this key as; None if the key is not a sensitive one."""
        return kind_of_key(key) if self._sensitive.names(key) else None

    def find(self, passages: Sequence[Passage]) -> list[list[Span]]:
        """Per passage what is to be masked: disjoint, in order, without what its route allows."""
        named = self._names(passages)
        found = []
        for passage, names in zip(passages, named, strict=True):
            text = passage.text
            if passage.whole is not None:
                rule = "sensitive key"
                whole = [Span(0, len(text), passage.whole, cued=True, rule=rule)]
                found.append(disjoint(whole, text=text))
                continue
            spans = [
                *self._core.find(text),
                *names,
                *find_custom(text, patterns=self._custom),
                *self._sensitive.find(text),
            ]
            for recogniser in self._extra:
                spans += recogniser(text)
            found.append(self.allowed(spans, passage=passage))
        return found

    def allowed(self, spans: Sequence[Span], *, passage: Passage) -> list[Span]:
        """The spans joined where they overlap, without what the passage's route allows."""
        kept = self._allowance.kept(spans, text=passage.text, route=passage.route)
        return disjoint(kept, text=passage.text)

    def residual(self, passage: Passage, *, thorough: bool = False) -> list[Span]:
        """What patterns still see; `thorough` asks them by another engine than found them."""
        text = passage.text
        core = self._second_core if thorough else self._core
        spans = [*core.find(text), *find_custom(text, patterns=self._custom)]
        return self.allowed(spans, passage=passage)

    def _names(self, passages: Sequence[Passage]) -> list[list[Span]]:
        """Names by the models of all languages; what any of them finds is found."""
        found: list[list[Span]] = [[] for _ in passages]
        read = [
            index
            for index, passage in enumerate(passages)
            if passage.whole is None and not passage.text.isspace()
        ]
        texts = [passages[index].text for index in read]
        taus = [self._tau if (tau := passages[index].tau) is None else tau for index in read]
        for model in self.models:
            for index, spans in zip(read, model.find(texts, taus=taus), strict=True):
                found[index] += [span for span in spans if span.kind in self._labels]
        return found
