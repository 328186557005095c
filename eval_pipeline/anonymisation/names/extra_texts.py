"""An operator's marked texts among the generated ones: how much they weigh, what they give away."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """The features of every token of a text (`features.attributes_of`), and its label."""

    features: list[list[str]]
    labels: list[str]


class ExtraTexts:
    """Examples to learn from besides the generated ones.

    To repeat a text makes all its features frequent, so without a remedy every name in it would
    stand in the model's file. Hence what is rare is left out before: a feature counts once for each
    text that holds it, extra or generated, and is learnt from `least_seen` on.
    """

    def __init__(self, examples: Sequence[Example], *, least_seen: int) -> None:
        self._examples = examples
        self._least_seen = least_seen
        counts = Counter(name for example in examples for name in _names_in(example))
        self._rare = {name: count for name, count in counts.items() if count < least_seen}

    @property
    def texts(self) -> int:
        """How many they are."""
        return len(self._examples)

    @property
    def tokens(self) -> int:
        """How many tokens they hold, each text counted once."""
        return sum(len(example.labels) for example in self._examples)

    def count(self, generated: Example) -> None:
        """Counts the features of a generated text: what it holds gives nothing away."""
        if self._rare:
            for name in _names_in(generated) & self._rare.keys():
                self._rare[name] += 1

    def without_rare(self) -> Iterator[Example]:
        """The examples without features that fewer than `least_seen` texts hold, in order."""
        rare = {name for name, count in self._rare.items() if count < self._least_seen}
        for example in self._examples:
            kept = [[name for name in names if name not in rare] for names in example.features]
            yield Example(kept, example.labels)


def times_repeated(extra: int, *, generated: int, share: float, most: int) -> int:
    """How often to learn from extra texts of so many tokens beside so many generated ones.

    Until they hold `share` of the generated tokens' number, at most `most` times and at least once;
    0 where there are none. CRFsuite knows no weights of examples: to repeat one is to weigh it.
    """
    if extra == 0:
        return 0
    return max(1, min(most, round(share * generated / extra)))


def _names_in(example: Example) -> set[str]:
    return {name for names in example.features for name in names}
