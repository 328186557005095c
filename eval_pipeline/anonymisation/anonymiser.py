"""The only door for text: masks what names a person, consistently within a conversation.

The result is pseudonymised and best-effort de-identified, not anonymous in the GDPR's sense.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import polars as pl

from eval_pipeline.anonymisation.allowance import Allowance
from eval_pipeline.anonymisation.json_values import SensitiveKeys, kind_of_key
from eval_pipeline.anonymisation.propagation import KnownValues
from eval_pipeline.anonymisation.recognisers import (
    RECOGNISER_VERSION,
    compile_custom,
    find,
    find_custom,
)
from eval_pipeline.anonymisation.spans import PLACEHOLDER, Span, disjoint
from eval_pipeline.errors import LogsChangedError, ResidualTextError
from eval_pipeline.fingerprint import fingerprint, keyed_pseudonym
from eval_pipeline.settings import AnonymisationSettings
from eval_pipeline.tables import ANONYMISED_INTERACTIONS

EVERY_ROUTE: Final = "*"
_MAXIMUM_ROUNDS: Final = 8
_LIBRARIES: Final = ("faker", "phonenumbers")


@dataclass(frozen=True)
class _Passage:
    """A text of a conversation; `whole` is the kind to mask all of it as, if its key says so."""

    text: str
    route: str
    whole: str | None = None


class Anonymiser:
    """Masks texts by one policy; holds no text between calls."""

    def __init__(self, settings: AnonymisationSettings, *, key: bytes) -> None:
        self._settings = settings
        self._key = key
        self._custom = compile_custom(settings.custom_patterns)
        self._sensitive = SensitiveKeys(settings.sensitive_keys)
        self._allowance = Allowance(settings.allow)
        self.fingerprint = fingerprint(
            {
                "policy": settings.model_dump(mode="json", exclude={"key_variable"}),
                "recognisers": RECOGNISER_VERSION,
                "libraries": {library: version(library) for library in _LIBRARIES},
            }
        )
        """Of the policy and what applies it, not of the key: equal means the same masking."""

    def mask_text(self, text: str, *, route: str = EVERY_ROUTE) -> str:
        """The text masked on its own; never raises, and masking it again changes nothing."""
        passage = _Passage(text, route)
        return self._mask([passage], KnownValues())[passage]

    def mask_interactions(
        self, interactions: pl.DataFrame, selections: pl.DataFrame
    ) -> pl.DataFrame:
        """Every text of the interactions masked (`anonymised_interactions`).

        `selections` says of each drawn interaction whether it is sample or reserve. Raises
        `ResidualTextError` if the scan of the result still finds anything, and `LogsChangedError`
        if a drawn interaction is not among `interactions`.
        """
        chosen = dict(selections.select("interaction_id", "selection").iter_rows())
        rows = interactions.filter(pl.col("interaction_id").is_in(list(chosen))).sort(
            "conversation_id", "occurred_at", "interaction_id"
        )
        if rows.height < len(chosen):
            raise LogsChangedError(len(chosen) - rows.height, len(chosen))
        masked: list[dict[str, Any]] = []
        residual: Counter[str] = Counter()
        for (conversation,), group in rows.group_by("conversation_id", maintain_order=True):
            found = self._mask_conversation(str(conversation), group, residual=residual)
            masked += [{**row, "selection": chosen[row["interaction_id"]]} for row in found]
        if residual:
            interactions_hit = residual.pop("", 0)
            raise ResidualTextError(interactions_hit, dict(residual))
        return ANONYMISED_INTERACTIONS.conform(
            pl.DataFrame(masked, schema=ANONYMISED_INTERACTIONS.schema)
        )

    def residual(self, texts: Iterable[str]) -> dict[str, int]:
        """What the structured recognisers and own patterns still see, by kind; empty is clean."""
        return dict(self._residual(texts, known=None, route=EVERY_ROUTE))

    def _residual(
        self, texts: Iterable[str], *, known: KnownValues | None, route: str
    ) -> Counter[str]:
        structured = tuple(name for name in self._settings.recognisers if name != "person")
        found: Counter[str] = Counter()
        for text in texts:
            spans = [*find(text, recognisers=structured), *find_custom(text, patterns=self._custom)]
            if known is not None:
                spans += known.find(text)
            kept = self._allowance.kept(spans, text=text, route=route)
            found.update(span.kind for span in disjoint(kept, text=text))
        return found

    def _mask_conversation(
        self, conversation: str, group: pl.DataFrame, *, residual: Counter[str]
    ) -> list[dict[str, Any]]:
        rows = group.to_dicts()
        known = KnownValues()
        passages = [self._passages(row) for row in rows]
        masked = self._mask([passage for row in passages for passage in row], known)
        written = []
        for row, of_row in zip(rows, passages, strict=True):
            texts = [masked[passage] for passage in of_row]
            left = self._residual(texts, known=known, route=row["route"])
            if left:
                residual.update(left)
                residual[""] += 1
            written.append(self._written(row, conversation, of_row, masked))
        return written

    def _passages(self, row: Mapping[str, Any]) -> list[_Passage]:
        route = row["route"]
        texts = [message["content"] for message in row["messages"]]
        texts += [row["response"], row["error"]]
        passages = [_Passage(text, route) for text in texts if text is not None]
        passages += [
            self._attribute(attribute, route=route)
            for attribute in row["attributes"] or ()
            if attribute["value"] is not None
        ]
        return passages

    def _attribute(self, attribute: Mapping[str, str], *, route: str) -> _Passage:
        key = attribute["key"] or ""
        whole = kind_of_key(key) if self._sensitive.names(key) else None
        return _Passage(attribute["value"], route, whole)

    def _written(
        self,
        row: Mapping[str, Any],
        conversation: str,
        passages: Sequence[_Passage],
        masked: Mapping[_Passage, str],
    ) -> dict[str, Any]:
        route = row["route"]

        def text_of(text: str | None) -> str | None:
            return None if text is None else masked[_Passage(text, route)]

        attributes = row["attributes"]
        user = row["user_id"]
        return {
            **{name: row[name] for name in row if name in ANONYMISED_INTERACTIONS.schema},
            "messages": [
                {"role": message["role"], "content": text_of(message["content"])}
                for message in row["messages"]
            ],
            "response": text_of(row["response"]),
            "error": text_of(row["error"]),
            "attributes": None
            if attributes is None
            else [
                {
                    "key": attribute["key"],
                    "value": None
                    if attribute["value"] is None
                    else masked[self._attribute(attribute, route=route)],
                }
                for attribute in attributes
            ],
            "conversation_key": keyed_pseudonym(self._key, "conversation", conversation),
            "user_key": None if user is None else keyed_pseudonym(self._key, "user", user),
            "masked": _counts(passages, masked),
            "anonymiser_fingerprint": self.fingerprint,
        }

    def _mask(self, passages: Sequence[_Passage], known: KnownValues) -> dict[_Passage, str]:
        """Each distinct passage masked, in rounds until nothing more is found.

        Masking changes what stands around a value, and a value learnt late may stand early.
        """
        current = {passage: passage.text for passage in passages}
        for passage in current:
            known.reserve(passage.text)
        unread = list(current)
        for _ in range(_MAXIMUM_ROUNDS):
            found = {passage: self._recognise(passage, current[passage]) for passage in unread}
            for passage, spans in found.items():
                for span in spans:
                    known.learn(current[passage], span)
            unread = []
            for passage, text in current.items():
                spans = [*found.get(passage, ()), *known.find(text)]
                kept = self._allowance.kept(spans, text=text, route=passage.route)
                masked = _replaced(text, disjoint(kept, text=text), known=known)
                if masked != text:
                    current[passage] = masked
                    unread.append(passage)
            if not unread:
                break
        return current

    def _recognise(self, passage: _Passage, text: str) -> list[Span]:
        if passage.whole is not None:
            whole = [Span(0, len(text), passage.whole, cued=True)]
            return disjoint(whole, text=text)
        spans = [
            *find(text, recognisers=self._settings.recognisers),
            *find_custom(text, patterns=self._custom),
            *self._sensitive.find(text),
        ]
        kept = self._allowance.kept(spans, text=text, route=passage.route)
        return disjoint(kept, text=text)


def _replaced(text: str, spans: Sequence[Span], *, known: KnownValues) -> str:
    if not spans:
        return text
    pieces = []
    position = 0
    for span in spans:
        pieces.append(text[position : span.start])
        pieces.append(known.placeholder(text, span))
        position = span.end
    pieces.append(text[position:])
    return "".join(pieces)


def _counts(
    passages: Sequence[_Passage], masked: Mapping[_Passage, str]
) -> list[dict[str, str | int]]:
    """Spans masked in an interaction, by kind; placeholders that stood in its text do not count."""
    counts: Counter[str] = Counter()
    for passage in passages:
        counts.update(match[1] for match in PLACEHOLDER.finditer(masked[passage]))
        counts.subtract(match[1] for match in PLACEHOLDER.finditer(passage.text))
    return [
        {"kind": kind.lower(), "spans": counts[kind]} for kind in sorted(counts) if counts[kind]
    ]
