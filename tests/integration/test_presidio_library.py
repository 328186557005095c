"""Both directions with the real Presidio, its pattern recognisers only: no model, no network."""

import logging
import socket

import pytest

from eval_pipeline.adapters.presidio import (
    PresidioSourceError,
    configured_recognisers,
    presidio_recogniser,
)
from eval_pipeline.anonymisation.recognisers import find
from eval_pipeline.anonymisation.spans import Span, disjoint
from eval_pipeline.settings import ALL_RECOGNISERS
from eval_pipeline.settings.presidio import PresidioSettings

presidio_analyzer = pytest.importorskip(
    "presidio_analyzer", reason="the extra `presidio` is not installed"
)
engine = pytest.importorskip("eval_pipeline.adapters.presidio_engine")

TEXT = "mail anna.li@example.com or call my phone 212-555-5555, card 4111 1111 1111 1111"
EMAIL, PHONE, CARD = (5, 24), (42, 54), (61, 80)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refused(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refused)


@pytest.fixture(scope="module")
def analyzer():
    return engine.pattern_analyzer()


def our_finds(text: str) -> list[Span]:
    return disjoint(find(text, recognisers=ALL_RECOGNISERS), text=text)


def places(spans) -> dict[tuple[int, int], str]:
    return {(span.start, span.end): span.kind for span in spans}


def test_presidios_patterns_find_as_ours_without_a_model_or_a_network(analyzer):
    found = places(presidio_recogniser(analyzer, threshold=0.7)(TEXT))
    assert found == {EMAIL: "EMAIL", PHONE: "PHONE", CARD: "CARD"}


def test_a_list_of_recognisers_is_enough_and_words_of_context_raise_scores():
    patterns = presidio_analyzer.predefined_recognizers
    of_list = presidio_recogniser(
        [patterns.PhoneRecognizer(), patterns.EmailRecognizer()], threshold=0.7
    )
    # A phone scores .4 alone and .75 beside the word "phone".
    assert places(of_list(TEXT)) == {EMAIL: "EMAIL", PHONE: "PHONE"}
    assert list(of_list("or 212-555-5555")) == []


def test_the_threshold_and_the_entities_leave_finds_out(analyzer):
    of_phones = presidio_recogniser(analyzer, entities=["PHONE_NUMBER"], threshold=0.7)
    assert places(of_phones(TEXT)) == {PHONE: "PHONE"}
    assert list(presidio_recogniser(analyzer, threshold=1.0)("or 212-555-5555")) == []


def test_a_recogniser_of_a_models_entities_is_refused_without_its_analyzer():
    spacy_recogniser = presidio_analyzer.predefined_recognizers.SpacyRecognizer()
    with pytest.raises(PresidioSourceError, match="SpacyRecognizer"):
        presidio_recogniser([spacy_recogniser])


def test_the_configuration_takes_our_own_factory():
    settings = PresidioSettings(factory="eval_pipeline.adapters.presidio_engine:pattern_analyzer")
    (of_patterns,) = configured_recognisers(settings)
    assert EMAIL in places(of_patterns(TEXT))


def test_our_recognisers_work_inside_their_analyzer():
    ours = engine.EvalPipelineRecognizer(our_finds)
    analyzer = engine.analyzer_of([ours], language="en")
    found = analyzer.analyze(TEXT, language="en")
    assert {(one.start, one.end): one.entity_type for one in found} == {
        EMAIL: "EMAIL_ADDRESS",
        PHONE: "PHONE_NUMBER",
        CARD: "CREDIT_CARD",
    }


def test_every_kind_of_ours_is_reported_under_their_name_or_its_own():
    kinds = [name.upper() for name in ALL_RECOGNISERS]
    spans = [Span(at, at + 1, kind) for at, kind in enumerate(kinds)]
    analyzer = engine.analyzer_of([engine.EvalPipelineRecognizer(lambda _: spans)], language="en")
    found = {one.start: one.entity_type for one in analyzer.analyze(TEXT, language="en")}
    assert set(found) == set(range(len(kinds)))
    assert found[kinds.index("PLACE")] in {"LOCATION", "GPE", "LOC", "FAC"}
    assert found[kinds.index("HANDLE")] == "HANDLE"


def test_a_find_that_its_words_name_scores_one_and_any_other_less():
    spans = [Span(0, 4, "PERSON", cued=True), Span(5, 9, "PERSON")]
    analyzer = engine.analyzer_of([engine.EvalPipelineRecognizer(lambda _: spans)], language="en")
    found = analyzer.analyze(TEXT, language="en")
    assert sorted((one.start, one.score) for one in found) == [(0, 1.0), (5, 0.85)]


def test_inside_their_analyzer_only_the_entities_asked_for_are_found():
    ours = engine.EvalPipelineRecognizer(our_finds, kinds=("EMAIL", "PHONE"))
    analyzer = engine.analyzer_of([ours], language="en")
    assert sorted(analyzer.get_supported_entities("en")) == ["EMAIL_ADDRESS", "PHONE_NUMBER"]
    found = analyzer.analyze(TEXT, language="en", entities=["PHONE_NUMBER"])
    assert [(one.start, one.end) for one in found] == [PHONE]


def test_beside_theirs_ours_is_one_more_recogniser(analyzer):
    theirs = engine.pattern_analyzer()
    theirs.registry.add_recognizer(
        engine.EvalPipelineRecognizer(lambda text: [Span(0, 4, "ORDER")], kinds=("ORDER",))
    )
    assert "ORDER" in {one.entity_type for one in theirs.analyze(TEXT, language="en")}
    assert "ORDER" not in {one.entity_type for one in analyzer.analyze(TEXT, language="en")}


def test_their_anonymizer_masks_what_ours_finds():
    anonymizer = pytest.importorskip("presidio_anonymizer").AnonymizerEngine()
    analyzer = engine.analyzer_of([engine.EvalPipelineRecognizer(our_finds)], language="en")
    masked = anonymizer.anonymize(TEXT, analyzer.analyze(TEXT, language="en"))
    assert masked.text == (
        "mail <EMAIL_ADDRESS> or call my phone <PHONE_NUMBER>, card <CREDIT_CARD>"
    )


def test_nothing_of_the_text_reaches_a_log(analyzer, caplog):
    with caplog.at_level(logging.DEBUG):
        assert list(presidio_recogniser(analyzer)(TEXT))
    assert "anna.li" not in caplog.text
    assert "4111" not in caplog.text
