"""A naive candidate through the real job: answered here, judged, gated; what the model earns."""

import json

import polars as pl
import pytest

from eval_pipeline.adapters.lake import Lake, parquet_bytes, partition_path
from eval_pipeline.demo.provider_process import ProviderProcess
from eval_pipeline.evaluation.trial_items import golden_items
from eval_pipeline.fingerprint import keyed_pseudonym
from eval_pipeline.flows.naive import learnt_of, questions_of
from eval_pipeline.flows.trials import ask_system
from eval_pipeline.settings import RetrievalNaive, SystemSettings
from eval_pipeline.tables import CONFIDENCE_CURVES, REGRESSION_TRIALS
from tests.scenario import CANDIDATE, KEY, ROOT, World, requests_seen

pytestmark = pytest.mark.slow

NAIVE = "naive-retrieval"


def put(world: World, name: str) -> None:
    shipped = (ROOT / "examples" / "candidates" / f"{name}.yaml").read_text(encoding="utf-8")
    (world.folder / "candidates" / f"{name}.yaml").write_text(shipped, encoding="utf-8")


def test_a_naive_candidate_is_gated_as_any_other(world: World, provider: ProviderProcess):
    put(world, NAIVE)
    ended = world.run("gate", "--candidate", NAIVE)
    assert ended.code in (1, 2), ended.err
    lake = Lake(str(world.lake))
    trials = lake.read(REGRESSION_TRIALS, partition=NAIVE)
    own = trials.filter(pl.col("arm") == "candidate")
    assert own.height == trials.height / 2
    assert set(own["status"]) <= {"answered", "refused"}
    assert set(own["cost_usd"]) == {0.0}
    assert own["latency_seconds"].min() > 0
    assert own["confidence"].null_count() == 0
    answered = own.filter(pl.col("status") == "answered")
    assert answered["answered_from"].null_count() == 0
    # Refused: nothing was near enough. It counts as an output, and no judge was asked about it.
    assert set(own.filter(pl.col("status") == "refused")["scorer"]) <= {"refusal"}
    curves = lake.read(CONFIDENCE_CURVES, partition=NAIVE)
    given = dict(curves.select("arm", pl.col("state") == "not_given").unique().iter_rows())
    assert given == {"baseline": True, "candidate": False}

    told = json.loads(world.run("earn", NAIVE, "--json").out)
    decision = json.loads(world.run("gate", "--candidate", NAIVE, "--format", "json").out)
    assert set(told["sentences"]) <= set(decision["reasons"])
    assert told["sentences"][0].startswith("On ")
    whole = told["subsets"][0]
    assert whole["subset"] == "all"
    assert whole["finding"] == "model_better"
    assert whole["extra_cost_lower"] < whole["extra_cost_usd"] < whole["extra_cost_upper"]
    low, high = whole["cost_per_success_lower"], whole["cost_per_success_upper"]
    assert 0 < low < whole["cost_per_success_usd"] < high
    assert "USD a success" in world.run("earn", NAIVE).out
    sure = json.loads(world.run("confidence", "--candidate", NAIVE, "--json").out)
    assert len(sure["curves"]) == curves.height
    assert "confidence not given" in world.run("confidence", "--candidate", NAIVE).out


def test_asked_again_it_gives_the_same_bytes_and_pays_nothing(
    world: World, provider: ProviderProcess
):
    put(world, NAIVE)
    assert world.run("evaluate", "--candidate", NAIVE).code == 0
    path = world.lake / partition_path(REGRESSION_TRIALS, NAIVE)
    before, paid = path.read_bytes(), requests_seen(provider)
    path.unlink()
    assert world.run("evaluate", "--candidate", NAIVE).code == 0
    assert path.read_bytes() == before
    assert requests_seen(provider) == paid
    # The journal says what answering took, and holds no answer that an erasure would have to find.
    asked = f"system_id = '{NAIVE}' AND requested_model = '{NAIVE}'"
    assert world.count("call_attempts", asked) > 0
    assert world.count("call_attempts", f"{asked} AND text IS NOT NULL") == 0


