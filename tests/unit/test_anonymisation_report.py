"""The report of a week's masking: every figure worked out by hand on three interactions."""

from typing import Any

import polars as pl
import pytest

from eval_pipeline.anonymisation.checks.coverage import with_coverage
from eval_pipeline.anonymisation.checks.findings import (
    canary_finding,
    group_finding,
    known_values_finding,
    residual_finding,
)
from eval_pipeline.anonymisation.checks.known_values import KnownValueHits
from eval_pipeline.anonymisation.checks.leaks import estimate_leaks
from eval_pipeline.anonymisation.checks.report import Evidence, anonymisation_report
from eval_pipeline.anonymisation.checks.residual import Residual, scan_residual
from eval_pipeline.anonymisation.checks.scans import Scans, require_clean
from eval_pipeline.errors import ResidualTextError
from eval_pipeline.reports.privacy_page import privacy_page
from eval_pipeline.settings import AnonymisationSettings
from eval_pipeline.statistics.proportions import wilson
from eval_pipeline.tables import ANONYMISED_INTERACTIONS, INTERACTION_SCHEMA

SETTINGS = AnonymisationSettings(minimum_group=2)
CLEAN = Scans(Residual({}, 0))


def week() -> pl.DataFrame:
    blank: dict[str, Any] = dict.fromkeys(ANONYMISED_INTERACTIONS.schema)
    rows = [
        {
            "interaction_id": "a", "user_key": "u1", "route": "help",
            "messages": [{"role": "user", "content": "I am [PERSON_1]"}],
            "response": "Hello [PERSON_1]", "masked": [{"kind": "person", "spans": 2}],
            "masked_texts": 2, "characters": 28, "masked_characters": 17,
        },
        {
            "interaction_id": "b", "user_key": "u2", "route": "help", "response": "Yes",
            "messages": [], "masked": [], "masked_texts": 0, "characters": 3,
            "masked_characters": 0,
        },
        {
            "interaction_id": "c", "user_key": "u1", "route": "rare", "response": "[ORDER_1]",
            "messages": [], "masked": [{"kind": "order", "spans": 1}], "masked_texts": 1,
            "characters": 9, "masked_characters": 9,
        },
    ]  # fmt: skip
    filled = [{**blank, "conversation_key": row["interaction_id"], **row} for row in rows]
    return pl.DataFrame(filled, schema=ANONYMISED_INTERACTIONS.schema)


def canaries(**leaked_of: tuple[int, int]) -> pl.DataFrame:
    """Of each kind, so many leaked of so many planted."""
    rows = [
        {"kind": kind, "field": "user", "leaked": number < leaked}
        for kind, (leaked, planted) in leaked_of.items()
        for number in range(planted)
    ]
    return pl.DataFrame(rows, schema={"kind": pl.String, "field": pl.String, "leaked": pl.Boolean})


def reported(evidence: Evidence, *, interactions: pl.DataFrame | None = None) -> pl.DataFrame:
    return anonymisation_report(
        week() if interactions is None else interactions,
        evidence,
        settings=SETTINGS,
        anonymiser_fingerprint="f",
        versions="v",
    )


def figures(report: pl.DataFrame) -> dict[tuple[str, str], float | None]:
    return {(row[0], row[2]): row[3] for row in report.iter_rows()}


def test_the_report_counts_texts_characters_and_spans():
    found = figures(reported(Evidence(CLEAN, canaries())))
    assert found["interactions", "all"] == 3
    assert found["texts", "all"] == 4
    assert found["masked_texts", "all"] == 2 + 1
    assert found["characters", "all"] == 28 + 3 + 9
    assert found["masked_characters", "all"] == 17 + 9
    assert found["masked_spans", "person"] == 2
    assert found["masked_spans", "order"] == 1
    assert found["masked_spans", "all"] == 3


