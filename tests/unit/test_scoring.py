import subprocess
import sys

import numpy as np
import pytest

from eval_pipeline.errors import MissingScorerLibraryError
from eval_pipeline.evaluation.scorers.scoring import score
from eval_pipeline.ports import Message, Score, ScoreRequest
from eval_pipeline.settings import (
    ChrfScoring,
    EntitiesScoring,
    ExactScoring,
    FieldsF1Scoring,
    FieldsScoring,
    JsonSchemaScoring,
    NormalisedScoring,
    NumericScoring,
    RegexScoring,
    RequiredFieldsScoring,
    RougeScoring,
    SimilarityScoring,
)


def request(response: str, reference: str | None) -> ScoreRequest:
    return ScoreRequest("item", 1, "orders", (Message("user", "?"),), response, reference)


def scores(response: str, reference: str | None, scoring) -> dict[str, Score]:
    found = score([request(response, reference)], scoring)
    return {dimension: given[0] for dimension, given in found.items()}


def value(response: str, reference: str | None, scoring) -> float | None:
    """What the scorer's first dimension says."""
    return scores(response, reference, scoring)[scoring.dimensions[0]].value


def measures(response: str, reference: str, scoring) -> tuple[float | None, ...]:
    """Precision, recall and F1."""
    found = scores(response, reference, scoring)
    names = ("precision", "recall", "f1")
    return tuple(found[f"{scoring.dimension}.{name}"].value for name in names)


def test_exact_looks_past_case_and_space_and_at_nothing_else() -> None:
    assert value(" Yes,\n please ", "yes, please", ExactScoring()) == 1.0
    assert value("Yes please", "yes, please", ExactScoring()) == 0.0


def test_strictly_exact_looks_past_nothing() -> None:
    assert value("yes", "yes", ExactScoring(strict=True)) == 1.0
    assert value("Yes", "yes", ExactScoring(strict=True)) == 0.0
    assert value("yes ", "yes", ExactScoring(strict=True)) == 0.0


def test_normalised_looks_past_unicode_forms_and_past_what_it_is_told_not_to_count() -> None:
    # A ligature and full-width digits are what they stand for in NFKC.
    assert value("o\ufb03ce \uff11\uff12", "Office 12", NormalisedScoring()) == 1.0
    assert value("The office.", "office", NormalisedScoring()) == 0.0
    squad = NormalisedScoring(punctuation=False, articles=("a", "an", "the"))
    assert value("The office.", "office", squad) == 1.0
    assert value("The other office.", "office", squad) == 0.0


@pytest.mark.parametrize(
    "scoring",
    [
        ExactScoring(), NormalisedScoring(), NumericScoring(), RegexScoring(pattern="x"),
        FieldsF1Scoring(), FieldsScoring(), EntitiesScoring(), SimilarityScoring(),
    ],
    ids=lambda scoring: scoring.scorer,
)  # fmt: skip
def test_without_a_reference_there_is_no_score_and_the_reason_is_given(scoring) -> None:
    found = scores("x", None, scoring)
    assert tuple(found) == scoring.dimensions
    assert {(each.value, each.error) for each in found.values()} == {(None, "no_reference")}
    assert scoring.needs_reference


@pytest.mark.parametrize(
    ("response", "reference", "scoring", "expected"),
    [
        ("It is 12.", "12", NumericScoring(), 1.0),
        ("It is 12.5", "12", NumericScoring(), 0.0),
        ("none of it", "12", NumericScoring(), 0.0),
        # |12.4 - 12| = 0.4
        ("12.4", "12", NumericScoring(absolute_tolerance=0.4), 1.0),
        ("12.41", "12", NumericScoring(absolute_tolerance=0.4), 0.0),
        # 5 % of 200 is 10
        ("210", "200", NumericScoring(relative_tolerance=0.05), 1.0),
        ("210.1", "200", NumericScoring(relative_tolerance=0.05), 0.0),
        # 0.1 + 0.2 = 0.3 exactly: decimals, not floats
        ("0.3", "0.1", NumericScoring(absolute_tolerance=0.2), 1.0),
        ("$1,234.50", "1234.5 USD", NumericScoring(), 1.0),
        ("-\u20ac5", "\u22125", NumericScoring(), 1.0),
        ("1\u202f234", "1'234", NumericScoring(), 1.0),
        ("1.234,5", "1234,5", NumericScoring(decimal_comma=True), 1.0),
        ("1.5e3", "1500", NumericScoring(), 1.0),
        ("12 %", "12", NumericScoring(), 1.0),
        ("12 %", "0.12", NumericScoring(percent_as_share=True), 1.0),
        ("12 %", "12", NumericScoring(percent_as_share=True), 0.0),
        ("3 of 4", "4", NumericScoring(number="last"), 1.0),
        ("3 of 4", "3", NumericScoring(number="first"), 1.0),
        ("Total: 7, of 9", "Total: 7", NumericScoring(pattern=r"Total: (\S+)"), 1.0),
        ("it is ...42", "42", NumericScoring(), 1.0),
        ("order A12", "12", NumericScoring(), 0.0),
    ],
)
def test_numbers_are_read_and_compared_as_decimals(response, reference, scoring, expected) -> None:
    assert value(response, reference, scoring) == expected


