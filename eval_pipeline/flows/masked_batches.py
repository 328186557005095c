"""What a worker does: one batch decoded, masked, scanned again and encoded, with its counts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any, Final

from eval_pipeline.adapters.name_models import name_models
from eval_pipeline.adapters.presidio import configured_recognisers
from eval_pipeline.adapters.text_files.field_paths import FieldChoice, FieldNames, Path
from eval_pipeline.adapters.text_files.json_lines import JsonLines
from eval_pipeline.adapters.text_files.json_text import Found, Reading
from eval_pipeline.adapters.text_files.parquet import ParquetRows
from eval_pipeline.adapters.text_files.plain_text import PlainText
from eval_pipeline.adapters.text_files.records import Batch, Places, Record, TextFileFormat
from eval_pipeline.adapters.text_files.streams import FileFormat
from eval_pipeline.anonymisation.allowance import EVERY_ROUTE
from eval_pipeline.anonymisation.anonymiser import Anonymiser, MaskedConversation
from eval_pipeline.anonymisation.finding import Passage
from eval_pipeline.flows.masking_tally import Tally
from eval_pipeline.settings import AnonymisationSettings

FORMATS: Final[dict[FileFormat, TextFileFormat]] = {
    "jsonl": JsonLines(),
    "parquet": ParquetRows(),
    "text": PlainText(),
}
_KEYS_REMEMBERED: Final = 10_000


@dataclass(frozen=True)
class MaskingPlan:
    """All that a worker needs to know; the same for every batch."""

    settings: AnonymisationSettings
    key: bytes
    file_format: FileFormat
    chosen: tuple[Path, ...] = ()
    places: Places = field(default_factory=Places)
    route: str = EVERY_ROUTE
    explain: bool = False

    def anonymiser(self) -> Anonymiser:
        """What masks by this plan: models and recognisers of the team's own included."""
        return Anonymiser(
            self.settings,
            key=self.key,
            models=name_models(self.settings, locate=str),
            extra=configured_recognisers(self.settings.presidio),
        )


@dataclass(frozen=True)
class Explained:
    """One change of a text; holds the personal data itself, so it is shown and never stored."""

    record: int
    place: str
    kind: str
    rule: str
    stand_in: str
    value: str = field(repr=False)


@dataclass(frozen=True)
class MaskedBatch:
    """A batch as it will be written."""

    payload: bytes
    tally: Tally
    explained: tuple[Explained, ...] = ()


@dataclass(frozen=True)
class FailedBatch:
    """Masking failed: the name of the error's class and the record, never its words."""

    cause: str
    record: int


class Masker:
    """Masks batches by one plan."""

    def __init__(self, plan: MaskingPlan, anonymiser: Anonymiser | None = None) -> None:
        self._plan = plan
        self._anonymiser = anonymiser or plan.anonymiser()
        self._realistic = plan.settings.surrogates == "realistic"
        self._format = FORMATS[plan.file_format]
        self._key_kinds: dict[str, Counter[str]] = {}
        self._names = FieldNames(lambda key: bool(self._anonymiser.find(key)))

    def mask(self, batch: Batch) -> MaskedBatch | FailedBatch:
        """The batch masked; what goes wrong is told without any text."""
        try:
            return self._masked(batch)
        except _RecordError as error:
            return FailedBatch(error.cause, error.record)
        except Exception as error:  # noqa: BLE001 - its words may quote the text
            return FailedBatch(type(error).__name__, batch.first)

    def _masked(self, batch: Batch) -> MaskedBatch:
        plan = self._plan
        reading = Reading(self._anonymiser.sensitive_kind, FieldChoice(plan.chosen))
        decoded = self._format.decode(batch, reading, plan.places)
        tally = Tally(blanked=decoded.blanked, seen=reading.choice.seen)
        texts: list[Sequence[str]] = []
        explained: list[Explained] = []
        groups = list(_conversations(decoded.records, batch.conversations))
        for group, masked in zip(groups, self._mask_groups(groups), strict=True):
            parts = _per_record(group, masked.texts)
            texts += parts
            tally.count(group, masked, names=self._names, realistic=self._realistic)
            if self._plan.explain:
                explained += self._explained(group, masked)
        for key in reading.keys:
            tally.keys.update(self._in_key(key))
        return MaskedBatch(decoded.encoded(texts), tally, tuple(explained))

    def _mask_groups(self, groups: Sequence[Sequence[Record]]) -> list[MaskedConversation]:
        conversations = [
            [
                Passage(found.text, route=record.route or self._plan.route, whole=found.whole)
                for record in group
                for found in record.found
            ]
            for group in groups
        ]
        try:
            return self._mask(conversations)
        except Exception:  # noqa: BLE001 - looked for below, one conversation at a time
            return [
                self._mask_group(group, passages)
                for group, passages in zip(groups, conversations, strict=True)
            ]

    def _mask(self, conversations: Sequence[Sequence[Passage]]) -> list[MaskedConversation]:
        # How much of a text realistic stand-ins replaced cannot be seen in the result.
        explain = self._plan.explain or self._realistic
        return self._anonymiser.mask_conversations(conversations, explain=explain)

    def _mask_group(
        self, group: Sequence[Record], passages: Sequence[Passage]
    ) -> MaskedConversation:
        try:
            return self._mask([passages])[0]
        except Exception as error:  # noqa: BLE001 - its words may quote the text
            raise _RecordError(type(error).__name__, group[0].number) from None

    def _in_key(self, key: str) -> Counter[str]:
        kinds = self._key_kinds.get(key)
        if kinds is None:
            spans = self._anonymiser.finder.residual(Passage(key))
            kinds = Counter(span.kind.lower() for span in spans)
            if len(self._key_kinds) >= _KEYS_REMEMBERED:
                self._key_kinds.clear()
            self._key_kinds[key] = kinds
        return kinds

    def _explained(
        self, group: Sequence[Record], masked: MaskedConversation
    ) -> Iterator[Explained]:
        passages: list[tuple[Record, Found]] = [
            (record, found) for record in group for found in record.found
        ]
        for each in masked.replacements:
            record, found = passages[each.passage]
            name = self._names.of(found.path)
            yield Explained(record.number, name, each.kind, each.rule, each.stand_in, each.value)


class _RecordError(Exception):
    def __init__(self, cause: str, record: int) -> None:
        super().__init__(cause)
        self.cause = cause
        self.record = record


def _conversations(
    records: Sequence[Record], lengths: Sequence[int] | None
) -> Iterator[Sequence[Record]]:
    if lengths is None:
        yield from ([record] for record in records)
        return
    for begin, end in pairwise(accumulate(lengths, initial=0)):
        yield records[begin:end]


def _per_record(group: Sequence[Record], texts: Sequence[str]) -> list[Sequence[str]]:
    ends = accumulate((len(record.found) for record in group), initial=0)
    return [texts[begin:end] for begin, end in pairwise(ends)]


_worker: list[Masker] = []


def start_worker(plan: MaskingPlan) -> None:
    """Makes this process a worker; called once in each."""
    _worker[:] = [Masker(plan)]


def mask_batch(batch: Batch) -> MaskedBatch | FailedBatch:
    """Masks in a worker that was started."""
    return _worker[0].mask(batch)


def nothing(_value: Any = None) -> None:
    """A task that only starts a worker."""
