"""chrF and ROUGE by the libraries that define them: sacrebleu and rouge-score.

Both are imported when they are first asked for: they belong to the extra `scorers`. Neither reads
a file nor the network.
"""

import importlib
import re
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any, Final

from eval_pipeline.errors import MissingScorerLibraryError
from eval_pipeline.evaluation.scorers.comparing import against_reference, in_bounds, one_spaced
from eval_pipeline.ports import Score, ScoreRequest
from eval_pipeline.settings import ChrfScoring, RougeScoring

MOST_WORDS: Final = 2000
"""rouge-score compares every word with every other: with so many it takes two seconds."""
_WORD: Final = re.compile(r"[^\W_]+")
_PERCENT: Final = 100


class UnicodeWords:
    """rouge-score's tokenizer for any script; its own keeps Latin letters only."""

    def tokenize(self, text: str) -> list[str]:
        """Runs of letters and digits, NFKC and case folded, the first `MOST_WORDS`."""
        folded = unicodedata.normalize("NFKC", text).casefold()
        return _WORD.findall(folded)[:MOST_WORDS]


def chrf_scores(requests: Sequence[ScoreRequest], scoring: ChrfScoring) -> list[Score]:
    """Sacrebleu's sentence chrF over 100; 1 for equal texts, even where they are empty."""
    metric = _chrf(word_order=scoring.word_order)

    def chrf(response: str, reference: str) -> float:
        same = one_spaced(response) == one_spaced(reference)
        value = 1.0 if same else metric.sentence_score(response, [reference]).score / _PERCENT
        return in_bounds(value, pass_at_least=scoring.pass_at_least)

    return against_reference(requests, chrf, scorer=scoring.scorer)


def rouge_scores(requests: Sequence[ScoreRequest], scoring: RougeScoring) -> list[Score]:
    """rouge-score's measure of the variant; 1 for equal texts, even where they have no words."""
    scorer = _rouge(scoring.variant)

    def rouge(response: str, reference: str) -> float:
        same = one_spaced(response) == one_spaced(reference)
        value = 1.0 if same else _measured(scorer.score(reference, response), scoring)
        return in_bounds(value, pass_at_least=scoring.pass_at_least)

    return against_reference(requests, rouge, scorer=scoring.scorer)


def _measured(scores: Any, scoring: RougeScoring) -> float:
    score = scores[scoring.variant]
    return float(score.fmeasure if scoring.measure == "f1" else getattr(score, scoring.measure))


def _chrf(*, word_order: int) -> Any:
    try:
        module = importlib.import_module("sacrebleu.metrics.chrf")
    except ImportError:
        raise MissingScorerLibraryError("chrf", "sacrebleu") from None
    return module.CHRF(word_order=word_order)


def _rouge(variant: str) -> Any:
    try:
        module = importlib.import_module("rouge_score.rouge_scorer")
    except ImportError:
        raise MissingScorerLibraryError("rouge", "rouge-score") from None
    _let_go_of_standard_error()
    return module.RougeScorer([variant], tokenizer=UnicodeWords())


def _let_go_of_standard_error() -> None:
    """Leaves whatever stands for stderr to its owner.

    rouge-score logs by absl, whose handler keeps the `sys.stderr` of its import and closes it when
    logging is set up anew, as Dagster does in every run.
    """
    absl = sys.modules.get("absl.logging")
    if absl is not None and sys.__stderr__ is not None:
        absl.get_absl_handler().python_handler.setStream(sys.__stderr__)
