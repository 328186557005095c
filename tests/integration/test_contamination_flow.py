"""Items that a candidate was trained on are not asked, do not count, and the decision says so."""

import json
import shutil
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from eval_pipeline.errors import MissingPartitionError, SettingsError, StaleScreeningError
from eval_pipeline.evaluation.decision import Decision
from eval_pipeline.evaluation.trial_items import reserve_identity
from eval_pipeline.flows import contamination, decision, decision_pages, monitoring, regression
from eval_pipeline.flows.candidates import resolve_candidate
from eval_pipeline.flows.doctor import examine
from eval_pipeline.flows.reserve import newest_version, reserve_of
from eval_pipeline.tables import (
    CANDIDATE_CONTAMINATION,
    CONTAMINATION_FINDINGS,
    OPERATIONS_REPORT,
    REGRESSION_REPORT,
    REGRESSION_TRIALS,
)
from tests.scenario import CANDIDATE, NOBODY_LISTENS, WEEKS, World

pytestmark = pytest.mark.slow

TRAINED = "trained"


@pytest.fixture
def quiet_world(finished_world: World, tmp_path: Path) -> World:
    """A copy of the finished world in which nobody answers."""
    return finished_world.copied_to(tmp_path / "world", provider_url=NOBODY_LISTENS)


def add_trained_candidate(world: World, *questions: str, extra: str = "") -> None:
    """The candidate `steady` again, trained on these questions among others."""
    steady = (world.folder / "candidates" / f"{CANDIDATE}.yaml").read_text(encoding="utf-8")
    named = f"{steady}\nfine_tuning_files: [data/*.jsonl]\n"
    (world.folder / "candidates" / f"{TRAINED}.yaml").write_text(named, encoding="utf-8")
    folder = world.folder / "data"
    folder.mkdir(exist_ok=True)
    others = [f"an unrelated example number {number} about gardening" for number in range(50)]
    lines = [
        json.dumps(
            {
                "messages": [
                    {"role": "user", "content": f"Hello!\n{text.upper()}"},
                    {"role": "assistant", "content": "Certainly."},
                ]
            }
        )
        for text in [*others, *questions]
    ]
    (folder / "train.jsonl").write_text("\n".join([*lines, extra]), encoding="utf-8")


def questions_of(items: pl.DataFrame) -> dict[str, str]:
    """What users wrote, by item id, placeholders filled in as a log would have them."""
    return {
        row["item_id"]: " ".join(
            part["content"] for part in row["messages"] if part["role"] == "user"
        ).replace("[PERSON_1]", "Anna Example")
        for row in items.to_dicts()
    }


@pytest.mark.slow
def test_trained_items_are_not_asked_and_the_decision_names_file_and_arm(world: World) -> None:
    with world.session() as session:
        pipeline = session.pipeline
        items = pipeline.golden.items(newest_version(pipeline))
        known = dict(list(questions_of(items).items())[:6])
        add_trained_candidate(world, *known.values(), extra="{not json")
        session.launcher.launch("gate", partition=TRAINED)
        found = pipeline.lake.read(CANDIDATE_CONTAMINATION, partition=TRAINED)
        trials = pipeline.lake.read(REGRESSION_TRIALS, partition=TRAINED)
        decided = decision.load_decision(pipeline, TRAINED)
        excluded = contamination.excluded_ids(found)
        assert set(known) <= set(excluded)
        assert set(trials["item_id"]).isdisjoint(excluded)
        golden = set(items["item_id"]) - set(excluded)
        asked = trials.filter(pl.col("source") != "reserve")
        assert set(asked["item_id"]) == golden
        counted = len(set(items["item_id"]) & set(excluded))
        told = [reason for reason in decided.reasons if "data/train.jsonl" in reason]
        assert told[0].startswith(f"Contaminated: {counted} golden items")
        assert "fine-tuning file 'data/train.jsonl' of the candidate, not counted (" in told[0]
        assert "could not be read: 1, the first is number 57." in told[1]
        assert "of the baseline" not in " ".join(decided.reasons)
        page = decision_pages.read_page(pipeline, TRAINED)
        assert "data/train.jsonl" in page
        before = world.files()
        session.launcher.launch("gate", partition=TRAINED)
        assert {path: digest for path, digest in world.files().items() if TRAINED in path} == {
            path: digest for path, digest in before.items() if TRAINED in path
        }