def test_no_item_is_answered_from_its_own_group(world: World):
    naive = RetrievalNaive(minimum_similarity=0)
    with world.pipeline() as pipeline:
        version = pipeline.golden.latest()
        golden = pipeline.golden.items(version)
        items = golden_items(golden, golden_version=version)
        learnt = learnt_of(pipeline, version=version, naive=naive)
        outcomes = ask_system(
            pipeline,
            items,
            system_id="near",
            system=SystemSettings(naive=naive),
            scope="candidate:near",
        )
        questions = questions_of(pipeline, items, learnt=learnt, naive=naive)
    conversations = dict(golden.select("item_id", "conversation_key").iter_rows())
    references = {example.item_id: example for example in learnt.examples}
    for item, outcome, question in zip(items, outcomes, questions, strict=True):
        assert learnt.groups[item.item_id] in question.barred
        if outcome.answered_from is None:
            continue
        source = references[outcome.answered_from]
        assert source.item_id != item.item_id
        assert conversations[source.item_id] != item.conversation_key
        assert source.group not in question.barred
        assert source.route == item.route
    assert sum(outcome.answered_from is not None for outcome in outcomes) > len(items) / 2


def test_who_is_forgotten_is_forgotten_in_answers_to_others(
    world: World, provider: ProviderProcess
):
    put(world, NAIVE)
    assert world.run("gate", "--candidate", NAIVE).code in (1, 2)
    lake = Lake(str(world.lake))
    before = lake.read(REGRESSION_TRIALS, partition=NAIVE)
    with world.pipeline() as pipeline:
        golden = pipeline.golden.items(pipeline.golden.latest())
    owners = dict(golden.select("item_id", "user_key").drop_nulls().iter_rows())
    lent = before.drop_nulls("answered_from").filter(pl.col("answered_from").is_in(list(owners)))
    lent = lent.filter(pl.col("item_id").replace(owners) != pl.col("answered_from").replace(owners))
    user_key = owners[lent.sort("item_id")["answered_from"][0]]
    logged = pl.read_parquet(world.logs / "*" / "*.parquet", hive_partitioning=False)
    names = logged["user_id"].drop_nulls().unique()
    (user,) = [one for one in names if keyed_pseudonym(KEY.encode(), "user", one) == user_key]
    options = ("--reason", "asked by letter", "--by", "dana")
    ended = world.run("forget", "--user", user, *options)
    assert ended.code == 0, ended.err

    items = [item_id for item_id, key in owners.items() if key == user_key]
    own = pl.col("item_id").is_in(items) | pl.col("answered_from").is_in(items)
    after = lake.read(REGRESSION_TRIALS, partition=NAIVE)
    borrowed = after.filter(pl.col("answered_from").is_in(items))
    assert borrowed.height > 0
    assert borrowed["response"].null_count() == borrowed.height
    columns = ["arm", "item_id", "score", "confidence", "answered_from"]
    assert after.select(columns).equals(before.select(columns))
    others = ~own.fill_null(value=False) & ~pl.col("item_id").str.starts_with("reserve-")
    assert after.filter(others)["response"].equals(before.filter(others)["response"])


def test_a_model_may_be_compared_with_a_naive_baseline(world: World, provider: ProviderProcess):
    naive = {"kind": "regex", "rules": [{"pattern": "order", "answer": "It is on its way."}]}

    def change(tree) -> None:
        model = tree["baseline"]
        tree["systems"]["rules"] = {"naive": naive}
        tree.update(baseline="rules")
        tree.setdefault("drift", {})["systems"] = [model]

    world.configure(change)
    assert world.run("gate", "--candidate", CANDIDATE).code in (0, 2)
    told = json.loads(world.run("earn", CANDIDATE, "--json").out)
    assert told["subsets"][0]["finding"] == "model_better"


def test_trials_of_before_there_were_confidences_are_read_with_nulls(world: World):
    lake = Lake(str(world.lake))
    path = partition_path(REGRESSION_TRIALS, CANDIDATE)
    frame = lake.read(REGRESSION_TRIALS, partition=CANDIDATE)
    lake.write_bytes(path, parquet_bytes(frame.drop("confidence", "answered_from")))
    assert lake.read(REGRESSION_TRIALS, partition=CANDIDATE).equals(frame)
    few = ["item_id", "confidence"]
    assert lake.read(REGRESSION_TRIALS, partition=CANDIDATE, columns=few).columns == few
    assert world.run("catalogue").code == 0
    earned = world.run("earn", CANDIDATE)
    assert (earned.code, "Neither system is naive" in earned.err) == (1, True)