def test_a_reference_without_a_number_is_no_reference() -> None:
    assert scores("12", "twelve", NumericScoring())["numeric"].error == "no_reference"
    in_pattern = NumericScoring(pattern=r"Total: (\d+)")
    assert scores("Total: 12", "12", in_pattern)["numeric"].error == "no_reference"


def test_regex_compares_what_its_first_group_finds() -> None:
    scoring = RegexScoring(pattern=r"order (\d+)")
    assert value("It is order 17.", "order 17", scoring) == 1.0
    assert value("It is order 18.", "order 17", scoring) == 0.0


def test_regex_that_finds_nothing_is_wrong_in_the_response_and_no_reference_in_the_reference() -> (
    None
):
    scoring = RegexScoring(pattern=r"order (\d+)")
    assert value("no idea", "order 17", scoring) == 0.0
    assert scores("order 17", "no idea", scoring)["regex"].error == "no_reference"


def test_regex_can_ask_for_a_match_or_for_none_without_a_reference() -> None:
    must, never = (RegexScoring(pattern="doctor", expect=each) for each in ("match", "no_match"))
    assert not must.needs_reference
    assert value("Ask a doctor.", None, must) == 1.0
    assert value("Take two.", None, must) == 0.0
    assert value("Ask a doctor.", None, never) == 0.0
    assert value("Take two.", None, never) == 1.0


def test_json_schema_needs_no_reference_and_takes_broken_json_for_a_wrong_answer() -> None:
    scoring = JsonSchemaScoring(schema={"type": "object", "required": ["id"]})
    assert value('{"id": 1}', None, scoring) == 1.0
    assert value('{"name": 1}', None, scoring) == 0.0
    assert value('{"id": 1', None, scoring) == 0.0
    assert value('{"id": NaN}', None, scoring) == 0.0
    assert value("[" * 100_000, None, scoring) == 0.0
    assert not scoring.needs_reference


def test_a_schema_refers_to_its_own_parts() -> None:
    scoring = JsonSchemaScoring(
        schema={"$ref": "#/$defs/id", "$defs": {"id": {"type": "string", "pattern": "^A"}}}
    )
    assert value('"A1"', None, scoring) == 1.0
    assert value('"B1"', None, scoring) == 0.0


def test_required_fields_are_there_not_null_and_of_their_types() -> None:
    scoring = RequiredFieldsScoring(fields=("id", "days"), types={"days": "integer"})
    assert value('{"id": "x", "days": 2, "more": null}', None, scoring) == 1.0
    assert value('{"id": "x", "days": 2.0}', None, scoring) == 1.0
    assert value('{"id": "x", "days": 2.5}', None, scoring) == 0.0
    assert value('{"id": "x", "days": true}', None, scoring) == 0.0
    assert value('{"id": null, "days": 2}', None, scoring) == 0.0
    assert value('{"days": 2}', None, scoring) == 0.0
    assert value('["id", "days"]', None, scoring) == 0.0
    assert value("id days", None, scoring) == 0.0


def test_fields_f1_is_twice_the_shared_fields_over_all_fields() -> None:
    # shared: a; 2 x 1 / (2 + 3)
    response, reference = '{"a": "X", "b": 2}', '{"a": "x", "b": 3, "c": true}'
    assert value(response, reference, FieldsF1Scoring()) == pytest.approx(2 / 5)
    # only field a counts
    assert value(response, reference, FieldsF1Scoring(fields=("a",))) == 1.0


def test_fields_are_measured_by_precision_recall_and_f1_each_for_itself() -> None:
    # 2 found, 3 expected, 1 both: 1/2, 1/3, 2/5
    response, reference = '{"a": "X", "b": 2}', '{"a": "x", "b": 3, "c": true}'
    assert measures(response, reference, FieldsScoring()) == pytest.approx((1 / 2, 1 / 3, 2 / 5))
    assert measures("no json", reference, FieldsScoring()) == (0.0, 0.0, 0.0)
    assert measures("{}", reference, FieldsScoring()) == (0.0, 0.0, 0.0)
    assert measures("{}", '{"a": null}', FieldsScoring()) == (1.0, 1.0, 1.0)


