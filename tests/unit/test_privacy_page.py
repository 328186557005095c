"""The privacy page: says what was measured and what was not, loads nothing, escapes everything."""

import re
from typing import Any

import polars as pl
import pytest

from eval_pipeline.anonymisation.checks.known_values import KnownValueHits
from eval_pipeline.anonymisation.checks.report import Evidence
from eval_pipeline.anonymisation.checks.residual import Residual
from eval_pipeline.anonymisation.checks.scans import Scans
from eval_pipeline.reports.privacy_page import privacy_page
from eval_pipeline.reports.privacy_plots import recall_chart
from eval_pipeline.settings import AnonymisationSettings
from tests.unit.test_anonymisation_report import CLEAN, SETTINGS, canaries, reported, week

WEEK = "2026-11-16"
PLANTED = canaries(person=(1, 40), email=(0, 60))


def until_now(
    evidence: Evidence, *, weeks: tuple[str, ...] = (WEEK,), **given: Any
) -> pl.DataFrame:
    return pl.concat(reported(evidence, **given).with_columns(week=pl.lit(one)) for one in weeks)


def page(evidence: Evidence, *, settings: AnonymisationSettings = SETTINGS, **given: Any) -> str:
    return privacy_page(until_now(evidence, **given), week=WEEK, settings=settings)


def words(html: str) -> str:
    body = re.sub(r"<svg.*?</svg>", "", html.split("<body", 1)[1], flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_page_tells_recall_leaks_coverage_groups_and_provenance():
    told = words(page(Evidence(CLEAN, PLANTED)))
    assert "99.0 % of 100 planted personal values were masked" in told
    assert "Estimated to be missed 2.5 %" in told  # one of forty names
    assert "Texts with something masked 75.0 % 3 of 4" in told
    assert "Characters masked 65.0 % 26 of 40" in told
    assert "Smallest group 1 person" in told
    assert "not anonymous in the sense of the GDPR" in told
    assert "Versions v" in told


def test_the_page_says_so_where_no_known_values_are_configured():
    assert "None are configured." in page(Evidence(CLEAN, PLANTED))
    tested = Scans(Residual({}, 0), known_values=1200, known_hits=KnownValueHits({}, {}))
    told = words(page(Evidence(tested, PLANTED)))
    assert "None are configured." not in told
    assert "1,200 values of real customers were looked for" in told


@pytest.mark.parametrize(
    ("scans", "planted", "state", "verdict"),
    [
        (CLEAN, canaries(email=(0, 200)), "pass", "Within the policy"),
        (CLEAN, canaries(email=(9, 200)), "inconclusive", "Below the policy"),
        (CLEAN, canaries(), "inconclusive", "Not measured"),
        (Scans(Residual({"card": 2}, 1)), canaries(email=(0, 200)), "block", "Personal data found"),
    ],
)
def test_the_verdict_is_of_the_worst_that_was_found(scans, planted, state, verdict):
    html = page(Evidence(scans, planted))
    assert f'<body class="{state}">' in html
    assert verdict in html


def test_the_page_loads_nothing_runs_nothing_and_is_the_same_every_time():
    html = page(Evidence(CLEAN, PLANTED))
    assert html == page(Evidence(CLEAN, PLANTED))
    assert "default-src 'none'" in html
    assert not re.search(r"<script|<link|<img|@import|url\(", html.replace("url(#", ""))
    assert 'lang="en"' in html
    assert all('scope="' in cell for cell in re.findall(r"<th\b[^>]*>", html))


def test_a_route_that_is_markup_is_shown_as_text():
    strange = week().with_columns(route=pl.lit("<b onclick=x>r</b>"))
    html = page(Evidence(CLEAN, PLANTED), interactions=strange)
    assert "<b onclick" not in html
    assert "&lt;b onclick=x&gt;" in html


def test_the_settings_are_told_in_words_and_quote_no_pattern():
    settings = AnonymisationSettings.model_validate(
        {
            "custom_patterns": [{"name": "ORDER", "pattern": "secret-[0-9]+"}],
            "allow": {"*": ["Jolly Rancher"]},
            "quasi_identifiers": ["route", "region"],
        }
    )
    html = page(Evidence(CLEAN, PLANTED), settings=settings)
    told = words(html)
    assert "Patterns of the organisation ORDER" in told
    assert "Words let through on purpose 1" in told
    assert "route, region" in told
    assert "secret-" not in html
    assert "Jolly" not in html


def test_the_chart_has_a_mark_for_every_week_that_was_measured():
    several = until_now(Evidence(CLEAN, PLANTED), weeks=("2026-11-02", "2026-11-09", WEEK))
    chart = recall_chart(several)
    assert "3 weeks" in chart
    assert all(day in chart for day in ("2026-11-02", "2026-11-09", WEEK))
    assert recall_chart(until_now(Evidence(CLEAN, canaries()))).startswith("<svg")
