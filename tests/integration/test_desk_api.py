"""The desk's HTTP API: a task from lease to label, and what it says of itself."""

import datetime as dt

import pytest

from eval_pipeline.desk.api import API
from tests.desk_world import CLAIM, NOON, SECRET_OPINION, WEEK, desk_world

MANY = 100_000


@pytest.fixture
def world(tmp_path):
    with desk_world(tmp_path, requests_per_minute=MANY) as world:
        world.add_person("ann")
        world.add_person("bob")
        world.add_person("dee", may_adjudicate=True)
        world.open_tasks(3)
        world.judge(3)
        yield world


@pytest.fixture
def app(world):
    return world.app()


@pytest.fixture
def ann(world, app):
    return world.caller(app, "ann")


def leased(caller, purpose: str = "label") -> dict:
    return caller.post("/leases", json={"purpose": purpose}).json()["task"]


def test_a_token_says_whose_it_is_and_how_far_they_are(ann):
    assert ann.get("/me").json() == {
        "annotator_id": "ann", "may_adjudicate": False, "may_administer": False,
    }  # fmt: skip
    progress = ann.get("/progress").json()
    assert (progress["answered"], progress["waiting"], progress["tasks"]) == (0, 3, 3)


def test_a_lease_shows_the_task_blind_and_the_same_until_it_is_answered(ann):
    task = leased(ann)
    assert task["turns"] == [{"role": "user", "content": "Question 1"}]
    assert task["expires_at"] == (NOON + dt.timedelta(minutes=20)).isoformat().replace(
        "+00:00", "Z"
    )
    assert (task["others"], task["refuter_claim"], task["previous"]) == ([], None, None)
    assert SECRET_OPINION not in str(task)
    assert leased(ann) == task
    assert ann.get(f"/leases/{task['lease_id']}").json()["task"] == task


def test_an_answer_and_the_next_task_are_one_step_and_the_same_again_is_repeated(world, ann):
    lease_id = leased(ann)["lease_id"]
    world.now += dt.timedelta(seconds=20)
    body = {
        "label": "fail", "rationale": "Jane Roe", "criteria": [True, None], "seconds": 9999.0,
        "confidence": "low", "reference_response": "", "next": True,
    }  # fmt: skip
    first = ann.post(f"/leases/{lease_id}/answer", json=body).json()
    assert first["next"]["task"]["turns"][0]["content"] == "Question 2"
    assert not first["repeated"]
    again = ann.post(f"/leases/{lease_id}/answer", json={**body, "next": False}).json()
    assert (again["answer_id"], again["repeated"]) == (first["answer_id"], True)
    (label,) = world.pipeline.review.labels(WEEK).to_dicts()
    assert (label["rationale"], label["criteria_json"]) == ("[NAME]", "[true,null]")
    assert (label["seconds"], label["reference_response"]) == (20.0, None)
    other = ann.post(f"/leases/{lease_id}/answer", json={"label": "pass"})
    assert (other.status_code, other.json()["code"]) == (409, "ended")


def test_undo_reveal_skip_release_and_heartbeat(world, ann):
    lease_id = leased(ann)["lease_id"]
    early = ann.post(f"/leases/{lease_id}/reveal")
    assert (early.status_code, early.json()["code"]) == (403, "not_allowed")
    ann.post(f"/leases/{lease_id}/answer", json={"label": "pass"})
    opened = ann.post(f"/leases/{lease_id}/undo").json()["task"]
    assert (opened["purpose"], opened["previous"]["label"]) == ("correct", "pass")
    ann.post(f"/leases/{opened['lease_id']}/answer", json={"label": "fail"})
    shown = ann.post(f"/leases/{opened['lease_id']}/reveal").json()
    assert (shown["label"], shown["panel_reason"]) == ("fail", "split")
    assert [one["rationale"] for one in shown["opinions"]] == [SECRET_OPINION] * 2
    assert shown["refuter_claim"] == CLAIM
    second = leased(ann)["lease_id"]
    world.now += dt.timedelta(minutes=10)
    kept = ann.post(f"/leases/{second}/heartbeat").json()
    assert kept == {"expires_at": "2026-11-20T12:30:00Z"}
    assert ann.post(f"/leases/{second}/release").json() == {"done": True}
    third = leased(ann)["lease_id"]
    assert ann.post(f"/leases/{third}/skip", json={"reason": "other"}).json() == {"done": True}
    assert ann.post(f"/leases/{third}/skip", json={"reason": "other"}).status_code in (200, 409)
    (answer,) = ann.get("/answers").json()["answers"]
    assert (answer["label"], answer["can_undo"], answer["can_reveal"]) == ("fail", False, True)