def test_the_report_tells_recall_leaks_groups_and_what_it_cannot_estimate():
    found = figures(reported(Evidence(CLEAN, canaries(person=(1, 10), email=(0, 10)))))
    assert found["canary_recall", "all"] == pytest.approx(19 / 20)
    assert found["canary_recall", "person"] == pytest.approx(9 / 10)
    assert found["leaked_canaries", "person"] == 1
    # Two spans stand for 2 / 0.9 values, of which one tenth was missed.
    assert found["leak_share", "all"] == pytest.approx(0.1)
    assert found["unestimated_spans", "order"] == 1
    assert found["people", "all"] == 2
    assert (found["groups", "all"], found["smallest_group", "all"]) == (2, 1)
    assert (found["smallest_group", "help"], found["smallest_group", "rare"]) == (2, 1)
    assert (found["small_groups", "all"], found["small_groups", "help"]) == (1, 0)


def test_without_canaries_and_known_values_the_report_says_that_it_does_not_know():
    found = figures(reported(Evidence(CLEAN, canaries())))
    assert not [measure for measure, _ in found if measure.startswith("canary")]
    assert found["leak_share", "all"] is None
    assert found["known_values", "all"] == 0
    assert found["known_value_hits", "all"] is None


def test_a_week_whose_coverage_was_not_counted_is_null_and_not_too_little():
    unknown = pl.lit(None, dtype=pl.Int64)
    older = week().with_columns(masked_texts=unknown, characters=unknown, masked_characters=unknown)
    found = figures(reported(Evidence(CLEAN, canaries()), interactions=older))
    assert found["characters", "all"] is None
    assert found["masked_texts", "all"] is None


def test_an_empty_week_can_be_reported():
    found = figures(
        reported(Evidence(CLEAN, canaries()), interactions=ANONYMISED_INTERACTIONS.empty())
    )
    assert found["interactions", "all"] == 0
    assert found["smallest_group", "all"] is None


def test_the_leak_estimate_weighs_kinds_by_what_was_masked_of_them():
    # 90 / 0.9 + 40 / 0.8 = 150 values, of which 130 were masked.
    estimate = estimate_leaks(
        {"person": 90, "email": 40, "order": 7}, canaries(person=(10, 100), email=(20, 100))
    )
    assert estimate.share == pytest.approx(20 / 150)
    assert (estimate.spans, estimate.unmeasured, estimate.blind) == (130, ("order",), ())
    low, high = wilson(0.9, 100, confidence=0.95), wilson(0.8, 100, confidence=0.95)
    assert estimate.upper == pytest.approx(1 - 130 / (90 / low[0] + 40 / high[0]))
    assert estimate.lower == pytest.approx(1 - 130 / (90 / low[1] + 40 / high[1]))


def test_the_leak_estimate_pools_the_canaries_that_one_recogniser_masks():
    # Of listed and unlisted names together 15 of 20 were found.
    estimate = estimate_leaks({"person": 30}, canaries(person=(0, 10), unlisted_person=(5, 10)))
    assert estimate.share == pytest.approx(1 - 15 / 20)


def test_a_kind_of_which_no_canary_was_found_cannot_be_estimated():
    estimate = estimate_leaks({"person": 3}, canaries(person=(10, 10)))
    assert (estimate.share, estimate.blind, estimate.spans) == (None, ("person",), 0)


def test_coverage_counts_what_placeholders_replaced():
    raw = pl.DataFrame(
        [
            {
                "interaction_id": "a",
                "messages": [
                    {"role": "user", "content": "I am Ada Johnson"},
                    {"role": "assistant", "content": "Hello [PERSON_7]"},
                ],
                "response": "Yes",
                "attributes": [{"key": "note", "value": "Ada"}, {"key": "none", "value": None}],
            }
        ],
        schema=INTERACTION_SCHEMA,
    )
    masked = pl.DataFrame(
        [
            {
                **raw.row(0, named=True),
                "messages": [
                    {"role": "user", "content": "I am [PERSON_8]"},
                    {"role": "assistant", "content": "Hello [PERSON_7]"},
                ],
                "attributes": [
                    {"key": "note", "value": "[PERSON_8]"},
                    {"key": "none", "value": None},
                ],
            }
        ],
        schema=ANONYMISED_INTERACTIONS.schema,
        strict=False,
    )
    (row,) = with_coverage(masked, raw=raw).iter_rows(named=True)
    # "I am Ada Johnson" has 16, "Hello " 6 beside its placeholder, "Yes" and "Ada" 3 each.
    assert row["characters"] == 16 + 6 + 3 + 3
    assert row["masked_characters"] == 11 + 3
    assert row["masked_texts"] == 2
    assert with_coverage(masked, raw=raw).schema == ANONYMISED_INTERACTIONS.schema


