import pytest

from eval_pipeline.anonymisation.names.extra_texts import Example, ExtraTexts, times_repeated


def examples(*texts: str) -> list[Example]:
    """One token a word, whose one feature is the word itself."""
    return [Example([[word] for word in text.split()], ["O"] * len(text.split())) for text in texts]


@pytest.mark.parametrize(
    ("extra", "repeats"),
    [
        (0, 0),  # nothing to learn from
        (1_000, 8),  # 0.5 * 100,000 / 1,000 = 50, but 8 at most
        (10_000, 5),  # 0.5 * 100,000 / 10,000
        (50_000, 1),
        (900_000, 1),  # more than asked for: each once
    ],
)
def test_extra_texts_are_repeated_up_to_their_share(extra: int, repeats: int) -> None:
    assert times_repeated(extra, generated=100_000, share=0.5, most=8) == repeats


def test_a_feature_of_fewer_texts_than_are_needed_is_left_out() -> None:
    extra = ExtraTexts(examples("hi Anna Anna Anna", "hi Bo", "hi you"), least_seen=3)
    assert [example.features for example in extra.without_rare()] == [
        [["hi"], [], [], []], [["hi"], []], [["hi"], []],
    ]  # fmt: skip


def test_generated_texts_count_too() -> None:
    extra = ExtraTexts(examples("refund Anna", "refund Bo"), least_seen=3)
    for generated in examples("refund refund", "other"):
        extra.count(generated)
    assert [example.features for example in extra.without_rare()] == [[["refund"], []]] * 2


def test_labels_and_tokens_stay_as_they_are() -> None:
    extra = ExtraTexts(examples("hi Anna", "hi"), least_seen=3)
    assert [example.labels for example in extra.without_rare()] == [["O", "O"], ["O"]]
    assert (extra.texts, extra.tokens) == (2, 3)