def test_the_checks_warn_and_block_nothing(quiet_world: World, definitions: object) -> None:
    del definitions
    from assets.contamination import known_items_check

    with quiet_world.pipeline() as pipeline:
        items = pipeline.golden.items(newest_version(pipeline))
        question = next(iter(questions_of(items).values()))
        add_trained_candidate(quiet_world, question)
        candidate = resolve_candidate(pipeline.project, TRAINED)
        check = known_items_check(
            CANDIDATE_CONTAMINATION, contamination.screen_candidate(pipeline, candidate)
        )
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.WARN
    assert "data/train.jsonl" in (check.description or "")
    assert question not in (check.description or "")


def test_a_pass_that_rests_on_memorised_items_is_no_pass(quiet_world: World) -> None:
    add_trained_candidate(quiet_world)
    with quiet_world.pipeline() as pipeline:
        items = pipeline.golden.items(newest_version(pipeline)).sort("item_id")
    memorised = items["item_id"].to_list()[: items.height * 2 // 3]
    commonest = items["subsets"].explode().value_counts(sort=True)["subsets"].drop_nulls()[0]
    quiet_world.configure(lambda tree: _one_wide_gate(tree, subset=commonest))
    # The baseline answers 8 of 10; the candidate what it memorised and 5 of 10 others.
    scores = {
        item_id: (float(place % 10 < 8), float(item_id in memorised or place % 10 < 5))
        for place, item_id in enumerate(items["item_id"])
    }
    assert _decided(quiet_world, scores).verdict == "pass"
    questions = questions_of(items.filter(pl.col("item_id").is_in(memorised)))
    add_trained_candidate(quiet_world, *questions.values())
    after = _decided(quiet_world, scores)
    assert after.verdict != "pass"
    assert after.aggregate.items <= items.height - len(memorised)
    assert any("data/train.jsonl" in reason for reason in after.reasons)


def _one_wide_gate(tree: dict[str, dict[str, object]], *, subset: str) -> None:
    """The aggregate decides: what the one subset may lose is nearly everything."""
    tree["subsets"] = {subset: {"predicate": "true"}}
    tree["gate"].update(tolerances={"default": 0.95}, aggregate_tolerance=0.2, looks=[])
    tree["gate"].pop("maximum_cost_ratio", None)


def _decided(world: World, scores: dict[str, tuple[float, float]]) -> Decision:
    """The decision on trials that scored like this, with the sources searched anew."""
    with world.pipeline() as pipeline:
        candidate = resolve_candidate(pipeline.project, TRAINED)
        lake = pipeline.lake
        trials = _with_scores(lake.read(REGRESSION_TRIALS, partition=CANDIDATE), scores)
        found = contamination.screen_candidate(pipeline, candidate)
        lake.replace(CANDIDATE_CONTAMINATION, found, partition=TRAINED)
        lake.replace(REGRESSION_TRIALS, trials, partition=TRAINED)
        report = regression.report_on(pipeline, candidate, trials)
        lake.replace(REGRESSION_REPORT, report, partition=TRAINED)
        operations = monitoring.operations_of(pipeline, trials)
        lake.replace(OPERATIONS_REPORT, operations, partition=TRAINED)
        return decision.decide_on(pipeline, candidate).decision


def _with_scores(trials: pl.DataFrame, scores: dict[str, tuple[float, float]]) -> pl.DataFrame:
    rows = [
        {
            **row,
            "score": scores[row["item_id"]][row["arm"] == "candidate"],
            "system_id": TRAINED if row["arm"] == "candidate" else row["system_id"],
            "scorer": "exact",
            "score_error": None,
            "status": "answered",
        }
        for row in trials.filter(source="golden").to_dicts()
    ]
    return REGRESSION_TRIALS.conform(pl.DataFrame(rows, schema=REGRESSION_TRIALS.schema))


def test_reserve_items_in_a_source_are_known_too_and_are_not_offered(quiet_world: World) -> None:
    with quiet_world.pipeline() as pipeline:
        version = newest_version(pipeline)
        reserve = reserve_of(pipeline, version=version)
        named = [reserve_identity(one) for one in reserve["interaction_id"]]
        texts = questions_of(reserve.with_columns(item_id=pl.Series(named)))
        longest = max(texts, key=lambda item_id: len(texts[item_id]))
        add_trained_candidate(quiet_world, texts[longest])
        candidate = resolve_candidate(pipeline.project, TRAINED)
        found = contamination.screen_candidate(pipeline, candidate)
        excluded = contamination.excluded_ids(found)
        assert longest in excluded
        left = reserve_of(pipeline, version=version, without=excluded)
        assert left.height == reserve.height - sum(
            item_id.startswith("reserve-") for item_id in excluded
        )


def test_the_demo_s_questions_are_not_in_the_demo_s_own_prompts(finished_world: World) -> None:
    with finished_world.pipeline() as pipeline:
        weekly = pipeline.lake.read(CONTAMINATION_FINDINGS, partition=WEEKS[-1])
        own = pipeline.lake.read(CANDIDATE_CONTAMINATION, partition=CANDIDATE)
        items = pipeline.golden.items(newest_version(pipeline))
        assert contamination.contaminated_items(pipeline, items) == {}
    assert weekly.select("source_kind", "item_id", "measure").rows() == [("prompt", "*", "records")]
    assert set(own["item_id"]) == {"*"}
    assert set(own["system_id"]) == {"assistant", CANDIDATE}


def test_general_sources_hold_for_composing_and_for_both_arms(quiet_world: World) -> None:
    with quiet_world.pipeline() as pipeline:
        items = pipeline.golden.items(newest_version(pipeline))
    item_id, question = next(iter(questions_of(items).items()))
    (quiet_world.folder / "guide.md").write_text(f"# Guide\n\n> {question}\n", encoding="utf-8")
    quiet_world.configure(lambda tree: tree["golden"].update(contamination={"sources": ["*.md"]}))
    with quiet_world.pipeline() as pipeline:
        told = contamination.contaminated_items(pipeline, items)
        candidate = resolve_candidate(pipeline.project, CANDIDATE)
        found = contamination.screen_candidate(pipeline, candidate)
    assert told[item_id].startswith(
        "question in file 'guide.md' of golden.contamination.sources, record 3 ("
    )
    assert found.filter(item_id=item_id)["system_id"].unique().to_list() == ["*"]
    shown = quiet_world.run("golden", "contamination")
    assert shown.code == 0
    assert "guide.md" in shown.out


def test_a_source_that_names_no_file_is_told_with_its_key(quiet_world: World) -> None:
    quiet_world.configure(
        lambda tree: tree["systems"]["assistant"].update(few_shot_files=["shots/*.txt"])
    )
    with quiet_world.pipeline() as pipeline:
        items = pipeline.golden.items(newest_version(pipeline))
        with pytest.raises(SettingsError, match=r"few_shot_files.*'shots/\*\.txt'"):
            contamination.contaminated_items(pipeline, items)
        (told,) = [each for each in examine(pipeline) if each.subject == "contamination sources"]
    assert told.state == "fail"
    assert "shots/*.txt" in told.detail


def test_an_evaluation_without_a_search_or_with_an_old_one_is_refused(quiet_world: World) -> None:
    with quiet_world.pipeline() as pipeline:
        candidate = resolve_candidate(pipeline.project, CANDIDATE)
        found = pipeline.lake.read(CANDIDATE_CONTAMINATION, partition=CANDIDATE)
        old = found.with_columns(golden_version=pl.lit(1, pl.Int64))
        pipeline.lake.replace(CANDIDATE_CONTAMINATION, old, partition=CANDIDATE)
        with pytest.raises(StaleScreeningError, match="were made for golden version 1"):
            regression.evaluate_candidate(pipeline, candidate)
        shutil.rmtree(quiet_world.lake / CANDIDATE_CONTAMINATION.name)
        with pytest.raises(MissingPartitionError, match="evaluate --candidate steady"):
            regression.evaluate_candidate(pipeline, candidate)


def test_a_leaked_canary_leaves_nothing_to_decide_on(
    quiet_world: World,
) -> None:
    with quiet_world.pipeline() as pipeline:
        canary = pipeline.golden.manifest(newest_version(pipeline)).canary
    quiet_world.configure(lambda tree: tree["gate"].update(looks=[], aggregate_tolerance=0.05))
    add_trained_candidate(quiet_world, f"see {canary}")
    with quiet_world.pipeline() as pipeline:
        candidate = resolve_candidate(pipeline.project, TRAINED)
        lake = pipeline.lake
        found = contamination.screen_candidate(pipeline, candidate)
        assert set(contamination.found_items(found)["measure"]) == {"canary"}
        lake.replace(CANDIDATE_CONTAMINATION, found, partition=TRAINED)
        trials = regression.evaluate_candidate(pipeline, candidate)
        assert trials.is_empty()
        lake.replace(REGRESSION_TRIALS, trials, partition=TRAINED)
        report = regression.report_on(pipeline, candidate, trials)
        lake.replace(REGRESSION_REPORT, report, partition=TRAINED)
        operations = monitoring.operations_of(pipeline, trials)
        lake.replace(OPERATIONS_REPORT, operations, partition=TRAINED)
        decided = decision.decide_on(pipeline, candidate).decision
        decision_pages.write_pages(pipeline, candidate.candidate_id, decided)
    assert decided.verdict == "invalid"
    assert decided.reasons[0].startswith("No item has a score from both systems")
