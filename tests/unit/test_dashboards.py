"""Metrics and results for dashboards: names, labels, bounds, and what is kept between scrapes."""

import datetime as dt
import json
import re
from pathlib import Path

import polars as pl
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from eval_pipeline.adapters.telemetry.prometheus import KeptMetrics, family_of, write_metrics
from eval_pipeline.errors import SettingsError, StoreError
from eval_pipeline.monitoring.alerting.conditions import ReviewWeek
from eval_pipeline.monitoring.dashboards.gate_metrics import findings_of, gate_metrics
from eval_pipeline.monitoring.dashboards.metrics import Metric, bounded, counter, gauge
from eval_pipeline.monitoring.dashboards.results import decision_results, drift_results
from eval_pipeline.monitoring.dashboards.week_metrics import (
    agreement_metrics,
    alert_metrics,
    cost_metrics,
    drift_metrics,
    golden_metrics,
    job_metrics,
    monitor_alert_metrics,
    outcome_metrics,
    production_metrics,
    review_metrics,
)
from tests.alert_world import NOON, decision, decisions, finding, signals
from tests.unit.test_alert_events import MONITOR_ROW

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
WEEK = "2026-11-09"


def gate() -> list[Metric]:
    frame = decisions(decision())
    return list(gate_metrics(frame, findings_of(frame, {})))


def every_metric() -> list[Metric]:
    """One of each that the program can make."""
    production = pl.DataFrame(
        {
            "route": ["all"], "metric": ["error_rate"], "value": [0.1], "lower": [0.0],
            "upper": [0.2], "baseline_median": [0.1], "finding": ["unusual"],
        }
    )  # fmt: skip
    agreement = pl.DataFrame(
        {
            "subset": ["all"], "span": ["window"], "annotator_kind": ["person"],
            "measure": ["alpha"], "value": [0.8], "lower": [0.7], "upper": [0.9], "tasks": [40],
        }
    )  # fmt: skip
    tracking = pl.DataFrame({"subset": ["all"], "finding": ["tracks"]})
    review = (ReviewWeek(WEEK, 10, 3, dt.date(2026, 11, 20), "late"),)
    return [
        *gate(),
        *drift_metrics(signals({}), week=WEEK),
        *production_metrics(production, week=WEEK),
        *monitor_alert_metrics(pl.DataFrame([MONITOR_ROW])),
        *outcome_metrics(tracking),
        *agreement_metrics(agreement),
        *golden_metrics(version=3, week=WEEK, items=400, now=NOON),
        *review_metrics(review, as_of=NOON.date()),
        *cost_metrics(WEEK, {"drift": 1.5}, [("drift", "answered", 10, 1.5, 900)]),
        *job_metrics({"refresh": NOON}),
        *alert_metrics([("team", "sent"), ("team", "sent"), ("mail", "failed")]),
        gauge("build_info", "-", [({"version": "1"}, 1)]),
        gauge("source_up", "-", [({"source": "gate"}, 1)]),
        gauge("series_left_out", "-", [({}, 0)]),
        gauge("collected_timestamp_seconds", "-", [({}, 0)]),
        counter("collection_failures_total", "-", [({}, 0)]),
    ]


def values(metrics: list[Metric], name: str) -> dict[tuple[str, ...], float]:
    (found,) = [one for one in metrics if one.name == f"eval_pipeline_{name}"]
    return {tuple(value for _, value in sample.labels): sample.value for sample in found.samples}


def exposed(metrics: list[Metric]) -> str:
    registry = CollectorRegistry()
    registry.register(KeptMetrics(lambda: metrics, refresh_seconds=60))
    return generate_latest(registry).decode()


