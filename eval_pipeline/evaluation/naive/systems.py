"""From a naive system's settings to what answers."""

from collections.abc import Sequence

from eval_pipeline.evaluation.naive.asked import Example, NaiveSystem
from eval_pipeline.evaluation.naive.logistic import LogisticSystem
from eval_pipeline.evaluation.naive.retrieval import RetrievalSystem, Vectors
from eval_pipeline.evaluation.naive.rules import RegexSystem, TemplateSystem
from eval_pipeline.settings import (
    LogisticNaive,
    NaiveSettings,
    RegexNaive,
    RetrievalNaive,
    TemplateNaive,
)


def naive_system(
    naive: NaiveSettings, examples: Sequence[Example], *, vectors: Vectors | None = None
) -> NaiveSystem:
    """The system of these settings; rules and templates learn nothing of the examples."""
    match naive:
        case RegexNaive():
            return RegexSystem(naive)
        case TemplateNaive():
            return TemplateSystem(naive)
        case RetrievalNaive():
            return RetrievalSystem(naive, examples, vectors=vectors)
        case LogisticNaive():
            return LogisticSystem(naive, examples)


def learns(naive: NaiveSettings) -> bool:
    """Whether its answers depend on the golden set."""
    return isinstance(naive, RetrievalNaive | LogisticNaive)
