"""Which recorded answers are still the old model's, where only the answers tell it from the new."""

from collections.abc import Mapping, Sequence

from eval_pipeline.monitoring.provider_change.answer_signs import AnswerSign, distances

Answers = Mapping[str, Sequence[AnswerSign]]


def are_the_old_models(
    recorded: Mapping[str, AnswerSign], *, before: Answers, now: Answers
) -> bool:
    """Whether one recorded answer per item is on the whole closer to `before` than to `now`.

    All three are keyed by item; items that one of them lacks say nothing. False where none is
    shared: what cannot be told is not called old.
    """
    shared = [item for item in sorted(recorded) if before.get(item) and now.get(item)]
    nearer = 0.0
    for item in shared:
        old, new = before[item], now[item]
        apart = distances([recorded[item], *old, *new])[0, 1:]
        nearer += float(apart[len(old) :].mean() - apart[: len(old)].mean())
    return bool(shared) and nearer > 0