def test_the_first_measure_is_the_one_that_decides_and_its_scorer_names_it() -> None:
    scoring = FieldsScoring(measures=("recall", "f1"), name="order")
    found = scores('{"a": 1, "b": 1}', '{"a": 1}', scoring)
    assert found == {
        "order.recall": Score(1.0, None, "fields.recall"),
        "order.f1": Score(pytest.approx(2 / 3), None, "fields.f1"),
    }


def test_one_number_is_one_field_value_however_it_is_written() -> None:
    assert value('{"a": 2.0}', '{"a": 2}', FieldsF1Scoring()) == 1.0
    assert value('{"a": "2"}', '{"a": 2}', FieldsF1Scoring()) == 0.0


def test_fields_of_an_unparsable_response_are_zero_and_of_such_a_reference_nothing() -> None:
    assert value("not json", '{"a": 1}', FieldsF1Scoring()) == 0.0
    assert value('{"a": 1}', "not json", FieldsF1Scoring()) is None


DRUGS = '[{"type": "drug", "text": "Ibuprofen 400 mg"}, {"type": "dose", "text": "twice a day"}]'


def test_entities_are_the_same_by_type_and_text() -> None:
    # found 3, expected 2, both 1 (the drug): 1/3, 1/2, 2/5
    response = (
        '[{"type": "Drug", "text": "ibuprofen  400 mg"}, {"type": "drug", "text": "twice a day"},'
        ' {"type": "drug", "text": "ibuprofen 400 mg"}]'
    )
    found = measures(response, DRUGS, EntitiesScoring())
    assert found == pytest.approx((1 / 3, 1 / 2, 2 / 5))


def test_entities_may_overlap_where_that_is_enough_and_each_is_matched_once() -> None:
    # Words in common over words of both: {ibuprofen} / {ibuprofen, 400, mg} = 1/3
    response = '[{"type": "drug", "text": "Ibuprofen"}, {"type": "drug", "text": "Ibuprofen 400"}]'
    third = EntitiesScoring(match="overlap", least_overlap=0.33)
    assert measures(response, DRUGS, third) == pytest.approx((1 / 2, 1 / 2, 1 / 2))
    half = EntitiesScoring(match="overlap", least_overlap=0.7)
    assert measures(response, DRUGS, half) == (0.0, 0.0, 0.0)


def test_the_most_pairs_are_matched_where_a_greedy_choice_would_lose_one() -> None:
    # "a b" fits both; "a" fits only "a b c" if "a b" leaves it: two pairs are possible.
    scoring = EntitiesScoring(match="overlap", least_overlap=0.33)
    response = '[{"type": "x", "text": "a b"}, {"type": "x", "text": "a"}]'
    reference = '[{"type": "x", "text": "a b c"}, {"type": "x", "text": "b d"}]'
    # overlaps: a b ~ a b c 2/3, a b ~ b d 1/3; a ~ a b c 1/3, a ~ b d 0
    assert measures(response, reference, scoring) == (1.0, 1.0, 1.0)


def test_entities_are_found_by_pattern_or_under_a_key_or_not_at_all() -> None:
    patterns = EntitiesScoring(patterns={"order": r"#(\d+)"})
    # found 17, 18; expected 17: 1/2, 1, 2/3
    assert measures("#17 and #18", "It is #17.", patterns) == pytest.approx((1 / 2, 1, 2 / 3))
    assert measures("none", "none", patterns) == (1.0, 1.0, 1.0)
    keyed = EntitiesScoring(key="found")
    assert measures(f'{{"found": {DRUGS}}}', f'{{"found": {DRUGS}}}', keyed) == (1.0, 1.0, 1.0)
    assert measures(DRUGS, f'{{"found": {DRUGS}}}', keyed) == (0.0, 0.0, 0.0)
    assert scores(DRUGS, '[{"type": 1, "text": "x"}]', EntitiesScoring())["entities.f1"] == Score(
        None, "no_reference", "entities.f1"
    )


def test_similarity_is_one_for_the_same_text_and_falls_with_the_distance() -> None:
    reference = "Your refund will arrive within five days."
    same = value(reference, reference, SimilarityScoring())
    near = value("The refund arrives within five days.", reference, SimilarityScoring())
    far = value("Our shop opens at nine.", reference, SimilarityScoring())
    assert same == pytest.approx(1.0)
    assert near is not None
    assert far is not None
    assert 1 > near > 0.4 > far >= 0