def test_a_decision_is_its_verdict_and_every_subsets_figures_with_bounds():
    metrics = gate()
    assert values(metrics, "gate_verdict") == {("sharper", "block"): 1.0}
    assert values(metrics, "gate_subset_state")[("sharper", "deciding", "refunds", "blocked")] == 1
    refunds = ("sharper", "deciding", "refunds")
    figures = [
        values(metrics, f"gate_difference{part}_ratio")[refunds]
        for part in ("", "_lower", "_upper")
    ]
    assert figures == [-0.1, -0.15, -0.05]
    # One of 102 and two of 102: 100 items with both, and two that the worse arm lacks.
    missing = values(metrics, "gate_missing_ratio")
    assert missing[(*refunds, "baseline")] == pytest.approx(1 / 102)
    assert missing[(*refunds, "candidate")] == pytest.approx(2 / 102)


def test_what_was_not_measured_is_no_series_and_never_nought():
    bare = finding("hours", "infeasible", difference=None, lower=None, upper=None,
                   candidate_mean=None, baseline_mean=None, items=0)  # fmt: skip
    frame = decisions(decision(subsets=(bare,)))
    metrics = list(gate_metrics(frame, findings_of(frame, {})))
    hours = ("sharper", "deciding", "hours")
    assert hours not in values(metrics, "gate_difference_ratio")
    assert (*hours, "infeasible") in values(metrics, "gate_subset_state")


def test_every_name_follows_prometheus_conventions_and_every_text_is_parsed_again():
    metrics = every_metric()
    names = [one.name for one in metrics]
    assert len(set(names)) == len(names)
    for one in metrics:
        assert re.fullmatch(r"eval_pipeline_[a-z][a-z_]*", one.name)
        assert one.name.endswith("_total") == (one.type == "counter")
        assert one.documentation
        for sample in one.samples:
            assert all(re.fullmatch(r"[a-z][a-z_]*", label) for label, _ in sample.labels)
    parsed = {family.name for family in text_string_to_metric_families(exposed(metrics[:-2]))}
    assert {name.removesuffix("_total") for name in names} == parsed


def test_a_label_that_holds_anything_is_read_back_as_it_was():
    name = 'quote " backslash \\ line\nend'
    text = exposed([gauge("gate_verdict", "-", [({"candidate": name, "verdict": "pass"}, 1)])])
    families = {one.name: one for one in text_string_to_metric_families(text)}
    (sample,) = families["eval_pipeline_gate_verdict"].samples
    assert sample.labels["candidate"] == name


def test_more_series_than_the_limit_are_left_out_and_counted():
    first = gauge("a", "-", [({"n": n}, n) for n in range(5)])
    second = gauge("b", "-", [({"n": n}, n) for n in range(5)])
    kept, out = bounded([first, second], series=7)
    assert [len(one.samples) for one in kept] == [5, 2]
    assert out == 3
    assert bounded([first, second], series=10)[1] == 0


def test_a_scrape_within_the_time_reads_nothing_and_a_failed_reading_keeps_the_last():
    read_at: list[int] = []
    now = [0.0]
    fails = [False]

    def read() -> list[Metric]:
        read_at.append(len(read_at))
        if fails[0]:
            raise StoreError("gone")
        return [gauge("golden_version", "-", [({}, len(read_at))])]

    kept = KeptMetrics(read, refresh_seconds=60, clock=lambda: now[0])

    def scrape() -> dict[str, float]:
        return {one.name: one.samples[0].value for one in kept.collect() if one.samples}

    registry = CollectorRegistry()
    registry.register(kept)
    assert read_at == []  # registering reads nothing
    assert scrape()["eval_pipeline_golden_version"] == 1
    now[0] = 59.0
    assert scrape()["eval_pipeline_golden_version"] == 1
    now[0], fails[0] = 60.0, True
    told = scrape()
    assert told["eval_pipeline_golden_version"] == 1
    assert told["eval_pipeline_collected_timestamp_seconds"] == 0.0
    assert told["eval_pipeline_collection_failures"] == 1
    now[0] = 61.0
    scrape()
    assert len(read_at) == 2  # what failed is not tried at every scrape
    now[0], fails[0] = 121.0, False
    assert scrape()["eval_pipeline_golden_version"] == 3


