"""What of `scoring` holds, and what is refused with its reason."""

from pathlib import Path

import pytest

from eval_pipeline.errors import SettingsError
from eval_pipeline.settings import JudgeScoring, PanelScoring, Settings
from eval_pipeline.settings_file import parse_settings

CONFIG = (Path(__file__).parents[2] / "eval_pipeline.yaml").read_text(encoding="utf-8")
ORDERS = "  order_status: {scorer: fields_f1, fields: [order_number, status, eta_days]}\n"


def configured(*scorers: str) -> Settings:
    assert ORDERS in CONFIG
    listed = "".join(f"    - {{scorer: {scorer}}}\n" for scorer in scorers)
    return parse_settings(CONFIG.replace(ORDERS, f"  order_status:\n{listed}"), file="team.yaml")


def complaint(*scorers: str) -> str:
    with pytest.raises(SettingsError) as caught:
        configured(*scorers)
    return str(caught.value)


def test_a_route_has_one_scorer_or_several_of_which_the_first_decides():
    settings = configured("fields, fields: [status]", "panel, name: tone", "exact")
    names = [scoring.dimensions for scoring in settings.scorers_of("order_status")]
    assert names == [("fields.f1", "fields.precision", "fields.recall"), ("tone",), ("exact",)]
    assert settings.scoring_of("order_status").scorer == "fields"
    assert settings.scorers_of("refunds") == (PanelScoring(),)


def test_two_judges_are_two_dimensions_and_a_name_is_the_reader_s_own():
    assert JudgeScoring(judge="a").dimensions == ("judge.a",)
    assert JudgeScoring(judge="a", name="strict").dimensions == ("strict",)


@pytest.mark.parametrize(
    ("scorers", "told"),
    [
        (["exact", "exact, strict: true"], "has 2 dimensions 'exact'; give scorers a `name`"),
        (["fields", "exact, name: fields.f1"], "has 2 dimensions 'fields.f1'"),
        (["fields, measures: [f1, f1]"], "has 2 dimensions 'fields.f1'"),
        (["exact", "judge, judge: nobody"], "`scoring.order_status.1.judge` names 'nobody'"),
        (["exact", "preference"], "must be the first scorer of its route"),
        (["preference"], "`rubrics` has no pairwise rubric"),
        (["similarity, provider: nowhere, model: m"], "'nowhere', which is not under `providers`"),
        (["similarity, provider: pharmacy-cloud"], "stand together or not at all"),
        (["json_schema, schema: {type: 7}"], "Not a JSON Schema: 7 is not valid"),
        (["json_schema, schema: {$ref: 'http://x/y'}"], "leads to nothing inside the schema"),
        (["json_schema, schema: {$ref: '#/$defs/no'}"], "leads to nothing inside the schema"),
        (["required_fields, fields: [a], types: {b: string}"], "['b'], which are not among"),
        (["code"], "either a `command` or a `url`"),
        (["code, command: [x], url: 'http://x'"], "either a `command` or a `url`"),
        (["numeric, pattern: '('"], "Not a regular expression"),
        ([], "`scoring.order_status`"),
    ],
)
def test_what_cannot_be_scored_so_is_refused_and_named(scorers, told):
    assert told in complaint(*scorers)


def test_a_mistake_in_a_list_is_told_with_its_line_and_place():
    first = CONFIG[: CONFIG.index(ORDERS)].count("\n") + 1
    told = complaint("exact", "regex, patern: x")
    assert f"team.yaml:{first + 2}: `scoring.order_status.1.patern`: this key is unknown" in told
    assert "`scoring.order_status.1.pattern`: this key is required and missing" in told