def test_similarity_does_not_depend_on_what_else_is_scored() -> None:
    one = request("The refund arrives.", "Your refund will arrive.")
    other = request("Open at nine.", "We open at ten.")
    together = score([one, other, request("", None)], SimilarityScoring())["similarity"]
    alone = [score([each], SimilarityScoring())["similarity"][0] for each in (one, other)]
    assert together[:2] == alone
    assert together[2].error == "no_reference"


def test_similarity_can_be_asked_for_a_yes_or_no() -> None:
    scoring = SimilarityScoring(pass_at_least=0.4)
    response = "The refund arrives within five days."
    assert value(response, "The refund will arrive within five days.", scoring) == 1.0
    assert value("Our shop opens at nine.", "The refund arrives.", scoring) == 0.0


def test_two_empty_texts_are_the_same() -> None:
    assert value("", "", SimilarityScoring()) == 1.0


def test_similarity_takes_vectors_that_it_is_given() -> None:
    vectors = {"a": [1.0, 0.0], "b": [0.6, 0.8], "c": [-1.0, 0.0]}
    asked = []

    def embed(texts):
        asked.append(list(texts))
        return np.array([vectors[text] for text in texts])

    requests = [request("a", "b"), request("c", None), request("a", "c")]
    found = score(requests, SimilarityScoring(provider="p", model="m"), embed=embed)
    # 1 x 0.6 + 0 x 0.8 = 0.6; below zero is zero
    assert [each.value for each in found["similarity"]] == [pytest.approx(0.6), None, 0.0]
    assert asked == [["a", "a", "b", "c"]]


def test_chrf_is_the_mean_over_orders_of_n_gram_f_with_beta_two() -> None:
    pytest.importorskip("sacrebleu", reason="the extra 'scorers'")
    # Order 1: a b of 2 found, of 3 expected: P 1, R 2/3. Order 2: ab of 1, of 2: P 1, R 1/2.
    # Orders 3 to 6: none found, so they do not count. Means: P 1, R 7/12.
    precision, recall = 1.0, (2 / 3 + 1 / 2) / 2
    expected = 5 * precision * recall / (4 * precision + recall)
    assert value("ab", "abc", ChrfScoring()) == pytest.approx(expected)
    assert value("ab", "abc", ChrfScoring(pass_at_least=0.6)) == 1.0
    assert value("", "", ChrfScoring()) == 1.0
    assert value("", "abc", ChrfScoring()) == 0.0


def test_rouge_l_is_the_longest_common_subsequence_over_each_text_s_words() -> None:
    pytest.importorskip("rouge_score", reason="the extra 'scorers'")
    # the cat sat | the black cat sat down: the, cat, sat; P 3/3, R 3/5, F 2 x 3 / (3 + 5)
    texts = ("The cat sat.", "the black cat sat down")
    assert value(*texts, RougeScoring(measure="precision")) == 1.0
    assert value(*texts, RougeScoring(measure="recall")) == pytest.approx(3 / 5)
    assert value(*texts, RougeScoring()) == pytest.approx(6 / 8)
    # pairs of words: the cat, cat sat | the black, black cat, cat sat, sat down: 1 of 2, 1 of 4
    assert value(*texts, RougeScoring(variant="rouge2")) == pytest.approx(2 / 6)


def test_rouge_reads_words_of_any_script() -> None:
    pytest.importorskip("rouge_score", reason="the extra 'scorers'")
    # both words of the response are among three: 2 x 2 / (2 + 3)
    world, here, also = "\u043c\u0438\u0440", "\u0442\u0443\u0442", "\u0438"
    texts = f"{world} {here}", f"{world.upper()} {also} {here}"
    assert value(*texts, RougeScoring()) == pytest.approx(4 / 5)


@pytest.mark.parametrize(
    ("scoring", "module", "library"),
    [
        (ChrfScoring(), "sacrebleu.metrics.chrf", "sacrebleu"),
        (RougeScoring(), "rouge_score.rouge_scorer", "rouge-score"),
    ],
    ids=["chrf", "rouge"],
)
def test_a_library_that_is_not_installed_is_named_with_the_remedy(
    scoring, module, library, monkeypatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingScorerLibraryError, match=rf"{library}, which is not .*\[scorers\]"):
        value("a", "b", scoring)


def test_rouge_leaves_the_standard_error_that_it_was_loaded_under_open() -> None:
    pytest.importorskip("rouge_score", reason="the extra 'scorers'")
    code = """
import logging, sys, tempfile
from eval_pipeline.evaluation.scorers.overlap import rouge_scores
from eval_pipeline.settings import RougeScoring
real, sys.stderr = sys.stderr, tempfile.TemporaryFile("w+")
replaced = sys.stderr
rouge_scores([], RougeScoring())
sys.stderr = real
assert "absl.logging" in sys.modules
logging.shutdown()
sys.exit(replaced.closed)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
