"""A candidate's triage through the real job: asked again, paid once, shown on the page."""

import json

import polars as pl
import pytest

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.demo.provider_process import ProviderProcess
from eval_pipeline.tables import FAILING_ITEMS, FAILURE_TRIAGE, GATE_DECISION, REGRESSION_TRIALS
from tests.scenario import CANDIDATE, World, requests_seen

pytestmark = pytest.mark.slow

HOPELESS = "hopeless"


def test_a_decision_is_triaged_and_stays_what_it_was(world: World, provider: ProviderProcess):
    folder = world.folder / "candidates"
    shipped = (folder / f"{CANDIDATE}.yaml").read_text(encoding="utf-8")
    # The refuter's model never answers a customer: worse on every subset.
    (folder / f"{HOPELESS}.yaml").write_text(shipped.replace("pharma-steady", "skeptic"))
    world.configure(lambda tree: tree["gate"].update(triage={"maximum_items": 6, "repeats": 2}))
    assert world.run("gate", "--candidate", HOPELESS).code == 1
    lake = Lake(str(world.lake))
    decided = lake.read(GATE_DECISION, partition=HOPELESS)
    before = requests_seen(provider)
    ended = world.run("triage", "--candidate", HOPELESS, "--json")
    assert ended.code == 0
    told = json.loads(ended.out)
    failing = lake.read(FAILING_ITEMS, partition=HOPELESS)
    assert failing.height == 6
    assert failing["repeats"].to_list() == [2] * 6
    # The demo's models answer the same words alike, so what they lost they lose again.
    assert set(failing["finding"]) == {"reproduced"}
    lost = lake.read(REGRESSION_TRIALS, partition=HOPELESS).filter(
        (pl.col("arm") == "candidate") & (pl.col("score") < 1)
    )
    assert set(failing["item_id"]) <= set(lost["item_id"])
    assert any(each.startswith("systematic: ") for each in told["sentences"])
    triage = lake.read(FAILURE_TRIAGE, partition=HOPELESS)
    ranks = triage.filter(pl.col("about") == "mode")["rank"]
    assert sorted(ranks) == list(range(1, len(ranks) + 1))
    page = next((world.lake / "gate_decision").glob(f"*{HOPELESS}/decision.html")).read_text()
    assert "Systematic or noise" in page
    assert "How good the judges are" in page
    assert lake.read(GATE_DECISION, partition=HOPELESS).equals(decided)
    paid = requests_seen(provider)
    assert paid > before
    again = json.loads(world.run("triage", "--candidate", HOPELESS, "--json").out)
    assert requests_seen(provider) == paid
    assert {key: again[key] for key in ("sentences", "slices", "modes", "items")} == {
        key: told[key] for key in ("sentences", "slices", "modes", "items")
    }
    readable = world.run("triage", "--candidate", HOPELESS)
    assert "lost again 2 of 2" in readable.out
