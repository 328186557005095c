"""The only door for text: masks what names a person, consistently within a conversation.

The result is pseudonymised and best-effort de-identified, not anonymous in the GDPR's sense.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Final

from eval_pipeline.anonymisation.allowance import EVERY_ROUTE
from eval_pipeline.anonymisation.finding import ExtraRecogniser, Finder, Passage
from eval_pipeline.anonymisation.names.model import NameModel
from eval_pipeline.anonymisation.propagation import KnownValues
from eval_pipeline.anonymisation.recognisers import RECOGNISER_VERSION
from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.surrogates.contract import Surrogates
from eval_pipeline.anonymisation.surrogates.marks import Marks
from eval_pipeline.anonymisation.surrogates.placeholders import PlaceholderSurrogates
from eval_pipeline.anonymisation.surrogates.realistic import RealisticSurrogates
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.settings import AnonymisationSettings

_MOST_ROUNDS: Final = 40
"""Each round masks something or is the last; texts settle in two or three."""

_MEASURES_ONLY: Final = {
    "key_variable", "name_models", "known_values", "canaries", "minimum_canary_recall",
}  # fmt: skip
"""Settings that change nothing in masked text, or are told by what they name."""


@dataclass(frozen=True)
class Replacement:
    """One value that was masked, and by which rule; exists on request only and is never stored."""

    passage: int
    kind: str
    rule: str
    value: str = field(repr=False)
    stand_in: str


@dataclass(frozen=True)
class MaskedConversation:
    """A conversation's passages masked, in their order.

    `masked` counts spans by kind per passage; `residual` is what a second scan still finds by kind,
    per passage; empty is clean.
    """

    texts: tuple[str, ...]
    masked: tuple[Mapping[str, int], ...]
    residual: tuple[Mapping[str, int], ...]
    replacements: tuple[Replacement, ...] = ()


class Anonymiser:
    """Masks texts by one policy; holds no text between calls."""

    def __init__(
        self,
        settings: AnonymisationSettings,
        *,
        key: bytes,
        models: Sequence[NameModel] | None = None,
        extra: Sequence[ExtraRecogniser] = (),
    ) -> None:
        self.settings = settings
        self.key = key
        self.finder = Finder(settings, models=models, extra=extra)
        self.fingerprint = fingerprint(
            {
                "policy": settings.model_dump(mode="json", exclude=_MEASURES_ONLY),
                "recognisers": RECOGNISER_VERSION,
                "models": [model.fingerprint for model in self.finder.models],
                "libraries": libraries_of(settings),
            }
        )
        """Of the policy and what applies it, not of the key: equal means the same masking.

        Of recognisers that the operator plugged in only the configuration counts.
        """

    def find(self, text: str, *, route: str = EVERY_ROUTE, tau: float | None = None) -> list[Span]:
        """What would be masked at first sight in this text alone: disjoint, in order."""
        return self.finder.find([Passage(text, route, tau=tau)])[0]

    def sensitive_kind(self, key: str) -> str | None:
        """The kind to mask a value under this key as; None if the key is not a sensitive one."""
        return self.finder.sensitive_kind(key)

    def mask_text(self, text: str, *, route: str = EVERY_ROUTE) -> str:
        """The text masked on its own; never raises, and masking it again changes nothing."""
        return self.mask_conversations([[Passage(text, route)]])[0].texts[0]

    def mask_texts(self, texts: Sequence[tuple[str, str]]) -> list[str]:
        """Texts with their routes, each masked on its own."""
        masked = self.mask_conversations([[Passage(text, route)] for text, route in texts])
        return [one.texts[0] for one in masked]

    def mask_conversations(
        self,
        conversations: Sequence[Sequence[Passage]],
        *,
        identities: Sequence[str] | None = None,
        explain: bool = False,
    ) -> list[MaskedConversation]:
        """Each conversation's passages masked, in rounds until nothing more is found.

        Masking changes what stands around a value, and a value learnt late may stand early. What
        is masked in one conversation does not depend on the others. Realistic stand-ins follow from
        a conversation's identity; without `identities`, from its texts.
        """
        if identities is None:
            identities = [fingerprint([one.text for one in passages]) for passages in conversations]
        states = [
            _Conversation(passages, surrogates=self._surrogates(identity), explain=explain)
            for passages, identity in zip(conversations, identities, strict=True)
        ]
        unread = [(state, index) for state in states for index in range(len(state.current))]
        for _ in range(_MOST_ROUNDS):
            if not unread:
                break
            found = self.finder.find([state.current[index] for state, index in unread])
            for (state, index), spans in zip(unread, found, strict=True):
                state.learn(index, spans)
            unread = [
                (state, index) for state in states for index in state.mask(finder=self.finder)
            ]
        return [self._finished(state) for state in states]

    def _surrogates(self, identity: str) -> Surrogates:
        if self.settings.surrogates == "placeholders":
            return PlaceholderSurrogates()
        language = self.settings.languages[0]
        return RealisticSurrogates(self.key, identity, language=language)

    def residual(self, texts: Iterable[str]) -> dict[str, int]:
        """What the patterns, own ones included, still see, by kind; empty is clean.

        Nothing of text with realistic stand-ins, which look like what they replace: such text was
        scanned while marks stood in their places.
        """
        if self.settings.surrogates == "realistic":
            return {}
        found: Counter[str] = Counter()
        for text in texts:
            found.update(span.kind for span in self.finder.residual(Passage(text), thorough=True))
        return dict(found)

    def _finished(self, state: "_Conversation") -> MaskedConversation:
        residual = []
        for passage in state.current:
            spans = self.finder.residual(passage)
            known = self.finder.allowed(list(state.known.find(passage.text)), passage=passage)
            residual.append(dict(Counter(span.kind for span in [*spans, *known])))
        return MaskedConversation(
            texts=state.written(),
            masked=tuple(dict(counts) for counts in state.masked),
            residual=tuple(residual),
            replacements=state.replacements(),
        )


class _Conversation:
    """One conversation on its way: its passages as they stand, and what is known so far."""

    def __init__(
        self, passages: Sequence[Passage], *, surrogates: Surrogates, explain: bool
    ) -> None:
        self.current = list(passages)
        self.known = KnownValues()
        self.masked: list[Counter[str]] = [Counter() for _ in passages]
        self._marks = Marks(surrogates)
        self._explained: list[tuple[int, Span, str, str]] = []
        self._found: dict[int, list[Span]] = {}
        self._learnt = 0
        self._explain = explain
        for passage in self.current:
            self._marks.reserve(passage.text)

    def written(self) -> tuple[str, ...]:
        """The passages with stand-ins in the places of marks."""
        return tuple(self._marks.written(passage.text) for passage in self.current)

    def replacements(self) -> tuple[Replacement, ...]:
        """What was masked and why, in the order of finding; empty unless asked to explain."""
        return tuple(
            Replacement(index, span.kind, span.rule, value, self._marks.written(mark))
            for index, span, value, mark in self._explained
        )

    def learn(self, index: int, spans: Sequence[Span]) -> None:
        """Takes what was found in a passage."""
        self._found[index] = list(spans)
        for span in spans:
            self.known.learn(self.current[index].text, span)

    def mask(self, *, finder: Finder) -> list[int]:
        """Masks what was found and what is known in every passage; the passages that changed."""
        read, self._found = self._found, {}
        if self.known.learnt != self._learnt:
            self._learnt = self.known.learnt
            read = {index: read.get(index, []) for index in range(len(self.current))}
        changed = []
        for index, found in read.items():
            passage = self.current[index]
            known = list(self.known.find(passage.text))
            spans = finder.allowed([*found, *known], passage=passage) if known else found
            if spans:
                self.current[index] = replace(passage, text=self._masked(index, spans))
                changed.append(index)
        return changed

    def _masked(self, index: int, spans: Sequence[Span]) -> str:
        text = self.current[index].text
        pieces = []
        position = 0
        for span in spans:
            value = text[span.start : span.end]
            mark = self._marks.mark(span.kind, value)
            pieces += [text[position : span.start], mark]
            position = span.end
            self.masked[index][span.kind] += 1
            if self._explain:
                self._explained.append((index, span, value, mark))
        return "".join([*pieces, text[position:]])


def libraries_of(settings: AnonymisationSettings) -> dict[str, str]:
    """The libraries that decide what is written under this policy, with their versions.

    Faker's lists give realistic stand-ins; what finds names has lists of its own.
    """
    names = ["phonenumbers", *(["faker"] if settings.surrogates == "realistic" else [])]
    return {name: version(name) for name in names}