def test_the_file_is_replaced_whole_and_must_be_one_that_is_read(tmp_path):
    file = tmp_path / "evals.prom"
    write_metrics(lambda: [gauge("golden_version", "-", [({}, 7)])], file)
    assert "eval_pipeline_golden_version 7.0" in file.read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["evals.prom"]
    with pytest.raises(SettingsError, match=r"does not end in \.prom"):
        write_metrics(list, tmp_path / "evals.txt")
    with pytest.raises(SettingsError, match="cannot be written"):
        write_metrics(list, tmp_path / "nowhere" / "evals.prom")


def test_a_counter_is_a_counter_to_the_client():
    family = family_of(counter("model_calls_total", "-", [({"spender": "drift"}, 3)]))
    assert (family.type, family.samples[0].name) == ("counter", "eval_pipeline_model_calls_total")


def test_the_age_of_a_version_counts_from_the_end_of_its_week():
    # The week of the 9th ends at midnight before Monday the 16th; it is noon of that Monday.
    metrics = list(golden_metrics(version=3, week=WEEK, items=400, now=NOON))
    assert values(metrics, "golden_age_seconds") == {(): 12 * 3600.0}


def test_a_result_has_the_names_of_the_conventions_and_no_text():
    frame = decisions(decision())
    results = list(decision_results(frame, {}))
    assert len(results) == 3  # all, refunds, hours
    refunds = results[1].attributes
    assert refunds["gen_ai.evaluation.name"] == "deciding"
    assert refunds["gen_ai.evaluation.score.value"] == 0.7
    assert refunds["gen_ai.evaluation.score.label"] == "blocked"
    assert refunds["gen_ai.evaluation.explanation"] == (
        "-10.0 points (-15.0 to -5.0) against 'assistant' on 100 items"
    )
    assert "error.type" not in refunds
    assert "Ada" not in json.dumps([dict(one.attributes) for one in results])


def test_a_result_without_a_score_says_so_and_has_none():
    bare = finding("hours", "infeasible", candidate_mean=None, difference=None)
    result = list(decision_results(decisions(decision(subsets=(bare,))), {}))[-1].attributes
    assert result["error.type"] == "not_measured"
    assert "gen_ai.evaluation.score.value" not in result


def test_the_weekly_rerun_is_results_too():
    (result,) = drift_results(signals({}), week=WEEK)
    assert result.attributes["gen_ai.evaluation.name"] == "drift.rerun"
    assert result.attributes["gen_ai.evaluation.score.label"] == "alarm"
    assert result.attributes["eval_pipeline.reference_mean"] == 0.8


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\beval_pipeline_[a-z_]+", text))


def test_dashboard_and_rules_name_metrics_and_labels_that_there_are():
    made = {one.name: one for one in every_metric()}
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8"))
    rules = YAML(typ="safe").load(
        (MONITORING / "prometheus-rules.yaml").read_text(encoding="utf-8")
    )
    expressions = [target["expr"] for one in dashboard["panels"] for target in one["targets"]]
    expressions += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    assert len(expressions) > 25
    for expression in expressions:
        assert names_in(expression) <= set(made), expression
        for name, selector in re.findall(r"(eval_pipeline_[a-z_]+)\{([^}]*)\}", expression):
            labels = {label for label, _ in made[name].samples[0].labels}
            assert set(re.findall(r"([a-z_]+)=", selector)) <= labels, expression
        assert expression.count("(") == expression.count(")")


def test_every_rule_is_whole_and_its_headings_are_those_of_the_alerts():
    rules = YAML(typ="safe").load(
        (MONITORING / "prometheus-rules.yaml").read_text(encoding="utf-8")
    )
    every = [rule for group in rules["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in every}) == len(every)
    for rule in every:
        assert rule["labels"]["severity"] in {"page", "warn"}
        assert rule["annotations"]["summary"]


def test_the_dashboards_panels_do_not_lie_on_each_other():
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text(encoding="utf-8"))
    taken: set[tuple[int, int]] = set()
    for one in dashboard["panels"]:
        place = one["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, one["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
