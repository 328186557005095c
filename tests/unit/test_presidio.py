"""Presidio's recognisers as ours: names of kinds, the plug in the configuration, its errors."""

import re
import sys
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from eval_pipeline.adapters.presidio import (
    PresidioFactoryError,
    PresidioFailedError,
    PresidioMissingError,
    PresidioSourceError,
    configured_recognisers,
    entity_of,
    kind_of,
    presidio_recogniser,
)
from eval_pipeline.anonymisation.spans import PLACEHOLDER, Span
from eval_pipeline.settings.presidio import PresidioSettings

TEXT = "write to Anna"


class Analyzer:
    """Finds "Anna" with a score of .6; remembers how it was asked."""

    def __init__(self, *, log_decision_process=False, failure=None):
        self.log_decision_process = log_decision_process
        self.failure = failure
        self.asked = []

    def get_recognizers(self):
        return []

    def get_supported_entities(self, language):
        return ["PERSON", "LOCATION"] if language == "en" else []

    def analyze(self, text, *, language, entities, score_threshold):
        self.asked.append((language, entities, score_threshold))
        if self.failure is not None:
            raise self.failure
        start = text.index("Anna")
        metadata = {"recognizer_name": "Gliner"}
        return [
            SimpleNamespace(
                start=start, end=start + 4, entity_type="PERSON", recognition_metadata=metadata
            )
        ]


def unready():
    raise OSError("no model here")


@pytest.fixture
def operators_module(monkeypatch):
    module = ModuleType("operators_recognisers")
    module.analyzer = Analyzer
    module.nothing = list
    module.number = lambda: 7
    module.unready = unready
    monkeypatch.setitem(sys.modules, "operators_recognisers", module)
    monkeypatch.setitem(sys.modules, "presidio_analyzer", ModuleType("presidio_analyzer"))
    return module


def test_a_find_of_presidio_is_a_span_of_our_kind_with_its_recognisers_name_as_rule():
    found = list(presidio_recogniser(Analyzer())(TEXT))
    assert found == [Span(9, 13, "PERSON")]
    assert found[0].rule == "presidio:Gliner"


def test_entities_language_and_threshold_reach_the_analyzer():
    analyzer = Analyzer()
    presidio_recogniser(analyzer, entities=["PERSON"], threshold=0.7)(TEXT)
    presidio_recogniser(analyzer)(TEXT)
    assert analyzer.asked == [("en", ["PERSON"], 0.7), ("en", None, 0.5)]


def test_an_entity_that_the_analyzer_does_not_support_is_told_with_those_it_does():
    with pytest.raises(PresidioSourceError, match=r"find LOCATION, PERSON, not AGE"):
        presidio_recogniser(Analyzer(), entities=["AGE", "PERSON"])


def test_a_language_without_recognisers_is_refused():
    with pytest.raises(PresidioSourceError, match="language 'de' find nothing"):
        presidio_recogniser(Analyzer(), language="de")


def test_an_analyzer_that_logs_texts_is_refused():
    with pytest.raises(PresidioSourceError, match="log_decision_process"):
        presidio_recogniser(Analyzer(log_decision_process=True))


def test_a_failure_inside_presidio_carries_no_text():
    find = presidio_recogniser(Analyzer(failure=ValueError(f"cannot read {TEXT!r}")))
    with pytest.raises(PresidioFailedError, match="ValueError") as failed:
        find(TEXT)
    assert "Anna" not in str(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None


def test_presidios_names_are_ours_and_back():
    assert kind_of("CREDIT_CARD") == "CARD"
    assert kind_of("US_SSN") == kind_of("uk_nhs") == "NATIONAL_ID"
    assert entity_of("ORGANISATION") == "ORGANIZATION"
    ours = "ADDRESS CARD DATE_OF_BIRTH EMAIL IBAN IP NATIONAL_ID PERSON PHONE PLACE SECRET URL USER"
    for kind in (*ours.split(), "DATE", "GROUP", "AGE", "MAC", "ORGANISATION", "ORDER"):
        assert kind_of(entity_of(kind)) == kind


def test_an_entity_we_do_not_know_is_its_own_name_in_capitals():
    assert kind_of("medical record no. 2") == "MEDICAL_RECORD_NO"
    assert kind_of("42") == "VALUE"


@given(st.text())
def test_whatever_presidio_calls_it_its_kind_fits_a_placeholder(entity):
    assert PLACEHOLDER.fullmatch(f"[{kind_of(entity)}_1]")


def test_without_the_section_nothing_is_plugged_in():
    assert configured_recognisers(None) == ()


def test_the_operators_function_is_found_and_called(operators_module):
    (find,) = configured_recognisers(
        PresidioSettings(factory="operators_recognisers:analyzer", entities=("PERSON",))
    )
    assert [span.kind for span in find(TEXT)] == ["PERSON"]


@pytest.mark.parametrize(
    ("factory", "problem"),
    [
        ("operators_recognisers:absent", "has no function 'absent'"),
        ("operators_recognisers:nothing", "returned list"),
        ("operators_recognisers:number", "returned int"),
        ("operators_recognisers:unready", "failed with OSError: no model here"),
        ("operators_absent_module:analyzer", "cannot be imported"),
    ],
)
def test_a_factory_that_gives_no_recognisers_is_named_with_the_reason(
    operators_module, factory, problem
):
    with pytest.raises(PresidioFactoryError, match=re.escape(problem)):
        configured_recognisers(PresidioSettings(factory=factory))


def test_a_missing_extra_is_told_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(PresidioMissingError, match=r"eval-pipeline\[presidio\]"):
        configured_recognisers(PresidioSettings(factory="any_module:function"))


@pytest.mark.parametrize("factory", ["module", "module:", "a module:function", "module:f()"])
def test_a_factory_is_a_module_and_a_function(factory):
    with pytest.raises(ValidationError):
        PresidioSettings(factory=factory)
