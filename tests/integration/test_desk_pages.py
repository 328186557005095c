"""What happens at the desk's pages: leasing, answering, undoing, revealing, adjudicating."""

import datetime as dt
import re

import pytest

from eval_pipeline.desk.forms import LONGEST_RATIONALE, LONGEST_RESPONSE
from tests.desk_world import DAY, NOON, SECRET_OPINION, WEEK, desk_world

FRAGMENT = {"X-Desk-Fragment": "1"}


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """A desk at which nothing is stored."""
    with desk_world(tmp_path_factory.mktemp("desk")) as world:
        world.add_person("ann")
        world.open_tasks(1)
        yield world, world.visitor(world.app(), "ann")


@pytest.fixture
def world(tmp_path):
    with desk_world(tmp_path, lease_minutes=20) as world:
        for name in ("ann", "bob"):
            world.add_person(name)
        world.add_person("dee", may_adjudicate=True)
        world.add_person("mia", may_administer=True)
        world.open_tasks(3)
        world.judge(3)
        yield world


@pytest.fixture
def app(world):
    return world.app()


@pytest.fixture
def ann(world, app):
    return world.visitor(app, "ann")


def labels(world):
    return world.pipeline.review.labels(WEEK).to_dicts()


def test_who_signs_in_is_shown_a_task_and_keeps_it(world, ann):
    assert ann.client.get("/").headers["location"] == "/label"
    first, _ = ann.lease()
    assert ann.lease()[0] == first
    assert ann.client.get(f"/leases/{first}").status_code == 200


def test_an_answer_is_stored_masked_with_all_that_was_said(world, ann):
    lease_id, csrf = ann.lease()
    world.now += dt.timedelta(seconds=30)
    ann.client.post(
        f"/leases/{lease_id}/answer",
        data={
            "csrf": csrf, "label": "fail", "rationale": "Jane Roe is named.",
            "reference_response": "Ask Jane Roe.", "failure_mode": "angry_customers",
            "confidence": "high", "criterion_1": "yes", "criterion_2": "unsure", "seconds": "12.5",
        },
    )  # fmt: skip
    (stored,) = labels(world)
    assert stored["rationale"] == "[NAME] is named."
    assert stored["reference_response"] == "Ask [NAME]."
    assert (stored["label"], stored["failure_mode"]) == ("fail", "angry_customers")
    assert (stored["confidence"], stored["criteria_json"]) == ("high", "[true,null]")
    assert stored["seconds"] == 12.5


def test_nobody_takes_longer_than_they_held_the_task(world, ann):
    ann.lease()
    world.now += dt.timedelta(seconds=30)
    ann.answer(seconds="86400")
    assert labels(world)[0]["seconds"] == 30


def test_a_script_gets_the_next_task_with_the_answer_and_can_undo(world, ann):
    lease_id, csrf = ann.lease()
    answered = ann.client.post(
        f"/leases/{lease_id}/answer", data={"csrf": csrf, "label": "pass"}, headers=FRAGMENT
    )
    assert answered.status_code == 200
    assert answered.headers["x-desk-location"] == "/label"
    assert "<html" not in answered.text
    assert "Question 2" in answered.text
    opened = ann.client.post(f"/leases/{lease_id}/undo", data={"csrf": csrf}, headers=FRAGMENT)
    assert "Question 1" in opened.text
    again = opened.headers["x-desk-location"]
    assert again.startswith("/leases/")
    world.now += dt.timedelta(seconds=1)
    ann.answer("fail", page=again)
    assert [row["label"] for row in labels(world)] == ["pass", "fail"]
    assert labels(world)[1]["corrects"] == labels(world)[0]["label_id"]


def test_the_same_answer_again_changes_nothing_and_another_is_refused(world, ann):
    lease_id, csrf = ann.lease()
    form = {"csrf": csrf, "label": "pass", "rationale": "Jane Roe"}
    for _ in range(2):
        assert ann.client.post(f"/leases/{lease_id}/answer", data=form).status_code == 303
    other = ann.client.post(f"/leases/{lease_id}/answer", data={**form, "label": "fail"})
    assert other.status_code == 409
    assert "That answer stands" in other.text
    assert len(labels(world)) == 1


@pytest.mark.parametrize(
    "typed",
    [
        {"label": "perhaps"},
        {"label": ""},
        {"rationale": "x" * (LONGEST_RATIONALE + 1)},
        {"rationale": "a\0b"},
        {"reference_response": "x" * (LONGEST_RESPONSE + 1)},
        {"failure_mode": "no such mode"},
        {"confidence": "very"},
        {"seconds": "-1"},
        {"seconds": "nan"},
        {"criterion_1": "maybe"},
        {"criterion_999": "yes"},
    ],
    ids=lambda typed: " ".join(f"{name}={value[:12]!r}" for name, value in typed.items()),
)
def test_what_cannot_stand_is_told_beside_what_was_typed(calm, typed):
    world, ann = calm
    lease_id, csrf = ann.lease()
    form = {"csrf": csrf, "label": "pass", "rationale": "Kept as typed.", **typed}
    refused = ann.client.post(f"/leases/{lease_id}/answer", data=form)
    assert refused.status_code == 422
    assert 'role="alert"' in refused.text
    assert form["rationale"][:10] in refused.text
    assert labels(world) == []
    assert ann.lease()[0] == lease_id


def test_a_form_field_left_open_says_nothing(world, ann):
    ann.answer(confidence="", failure_mode="", reference_response=" ", seconds="", criterion_1="")
    (stored,) = labels(world)
    said = ("confidence", "failure_mode", "reference_response", "seconds", "criteria_json")
    assert [stored[name] for name in said] == [None] * 5


