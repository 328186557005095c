import pytest
from pydantic import ValidationError

from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.settings import SystemSettings, undeclared_families

RETRIEVAL = {"kind": "retrieval"}


def system(**keys: object) -> SystemSettings:
    return SystemSettings.model_validate(keys)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({}, "a system needs `provider` and `model`, or `naive`"),
        ({"model": "m"}, "a system needs `provider`, or `naive`"),
        ({"naive": RETRIEVAL, "model": "m"}, "`model` says how a model is asked"),
        ({"naive": RETRIEVAL, "provider": "cloud"}, "`provider` says how a model is asked"),
        ({"naive": RETRIEVAL, "prompt": "Be kind."}, "`prompt` says how a model is asked"),
        ({"naive": RETRIEVAL, "confidence": {"field": "sure"}}, "`confidence` says how"),
        ({"naive": {"kind": "oracle"}}, "does not match any of the expected tags"),
        ({"naive": {"kind": "regex", "rules": []}, "parameters": {"a": 1}}, "`parameters` says"),
        ({"provider": "p", "model": "m", "confidence": {}}, "either a `field` or a `pattern`"),
    ],
)
def test_a_system_is_served_or_naive_and_never_half_of_each(keys, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        system(**keys)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"pattern": "(?=a)", "answer": ""}, "look-around and back-references are none"),
        ({"pattern": r"(a)\1", "answer": ""}, "not a pattern that is matched in linear time"),
        ({"pattern": "(", "answer": ""}, "not a pattern that is matched in linear time"),
        ({"pattern": "(a)", "answer": r"\2"}, "group '2', and the pattern has 1"),
        ({"pattern": "a", "answer": r"\g<name>"}, "group 'name', and the pattern has none"),
    ],
)
def test_a_rule_that_could_hang_or_refers_to_nothing_is_refused(rule, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        system(naive={"kind": "regex", "rules": [rule]})


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("{% for x in a %}{% endfor %}", "holds For"),
        ("{{ a() }}", "holds Call"),
        ("{{ a * 1000000 }}", "holds Mul"),
        ("{{ a | attr('x') }}", "the filter 'attr'"),
        ("{{ b }}", "uses 'b', which is not under `fields`"),
        ("{{ a", "is no template"),
    ],
)
def test_a_template_that_computes_is_refused(answer: str, said: str) -> None:
    route = {"answer": answer, "fields": {"a": {"pattern": "a"}}}
    with pytest.raises(ValidationError, match=said):
        system(naive={"kind": "template", "routes": {"orders": route}})


def test_what_a_naive_system_is_survives_being_written_and_read() -> None:
    naive = system(naive=RETRIEVAL)
    assert SystemSettings.model_validate(naive.model_dump()) == naive
    assert (naive.provider, naive.model) == ("in_process", "naive-retrieval")
    assert undeclared_families({"x": naive}) == []


def test_identities_of_served_systems_are_what_they_were_before_there_were_naive_ones() -> None:
    served = system(provider="p", model="m", prompt="Be kind.")
    before = {
        "provider": "p", "model": "m", "parameters": {}, "usd_per_million_input_tokens": 0.0,
        "usd_per_million_output_tokens": 0.0, "prompt": "Be kind.", "family": None,
        "few_shot_files": [], "fine_tuning_files": [],
    }  # fmt: skip
    assert served.identity == before
    reading = system(provider="p", model="m", prompt="Be kind.", confidence={"field": "sure"})
    assert fingerprint(reading.identity) == fingerprint(before)
    assert system(naive=RETRIEVAL).identity != system(naive={"kind": "logistic"}).identity
