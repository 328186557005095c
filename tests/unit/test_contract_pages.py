"""The contract's page: Great Expectations' own tables, the same bytes, nothing loaded or quoted."""

import hashlib
import re
import subprocess
import sys

import polars as pl
import pytest

from eval_pipeline.adapters.contracts.expectations import validate_sample
from eval_pipeline.adapters.contracts.pages import contract_page
from eval_pipeline.adapters.contracts.results import ContractResult
from eval_pipeline.tables import SAMPLED_INTERACTIONS

CANARY = "jane.canary@example.org"
UNSOUND = {
    "interaction_id": "i1",
    "conversation_key": "c1",
    "route": CANARY,
    "stratum": f"route={CANARY}",
    "selection": CANARY,
    "unit_hash": 0.5,
    "position": 1,
    "population_size": 40,
    "allocated": 1,
    "drawn": 1,
    "inclusion_probability": 0.5,
    "design_weight": 2.0,
}
AGAIN = """
import hashlib, sys
import polars as pl
from eval_pipeline.adapters.contracts.pages import contract_page
from eval_pipeline.adapters.contracts.expectations import validate_sample
result = validate_sample(pl.read_json(sys.argv[1], schema_overrides={"occurred_at": pl.Datetime}))
print(hashlib.sha256(contract_page(result, week="2026-11-16").encode()).hexdigest())
"""


def an_unsound_sample() -> pl.DataFrame:
    return pl.DataFrame([UNSOUND], schema=SAMPLED_INTERACTIONS.schema)


@pytest.fixture(scope="module")
def result() -> ContractResult:
    return validate_sample(an_unsound_sample())


@pytest.fixture(scope="module")
def page(result) -> str:
    return contract_page(result, week="2026-11-16")


def test_the_page_tells_every_broken_promise_and_every_kept_one(result, page):
    assert "Week of 2026-11-16: broken" in page
    assert all(sentence in page for sentence in result.failures)
    assert len(result.failures) == 2  # an unknown selection, and no time
    assert page.count("fa-times") - page.count(".fa-times") == len(result.failures)
    assert page.count("fa-check-circle") - page.count(".fa-check-circle") == (
        result.evaluated - len(result.failures)
    )


def test_the_page_loads_nothing_and_links_nowhere(page):
    assert re.findall(r"https?:|<script|<link|<img|<a |@import|url\(|\.\./", page) == []


def test_the_page_holds_no_logged_value(page):
    assert CANARY not in page
    assert "canary" not in page


def test_the_page_names_no_time_no_run_and_no_place_in_the_code(page):
    assert re.findall(r"20\d{6}T|\d\d:\d\d:\d\d|__none__|[0-9a-f]{8}-[0-9a-f]{4}", page) == []
    assert "Traceback" not in page
    assert "/eval_pipeline" not in page


def test_the_same_result_gives_the_same_page(page):
    again = validate_sample(an_unsound_sample())
    assert contract_page(again, week="2026-11-16") == page


@pytest.mark.slow
def test_a_page_has_the_same_bytes_in_another_process(tmp_path, page):
    file = tmp_path / "sample.json"
    an_unsound_sample().write_json(file)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", AGAIN, str(file)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == hashlib.sha256(page.encode()).hexdigest()


def test_what_is_said_is_escaped():
    hostile = ContractResult(
        contract="<b>Contract</b>", failures=("<script>x</script>",), shortfalls=(), evaluated=0
    )
    page = contract_page(hostile, week="2026-11-16")
    assert "<script>" not in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    ("failures", "warnings", "verdict"),
    [((), (), "kept"), ((), ("w",), "kept, with warnings"), (("f",), ("w",), "broken")],
)
def test_the_headline_is_the_verdict(failures, warnings, verdict):
    told = ContractResult("Contract", failures, (), 0, warnings=warnings)
    assert f"<h1>Week of 2026-11-16: {verdict}</h1>" in contract_page(told, week="2026-11-16")
