"""Finds texts of items in records of other texts: one index over the items, the records stream by.

Covered share: the part of a passage's n-grams that one record holds. Similarity: Jaccard of the
three-word shingles (Broder 1997) of a passage and of one text of a record, computed exactly. What
many items share says which template was used, not which item: for both measures the covered share
must be reached among the other, telling grams too.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from eval_pipeline.anonymisation.text_matching import (
    CUT,
    SHINGLE_WORDS,
    shingles_of,
    units_of,
    words_of,
)
from eval_pipeline.settings import ContaminationSettings
from eval_pipeline.truth.gram_table import Integers
from eval_pipeline.truth.held_grams import HeldGrams, Vocabulary
from eval_pipeline.truth.source_search import Hit, Measure, Passage, Search, SourceRecord

BATCH_WORDS: Final = 65_536


@dataclass
class _Batch:
    records: list[SourceRecord] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    text_starts: list[int] = field(default_factory=list)
    texts: list[tuple[int, int]] = field(default_factory=list)
    """Record and number within it, per text."""

    def add(self, record: SourceRecord) -> None:
        for number, text in enumerate(record.texts):
            self.text_starts.append(len(self.words))
            self.texts.append((len(self.records), number))
            self.words += words_of(text)
        self.words.append(CUT)
        self.records.append(record)

    def number(self, text: int) -> int:
        record, within = self.texts[text]
        first = self.records[record].number
        return first + within if self.records[record].lines else first


class ItemIndex:
    """An inverted index over passages; `too_short` passages hold nothing that could be found."""

    def __init__(self, passages: Sequence[Passage], *, policy: ContaminationSettings) -> None:
        self._policy = policy
        self._passages = tuple(passages)
        self._vocabulary = Vocabulary()
        size = policy.ngram_words
        units = [
            {unit for text in passage.texts for unit in units_of(text, ngram_words=size)}
            for passage in passages
        ]
        shingles = [
            # A passage without units is too short for similarity to mean anything.
            {gram for text in passage.texts for gram in shingles_of(words_of(text)) if own}
            for passage, own in zip(passages, units, strict=True)
        ]
        ids = [passage.item_id for passage in passages]
        self.too_short = sum(not own for own in units)
        self._units = HeldGrams(units, item_ids=ids, vocabulary=self._vocabulary)
        self._shingles = HeldGrams(shingles, item_ids=ids, vocabulary=self._vocabulary)

    def search(self, records: Iterable[SourceRecord]) -> Search:
        """Streams the records by; memory holds one batch of them and the hits."""
        search = Search()
        batch = _Batch()
        for record in records:
            search.records += 1
            if record.problem is not None:
                search.unreadable += 1
                search.first_unreadable = search.first_unreadable or record.number
            search.note_canaries(record)
            batch.add(record)
            if len(batch.words) >= BATCH_WORDS:
                self._match(batch, search)
                batch = _Batch()
        self._match(batch, search)
        return search

    def _match(self, batch: _Batch, search: Search) -> None:
        search.words += len(batch.words) - batch.words.count(CUT)
        if not batch.texts:
            return
        words = np.array(self._vocabulary.read(batch.words), dtype=np.int64)
        starts = np.array(batch.text_starts, dtype=np.int64)
        for hit in self._covered(batch, words, starts):
            search.add(hit)
        for hit in self._similar(batch, words, starts):
            search.add(hit)

    def _covered(self, batch: _Batch, words: Integers, starts: Integers) -> Iterator[Hit]:
        """Passages of which a record holds enough, at the text where the first n-gram begins."""
        places, units = self._units.table.find(words)
        texts = np.searchsorted(starts, places, side="right") - 1
        in_record: defaultdict[int, dict[int, int]] = defaultdict(dict)
        for text, unit in zip(texts.tolist(), units.tolist(), strict=True):
            in_record[batch.texts[text][0]].setdefault(unit, text)
        for first_text in in_record.values():
            found = first_text.keys()
            for passage in self._units.passages(found):
                held = self._units.held[passage]
                own = held & found
                value = min(len(own) / len(held), self._units.telling_share(passage, found))
                if value >= self._policy.covered_share:
                    number = batch.number(min(first_text[unit] for unit in own))
                    yield self._hit(passage, "covered_share", value, number)

    def _similar(self, batch: _Batch, words: Integers, starts: Integers) -> Iterator[Hit]:
        """Passages that one text of a record is nearly the same as."""
        places, shingles = self._shingles.table.find(words)
        texts = np.searchsorted(starts, places, side="right") - 1
        inside = np.searchsorted(starts, places + SHINGLE_WORDS - 1, side="right") - 1 == texts
        texts, shingles = texts[inside], shingles[inside]
        lengths = np.diff(starts, append=words.size)
        # At least half as many known places as wanted: repeats inside a text hide the exact share.
        known = np.bincount(texts, minlength=starts.size)
        wanted = self._policy.similarity / 2 * np.maximum(1, lengths - SHINGLE_WORDS)
        for text in np.flatnonzero((known > 0) & (known >= wanted)).tolist():
            begin = batch.text_starts[text]
            all_of_text = shingles_of(batch.words[begin : begin + int(lengths[text])])
            own = slice(*np.searchsorted(texts, (text, text + 1)))
            found = set(shingles[own].tolist())
            for passage in self._shingles.passages(found):
                held = self._shingles.held[passage]
                common = len(held & found)
                value = common / (len(held) + len(all_of_text) - common)
                told = self._shingles.telling_share(passage, found) >= self._policy.covered_share
                if told and value >= self._policy.similarity:
                    yield self._hit(passage, "similarity", value, batch.number(text))

    def _hit(self, passage: int, measure: Measure, value: float, record: int) -> Hit:
        found = self._passages[passage]
        return Hit(found.item_id, found.matched, measure, value, record)
