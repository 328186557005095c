"""The grams that passages hold, found in a stream of words and traced back to the passages."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

from eval_pipeline.anonymisation.text_matching import Gram
from eval_pipeline.truth.gram_table import GramTable

TEMPLATE_ITEMS: Final = 5


class Vocabulary:
    """Numbers for words, from 1; 0 for a word that nobody has asked to keep."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def keep(self, words: Gram) -> tuple[int, ...]:
        """The words' numbers, given out where they are new."""
        return tuple(self._numbers.setdefault(word, len(self._numbers) + 1) for word in words)

    def read(self, words: Sequence[str]) -> list[int]:
        """The words' numbers."""
        get = self._numbers.get
        return [get(word, 0) for word in words]


class HeldGrams:
    """Grams of passages. Those that more than `TEMPLATE_ITEMS` items hold tell no item.

    `held` and `telling` are sets of gram numbers, per passage; where no gram of a passage is
    telling, all of its grams are taken to be. `table` finds grams by number.
    """

    def __init__(
        self,
        grams: Sequence[AbstractSet[Gram]],
        *,
        item_ids: Sequence[str],
        vocabulary: Vocabulary,
    ) -> None:
        numbers, items = _numbered(grams, item_ids)
        self.held = [frozenset(numbers[gram] for gram in own) for own in grams]
        self.telling = [
            frozenset(gram for gram in own if len(items[gram]) <= TEMPLATE_ITEMS) or own
            for own in self.held
        ]
        self._tellers: defaultdict[int, list[int]] = defaultdict(list)
        for passage, own in enumerate(self.telling):
            for gram in own:
                self._tellers[gram].append(passage)
        self.table = GramTable({vocabulary.keep(gram): number for gram, number in numbers.items()})

    def passages(self, found: AbstractSet[int]) -> list[int]:
        """The passages that at least one found gram tells."""
        return sorted({passage for gram in found for passage in self._tellers.get(gram, ())})

    def telling_share(self, passage: int, found: AbstractSet[int]) -> float:
        """The share of the passage's telling grams that were found."""
        telling = self.telling[passage]
        return len(telling & found) / len(telling)


def _numbered(
    grams: Sequence[AbstractSet[Gram]], item_ids: Sequence[str]
) -> tuple[Mapping[Gram, int], Mapping[int, set[str]]]:
    """Every gram with a number, and per number the items that hold it."""
    numbers: dict[Gram, int] = {}
    items: defaultdict[int, set[str]] = defaultdict(set)
    for own, item_id in zip(grams, item_ids, strict=True):
        for gram in sorted(own):
            items[numbers.setdefault(gram, len(numbers))].add(item_id)
    return numbers, items