def test_what_was_judged_in_an_earlier_week_is_shown_like_any_other(tmp_path):
    # Else who looks at the judges would learn which of their tasks were gold checks.
    with desk_world(tmp_path) as world:
        world.add_person("ann")
        world.open_tasks(2)
        world.judge(1, week="2026-11-02")
        ann = world.caller(world.app(), "ann")
        shown = []
        for _ in range(2):
            lease_id = leased(ann)["lease_id"]
            ann.post(f"/leases/{lease_id}/answer", json={"label": "pass"})
            shown.append(ann.post(f"/leases/{lease_id}/reveal").json())
    assert [len(one["opinions"]) for one in shown] == [2, 0]
    assert [one["panel_reason"] for one in shown] == ["split", "no judge was asked"]


def test_an_adjudicator_sees_reasons_and_the_refuters_claim_and_no_names(world, app, ann):
    for caller, label in ((ann, "pass"), (world.caller(app, "bob"), "fail")):
        lease_id = leased(caller)["lease_id"]
        caller.post(
            f"/leases/{lease_id}/answer", json={"label": label, "rationale": f"It is a {label}."}
        )
    dee = world.caller(app, "dee")
    task = leased(dee, "adjudicate")
    assert {one["rationale"] for one in task["others"]} == {"It is a pass.", "It is a fail."}
    assert task["refuter_claim"] == CLAIM
    assert not {"ann", "bob"} & set(str(task).replace("'", " ").split())
    silent = dee.post(f"/leases/{task['lease_id']}/answer", json={"label": "pass"})
    assert (silent.status_code, silent.json()["code"]) == (409, "invalid")
    body = {"label": "pass", "rationale": "Both read it too fast.", "next": True}
    decided = dee.post(f"/leases/{task['lease_id']}/answer", json=body).json()
    assert decided["next"] == {"task": None, "nothing_to_do": "queue_empty"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "label"),
        ({"label": "perhaps"}, "label"),
        ({"label": "pass", "rationale": "x" * 4001}, "rationale"),
        ({"label": "pass", "rationale": "a\0"}, "rationale"),
        ({"label": "pass", "reference_response": "x" * 20_001}, "reference_response"),
        ({"label": "pass", "criteria": [None] * 101}, "criteria"),
        ({"label": "pass", "seconds": -1}, "seconds"),
        ({"label": "pass", "unknown": 1}, "unknown"),
    ],
)
def test_what_cannot_stand_is_told_by_field_and_not_quoted(ann, body, field):
    refused = ann.post(f"/leases/{'0' * 32}/answer", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "not_valid")
    assert refused.json()["message"].startswith(f"body.{field}: ")
    assert "xxx" not in refused.text


@pytest.mark.parametrize(
    "content",
    [
        b'{"label": "pass", "rationale": "\\ud800"}',
        b'{"\\ud800": 1}',
        b"\xff",
        b"{",
        b"[" * 20_000,
        b'{"label": "pass", "seconds": NaN}',
        b'{"label": "pass", "seconds": 1e999}',
    ],
)
def test_hostile_json_is_refused(ann, content):
    headers = {"Content-Type": "application/json"}
    refused = ann.post(f"/leases/{'0' * 32}/answer", content=content, headers=headers)
    assert refused.status_code in (400, 422)
    assert set(refused.json()) == {"code", "message"}


def test_an_unknown_failure_mode_is_refused(ann):
    lease_id = leased(ann)["lease_id"]
    body = {"label": "pass", "failure_mode": "none of ours"}
    assert ann.post(f"/leases/{lease_id}/answer", json=body).status_code == 422


def test_the_description_names_every_refusal_as_a_problem(world, app):
    described = world.visitor(app).client.get("/api/v1/openapi.json").json()
    assert described["servers"] == [{"url": "/api/v1"}]
    for route in API:
        operation = described["paths"][route.path][route.method.lower()]
        assert {*map(str, route.refusals), "200"} == set(operation["responses"])
        assert operation["security"] == [{"HTTPBearer": []}]
        for status in route.refusals:
            content = operation["responses"][str(status)]["content"]["application/json"]
            assert content["schema"]["$ref"].endswith("/Problem")
    answer = described["components"]["schemas"]["AnswerIn"]["properties"]
    assert "angry_customers" in answer["failure_mode"]["enum"]
    assert "HTTPValidationError" not in described["components"]["schemas"]


def test_what_is_not_there_is_a_problem_too(ann):
    missing, wrong = ann.get("/nothing"), ann.delete("/me")
    assert (missing.status_code, missing.json()["code"]) == (404, "unknown")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