def test_judges_are_shown_once_the_answer_is_in_and_then_it_stands(world, ann):
    lease_id, csrf = ann.lease()
    before = ann.client.post(f"/leases/{lease_id}/reveal", data={"csrf": csrf})
    assert before.status_code == 403
    ann.answer()
    unseen = ann.client.get(f"/leases/{lease_id}")
    assert unseen.headers["location"] == "/mine"
    for page in ("/label", "/mine", f"/label?answered={lease_id}"):
        assert SECRET_OPINION not in ann.client.get(page).text.replace("&#39;", "'")
    shown = ann.client.post(f"/leases/{lease_id}/reveal", data={"csrf": csrf})
    assert shown.headers["location"] == f"/leases/{lease_id}"
    text = ann.client.get(f"/leases/{lease_id}").text.replace("&#39;", "'")
    assert text.count(SECRET_OPINION) == 2
    assert ann.client.post(f"/leases/{lease_id}/undo", data={"csrf": csrf}).status_code == 409


def test_a_skipped_task_comes_no_more_and_a_released_one_does(world, ann):
    first, csrf = ann.lease()
    ann.client.post(f"/leases/{first}/release", data={"csrf": csrf})
    again, _ = ann.lease()
    assert again != first
    assert "Question 1" in ann.client.get("/label").text
    wrong = ann.client.post(f"/leases/{again}/skip", data={"csrf": csrf, "reason": "bored"})
    assert wrong.status_code == 422
    ann.client.post(f"/leases/{again}/skip", data={"csrf": csrf, "reason": "not_my_field"})
    assert "Question 2" in ann.client.get("/label").text


def test_a_heartbeat_keeps_the_task(world, ann):
    lease_id, csrf = ann.lease()
    world.now += dt.timedelta(minutes=19)
    kept = ann.client.post(f"/leases/{lease_id}/heartbeat", data={"csrf": csrf})
    assert kept.json() == {"expires_at": (NOON + dt.timedelta(minutes=39)).isoformat()}


def test_two_who_disagree_are_decided_by_a_third_who_sees_reasons_and_no_names(world, app, ann):
    ann.answer("pass", rationale="It is right.")
    world.visitor(app, "bob").answer("fail", rationale="It is wrong.")
    dee = world.visitor(app, "dee")
    page = dee.client.get("/adjudicate").text
    assert "It is right." in page
    assert "It is wrong." in page
    assert not re.search(r"\b(ann|bob)\b", page)
    lease_id, csrf = dee.lease("/adjudicate")
    form = {"csrf": csrf, "label": "fail"}
    silent = dee.client.post(f"/leases/{lease_id}/answer", data=form)
    assert silent.status_code == 422
    assert "needs a reason" in silent.text
    dee.answer("fail", page="/adjudicate", rationale="Read the second criterion.")
    (decided,) = world.pipeline.review.adjudications(WEEK).to_dicts()
    assert (decided["label"], decided["adjudicated_by"]) == ("fail", "dee")


def test_whether_another_agreed_is_told_once_the_answer_can_change_no_more(world, app, ann):
    # Otherwise who reads "disputed" could undo, and answer as the other did.
    world.visitor(app, "bob").answer("fail")
    ann.answer("pass")
    caller = world.caller(app, "ann")
    assert [one["state"] for one in caller.get("/answers").json()["answers"]] == ["labelled"]
    world.now += DAY / 24
    assert [one["state"] for one in caller.get("/answers").json()["answers"]] == ["disputed"]


def test_when_all_is_done_the_page_says_so_and_the_last_answer_can_be_undone(world, ann):
    for _ in range(3):
        last = ann.answer()
    done = ann.client.get(f"/label?answered={last}").text
    assert "/answer" not in done
    assert f"/leases/{last}/undo" in done
    assert f"/leases/{last}/undo" not in ann.client.get("/label").text


def test_an_administrator_withdraws_labels_and_revokes_tokens(world, app, ann):
    ann.answer("pass")
    mia = world.visitor(app, "mia")
    csrf = mia.csrf()
    form = {"csrf": csrf, "annotator_id": "ann", "reason": "Jane Roe saw it."}
    assert mia.client.post("/overview/withdraw", data=form).status_code == 303
    answers = world.pipeline.desk.answers_of("ann", weeks=[WEEK])
    assert answers["withdrawn"].to_list() == [True]
    nobody = mia.client.post("/overview/withdraw", data={**form, "annotator_id": "zoe"})
    assert nobody.status_code == 404
    assert mia.client.post("/overview/withdraw", data={**form, "reason": " "}).status_code == 422
    (token,) = world.pipeline.sign_in.tokens("ann")
    revoked = mia.client.post(f"/overview/tokens/{token.token_id}/revoke", data={"csrf": csrf})
    assert revoked.status_code == 303
    assert ann.client.get("/label").headers["location"] == "/sign-in"
    assert mia.client.get("/overview", params={"week": WEEK}).status_code == 200
    assert mia.client.get("/overview", params={"week": "2020-01-06"}).status_code == 404


def test_signing_out_ends_the_session_everywhere(world, ann):
    cookie = dict(ann.client.cookies)
    csrf = ann.csrf()
    assert ann.client.post("/sign-out", data={"csrf": csrf}).headers["location"] == "/sign-in"
    ann.client.cookies.update(cookie)
    assert ann.client.get("/label").headers["location"] == "/sign-in"
