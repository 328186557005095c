from collections.abc import Iterator

import polars as pl
import pytest

from eval_pipeline.evaluation.decomposition.reference import reference_week
from eval_pipeline.evaluation.decomposition.report import decompose
from eval_pipeline.evaluation.decomposition.sums import COMPONENTS
from eval_pipeline.settings import DriftSettings
from eval_pipeline.tables import DRIFT_REPORT, DRIFT_TRIALS, STRATIFIED_INTERACTIONS

POLICY = DriftSettings()
THEN = "2026-11-09"


def rows(
    stream: str,
    scores: list[float | None],
    *,
    revision: int = 1,
    scorer: str = "panel",
    routes: tuple[str, str] = ("orders", "orders"),
    first: int = 0,
) -> pl.DataFrame:
    """One item per score; the first half on the first route, each its own conversation."""
    half = len(scores) / 2
    return pl.DataFrame(
        [
            {
                "system_id": "steady", "item_id": f"i{first + number:03d}",
                "item_revision": revision, "stream": stream, "trial": 1,
                "reference_week": THEN if stream == "rejudged" else None,
                "golden_versions": [4], "route": routes[int(number >= half)],
                "subsets": ["refunds"], "conversation_key": f"c{first + number:03d}",
                "scorer": scorer, "score": score, "status": "answered", "attempts": 1,
            }
            for number, score in enumerate(scores)
        ],
        schema=DRIFT_TRIALS.schema,
    )  # fmt: skip


def traffic(orders: int, hours: int) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "interaction_id": f"{route}{number}", "route": route, "selection": "sample",
                "subsets": ["refunds"], "design_weight": 1.0,
            }
            for route, count in (("orders", orders), ("hours", hours))
            for number in range(count)
        ],
        schema=STRATIFIED_INTERACTIONS.schema,
    )  # fmt: skip


def decomposed(
    reference: list[float | None] | pl.DataFrame,
    *,
    rejudged: list[float | None] | pl.DataFrame,
    rerun: list[float | None] | pl.DataFrame,
    now: pl.DataFrame | None = None,
    before: pl.DataFrame | None = None,
) -> dict[str, dict[str, object]]:
    then = rows("rerun", reference) if isinstance(reference, list) else reference
    again = rows("rejudged", rejudged) if isinstance(rejudged, list) else rejudged
    fresh = rows("rerun", rerun) if isinstance(rerun, list) else rerun
    report = decompose(
        pl.concat([again, fresh]),
        reference_trials=then,
        traffic=STRATIFIED_INTERACTIONS.empty() if now is None else now,
        reference_traffic=before,
        reference_week=THEN,
        system_id="steady",
        systems=1,
        policy=POLICY,
    )
    overall = report.filter(pl.col("subset") == "all")
    return {str(row["component"]): row for row in overall.to_dicts()}


GOOD, WORSE = [1.0] * 100, [0.0] * 20 + [1.0] * 80


def test_worse_new_answers_are_the_provider_s_drift() -> None:
    found = decomposed(GOOD, rejudged=GOOD, rerun=WORSE)
    assert found["provider"]["difference"] == pytest.approx(-0.20)
    assert found["provider"]["finding"] == "drift"
    assert found["judge"]["difference"] == 0.0
    assert found["judge"]["finding"] == "within_noise"


def test_old_answers_scored_lower_are_the_judge_s_drift() -> None:
    found = decomposed(GOOD, rejudged=WORSE, rerun=WORSE)
    assert (found["judge"]["difference"], found["judge"]["finding"]) == (
        pytest.approx(-0.2),
        "drift",
    )
    assert (found["provider"]["difference"], found["provider"]["finding"]) == (0.0, "within_noise")


def test_a_small_difference_is_noise_however_sure() -> None:
    # 10 of 1,000 lost: surely not 0, but -.01 is less than the .02 that counts
    good, slightly = [1.0] * 1000, [0.0] * 10 + [1.0] * 990
    found = decomposed(good, rejudged=good, rerun=slightly)
    assert found["provider"]["finding"] == "within_noise"


def test_the_components_sum_to_the_total() -> None:
    found = decomposed(
        rows("rerun", GOOD, routes=("orders", "hours")),
        rejudged=rows("rejudged", [0.5] * 10 + [1.0] * 90, routes=("orders", "hours")),
        rerun=rows("rerun", WORSE, routes=("orders", "hours")),
        now=traffic(80, 20),
        before=traffic(50, 50),
    )
    parts = sum(float(str(found[name]["difference"])) for name in
                ("truth", "judge", "provider", "within", "mix", "entry", "exit"))  # fmt: skip
    assert found["total"]["difference"] == pytest.approx(parts, abs=1e-12)


