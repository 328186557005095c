"""Approvals, waivers and promotions by the command line, over real jobs on the small world."""

import datetime as dt
import json

import pytest

from eval_pipeline.flows.decision import load_decision
from eval_pipeline.flows.decision_pages import read_page
from eval_pipeline.tables import DIMENSION_REPORT, POLICY_RECORDS
from tests.scenario import CANDIDATE, Ended, World

pytestmark = pytest.mark.slow

LATER = (dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=30)).isoformat()
PAST = "2026-01-01"
WHY = ("--reason", "Asked maria.schulz@example.org, she will mend it.")


def waive(world: World, decision: str, *more: str, by: str = "ada", until: str = LATER) -> Ended:
    return world.run("waive", decision, "--by", by, "--until", until, *WHY, *more)


def open_candidate(world: World, **policy: object) -> None:
    """A candidate on which nothing can be certified: six points on so few items."""
    folder = world.folder / "candidates"
    shipped = (folder / f"{CANDIDATE}.yaml").read_text(encoding="utf-8")
    (folder / "tiny.yaml").write_text(shipped, encoding="utf-8")
    world.configure(
        lambda tree: tree["gate"].update(
            tolerances={"default": 0.06}, aggregate_tolerance=0.03, looks=[20], **policy
        )
    )


def test_an_inconclusive_candidate_ships_by_a_recorded_waiver_and_becomes_the_baseline(world):
    open_candidate(
        world,
        may_waive=["ada"],
        dimensions={"refusal": {"default": 0.6}, "format_validity": {"default": 0.005}},
    )
    nobody = world.run("promote", "tiny", "--by", "ada", *WHY)
    assert (nobody.code, "there is no decision on it" in nobody.err) == (1, True)
    assert world.run("gate", "--candidate", "tiny").code == 2
    with world.pipeline() as pipeline:
        measured = load_decision(pipeline, "tiny")
        shown = pipeline.lake.read(DIMENSION_REPORT, partition="tiny")
    gated = {each.dimension for each in measured.dimensions}
    assert gated == {"refusal", "format_validity"}
    assert set(shown.filter(dimension="refusal", subset="all")["state"]) == {"certified"}
    assert "format_validity/all" in {
        f"{each.dimension}/{each.subset}"
        for each in measured.dimensions
        if each.state in {"undecided", "infeasible"}
    }

    refused = [
        (waive(world, "tiny", by="eve"), "'eve' may not waive: `gate.may_waive` names ada."),
        (waive(world, "tiny", until=PAST), "is past, so it would waive nothing"),
        (waive(world, "tiny", until="soon"), "'soon' is not a date"),
        (waive(world, "tiny", "--subset", "nonsense"), "'nonsense' is not open"),
        (waive(world, "unheard-of"), "No candidate's newest decision is 'unheard-of'"),
        (world.run("promote", "tiny", "--by", "ada", *WHY), "The decision is inconclusive"),
    ]
    for ended, told in refused:
        assert (ended.code, told in ended.err) == (1, True), ended.err
    assert world.count("policy_records") == 0

    part = waive(world, measured.decision_id, "--subset", "all")
    assert part.code == 0, part.err
    assert world.run("gate", "--candidate", "tiny").code == 2
    rest = waive(world, "tiny")
    assert rest.code == 0, rest.err
    told = world.run("gate", "--candidate", "tiny", "--format", "json")
    decision = json.loads(told.out)
    assert (told.code, decision["verdict"], decision["waived"]) == (0, "inconclusive", True)
    assert decision["measured_id"] == measured.decision_id
    assert [waiver["waived_by"] for waiver in decision["waivers"]] == ["ada", "ada"]
    assert "maria.schulz" not in told.out
    with world.pipeline() as pipeline:
        assert pipeline.lake.read(POLICY_RECORDS, partition="tiny").height == 2
        page = read_page(pipeline, "tiny")
    assert "What people said" in page
    assert "maria.schulz" not in page
    assert world.count("policy_records", "reason LIKE '%maria.schulz%'") == 0

    promoted = world.run("promote", "tiny", "--by", "ada", *WHY)
    assert promoted.code == 0, promoted.err
    assert "under `systems.tiny` and write `baseline: tiny`" in promoted.out
    with world.pipeline() as pipeline:
        records = pipeline.lake.read(POLICY_RECORDS, partition="tiny")
    assert sorted(records["action"]) == ["promote", "waive", "waive"]
    warned = world.run("gate", "--candidate", "tiny", "--format", "json")
    (reason,) = [line for line in json.loads(warned.out)["reasons"] if "promoted" in line]
    assert reason.startswith("ada promoted 'tiny' on")
    assert reason.endswith("and `baseline` still names 'assistant'.")


def test_a_drop_that_is_shown_to_a_person_is_asked_for_until_they_have_looked(world):
    world.configure(lambda tree: tree["gate"].update(review_beyond=0.0001))
    first = world.run("gate", "--candidate", CANDIDATE, "--format", "json")
    measured = json.loads(first.out)
    assert asking(measured), measured["reasons"]
    assert measured["verdict"] != "pass"
    looked = world.run("approve", CANDIDATE, "--by", "ben", *WHY)
    assert looked.code == 0, looked.err
    decision = json.loads(world.run("gate", "--candidate", CANDIDATE, "--format", "json").out)
    assert asking(decision) == []
    assert decision["measured_id"] == measured["decision_id"]
    assert [each["approved_by"] for each in decision["approvals"]] == ["ben"]
    # Under another policy it is another decision.
    world.configure(lambda tree: tree["gate"].update(review_beyond=0.0002))
    assert "made under another policy" in world.run("promote", CANDIDATE, "--by", "ben", *WHY).err
    assert asking(json.loads(world.run("gate", "--candidate", CANDIDATE, "--format", "json").out))


def asking(decision: dict) -> list[str]:
    return [reason for reason in decision["reasons"] if "eval-pipeline approve" in reason]