class Seeing:
    """A masker that sees a secret in every 'x' and masks it where the route is not 'open'."""

    def residual(self, texts: Any) -> dict[str, int]:
        count = sum(text.count("x") for text in texts)
        return {"SECRET": count} if count else {}

    def mask_text(self, text: str, *, route: str) -> str:
        return text if route == "open" else text.replace("x", "[SECRET_1]")


def test_the_residual_scan_counts_what_masking_again_would_change():
    def row(number: int, route: str, response: str) -> dict[str, Any]:
        blank: dict[str, Any] = dict.fromkeys(ANONYMISED_INTERACTIONS.schema)
        return {**blank, "interaction_id": str(number), "route": route, "response": response}

    rows = [row(1, "shut", "x and x"), row(2, "open", "x"), row(3, "shut", "fine")]
    found = scan_residual(
        pl.DataFrame(rows, schema=ANONYMISED_INTERACTIONS.schema), masker=Seeing()
    )
    assert found == Residual({"secret": 2}, 1)
    with pytest.raises(ResidualTextError, match=r"1 interactions.*secret 2"):
        require_clean(Scans(found))


def test_findings_pass_only_when_nothing_was_found():
    assert residual_finding(Residual({}, 0)).passed
    assert not residual_finding(Residual({"card": 2}, 1)).passed
    assert known_values_finding(KnownValueHits({}, {}), known_values=9).passed
    hit = known_values_finding(KnownValueHits({"a": 2}, {"response": 2}), known_values=9)
    assert not hit.passed
    assert hit.figures == {"occurrences": 2, "interactions": 1, "known values": 9}
    unknown = known_values_finding(None, known_values=0)
    assert unknown.passed
    assert "not tested" in unknown.sentence


@pytest.mark.parametrize(
    ("leaked_of", "passed", "named"),
    [
        # Wilson's lower bound of 200 of 200 is 0.981, of 195 of 200 it is 0.943.
        ({"email": (0, 200)}, True, False),
        ({"email": (5, 200)}, False, False),
        # 396 of 400 give 0.975, but 20 of 24 have an upper bound of 0.933.
        ({"email": (0, 376), "age": (4, 24)}, False, True),
        # The upper bound of 23 of 24 is 0.993: too few to say that the kind is below.
        ({"email": (0, 376), "age": (1, 24)}, True, False),
    ],
)
def test_recall_warns_by_its_lower_bound_and_by_any_kind_that_is_surely_below(
    leaked_of, passed, named
):
    report = reported(Evidence(CLEAN, canaries(**leaked_of)))
    finding = canary_finding(report, settings=SETTINGS)
    assert finding.passed is passed
    assert ("Surely below the limit: age" in finding.sentence) is named


def test_without_canaries_the_check_says_that_recall_was_not_measured():
    finding = canary_finding(reported(Evidence(CLEAN, canaries())), settings=SETTINGS)
    assert finding.passed
    assert "not measured" in finding.sentence


def test_a_quasi_identifier_that_stands_in_no_interaction_warns_as_misspelt():
    misspelt = AnonymisationSettings(minimum_group=1, quasi_identifiers=("route", "rigion"))
    report = anonymisation_report(
        week(),
        Evidence(CLEAN, canaries()),
        settings=misspelt,
        anonymiser_fingerprint="f",
        versions="v",
    )
    assert figures(report)["present_values", "route"] == 3
    assert figures(report)["present_values", "rigion"] == 0
    finding = group_finding(report, settings=misspelt)
    assert not finding.passed
    assert "rigion" in finding.sentence
    html = privacy_page(
        report.with_columns(week=pl.lit("2026-11-16")), week="2026-11-16", settings=misspelt
    )
    assert "in no interaction of the week" in html


def test_groups_warn_when_nothing_is_left_to_suppress():
    report = reported(Evidence(CLEAN, canaries()))
    finding = group_finding(report, settings=SETTINGS)
    assert not finding.passed
    assert finding.figures == {"groups": 2, "small_groups": 1, "smallest_group": 1}
    helped = reported(Evidence(CLEAN, canaries()), interactions=week().head(2))
    assert group_finding(helped, settings=SETTINGS).passed