def test_the_mix_is_the_shift_of_shares_times_the_routes_scores() -> None:
    # orders: 30 of 50 right = .6, hours: 1.0; orders' share .5 to .8: .3 x .6 - .3 x 1 = -.12
    found = decomposed(
        rows("rerun", WORSE, routes=("orders", "hours")),
        rejudged=rows("rejudged", WORSE, routes=("orders", "hours")),
        rerun=rows("rerun", WORSE, routes=("orders", "hours")),
        now=traffic(800, 200),
        before=traffic(500, 500),
    )
    assert found["mix"]["difference"] == pytest.approx(-0.12)
    assert found["mix"]["finding"] == "drift"
    assert [found[name]["difference"] for name in ("within", "entry", "exit")] == [0.0, 0.0, 0.0]
    assert found["provider"]["finding"] == "within_noise"


def test_without_traffic_nothing_is_said_of_production() -> None:
    found = decomposed(GOOD, rejudged=GOOD, rerun=GOOD)
    for name in ("within", "mix", "entry", "exit"):
        assert found[name]["finding"] == "not_measured"
        assert found[name]["note"] == "not measured: traffic of both weeks is needed"
    assert "each counted once" in str(found["total"]["note"])
    assert found["total"]["difference"] == 0.0


def test_without_a_reference_week_nothing_is_measured() -> None:
    report = decompose(
        rows("rerun", GOOD),
        reference_trials=None,
        traffic=STRATIFIED_INTERACTIONS.empty(),
        reference_traffic=None,
        reference_week=None,
        system_id="steady",
        systems=1,
        policy=POLICY,
    )
    assert report["finding"].unique().to_list() == ["not_measured"]
    overall = report.filter(pl.col("subset") == "all")
    assert overall["component"].sort().to_list() == sorted(COMPONENTS)


def test_an_item_without_a_score_in_one_stream_is_left_out_of_all() -> None:
    found = decomposed(GOOD, rejudged=GOOD, rerun=[None, *GOOD[1:]])
    assert (found["provider"]["items"], found["provider"]["missing_items"]) == (99, 1)


def test_a_revised_reference_is_the_truth_s_part_where_no_model_scores() -> None:
    # item i000 has a new reference under which the old answer is wrong: -1 / 100
    then = rows("rerun", GOOD, scorer="exact")
    again = pl.concat(
        [rows("rejudged", [0.0], revision=2, scorer="exact"),
         rows("rejudged", GOOD[1:], scorer="exact", first=1)]
    )  # fmt: skip
    fresh = pl.concat(
        [rows("rerun", [0.0], revision=2, scorer="exact"),
         rows("rerun", GOOD[1:], scorer="exact", first=1)]
    )  # fmt: skip
    found = decomposed(then, rejudged=again, rerun=fresh)
    assert found["truth"]["difference"] == pytest.approx(-0.01)
    assert found["judge"]["difference"] == 0.0


def test_a_revised_reference_under_a_model_s_judgement_is_not_measured() -> None:
    again = pl.concat([rows("rejudged", [0.0], revision=2), rows("rejudged", GOOD[1:], first=1)])
    fresh = pl.concat([rows("rerun", [0.0], revision=2), rows("rerun", GOOD[1:], first=1)])
    found = decomposed(rows("rerun", GOOD), rejudged=again, rerun=fresh)
    assert found["truth"]["finding"] == "not_measured"
    assert found["judge"]["items"] == 99


def test_subsets_must_clear_a_stricter_interval_than_the_whole() -> None:
    report = decompose(
        pl.concat([rows("rejudged", GOOD), rows("rerun", WORSE)]),
        reference_trials=rows("rerun", GOOD),
        traffic=STRATIFIED_INTERACTIONS.empty(),
        reference_traffic=None,
        reference_week=THEN,
        system_id="steady",
        systems=5,
        policy=POLICY,
    ).filter(pl.col("component") == "provider")
    width = {row["subset"]: row["upper"] - row["lower"] for row in report.to_dicts()}
    assert width["refunds"] > width["all"]


def history(*weeks: tuple[str, str]) -> list[tuple[str, pl.DataFrame]]:
    return [
        (
            week,
            pl.DataFrame(
                [{"system_id": "steady", "golden_version": 1, "subset": "all", "items": 9,
                  "component": "provider", "finding": finding}],
                schema=DRIFT_REPORT.schema,
            ),
        )
        for week, finding in weeks
    ]  # fmt: skip


def test_the_first_week_is_the_reference_until_a_provider_s_drift_is_named() -> None:
    quiet = history(("w2", "within_noise"), ("w1", "not_measured"))
    assert reference_week(quiet, system_id="steady") == "w1"
    loud = [*history(("w4", "within_noise"), ("w3", "drift")), *quiet]
    assert reference_week(loud, system_id="steady") == "w3"
    assert reference_week(loud, system_id="other") is None
    assert reference_week([], system_id="steady") is None


def test_reports_older_than_the_pin_are_not_read() -> None:
    read: list[str] = []

    def told() -> Iterator[tuple[str, pl.DataFrame]]:
        for week, report in history(("w3", "within_noise"), ("w2", "drift"), ("w1", "drift")):
            read.append(week)
            yield week, report

    assert reference_week(told(), system_id="steady") == "w2"
    assert read == ["w3", "w2"]
