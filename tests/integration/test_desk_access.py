"""Who may come where: every route of the desk, as everyone, and with another person's lease."""

import re

import pytest

from eval_pipeline.desk.access import Access
from eval_pipeline.desk.api import API
from eval_pipeline.desk.api_handlers import PREFIX
from eval_pipeline.desk.routes import PAGES
from tests.desk_world import NOON, desk_world

PEOPLE = ("ann", "dee", "mia", "gone")
ROLES = {
    "nobody": {Access.UNSEEN, Access.EVERYBODY},
    "gone": {Access.UNSEEN, Access.EVERYBODY},
    "ann": {Access.UNSEEN, Access.EVERYBODY, Access.AT_THE_DESK},
    "dee": {Access.UNSEEN, Access.EVERYBODY, Access.AT_THE_DESK, Access.ADJUDICATOR},
    "mia": {Access.UNSEEN, Access.EVERYBODY, Access.AT_THE_DESK, Access.ADMINISTRATOR},
}
OF_A_LEASE = [route for route in PAGES if "{lease_id}" in route.path]
API_OF_A_LEASE = [route for route in API if "{lease_id}" in route.path]
FILLED = {"lease_id": "0" * 32, "token_id": "0" * 12}
ANSWER = {"label": "pass", "reason": "other"}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    many = {"requests_per_minute": 100_000, "sign_ins_per_minute": 100_000}
    with desk_world(tmp_path_factory.mktemp("desk"), **many) as world:
        world.add_person("ann")
        world.add_person("dee", may_adjudicate=True)
        world.add_person("mia", may_administer=True)
        world.add_person("gone", may_adjudicate=True, may_administer=True)
        world.open_tasks(3)
        yield world


@pytest.fixture(scope="module")
def app(world):
    return world.app()


@pytest.fixture(scope="module")
def visitors(world, app):
    """A browser of everyone's; `gone` left after signing in."""
    visitors = {name: world.visitor(app, name) for name in PEOPLE}
    visitors["nobody"] = world.visitor(app)
    csrf = {name: visitors[name].csrf() for name in PEOPLE}
    world.pipeline.people.leave("gone", reason="moved_on", by="test", at=NOON)
    return {name: (visitor.client, csrf.get(name, "")) for name, visitor in visitors.items()}


def test_every_route_stands_in_the_table(app):
    pages = {
        (method, route.path)
        for route in app.routes
        for method in getattr(route, "methods", None) or ()
        if method != "HEAD"
    }
    assert pages == {(route.method, route.path) for route in PAGES}
    mounted = {route.path for route in app.routes if not getattr(route, "methods", None)}
    assert mounted == {PREFIX, "/static"}
    (api,) = (route.app for route in app.routes if route.path == PREFIX)
    described = {
        (method.upper(), path)
        for path, methods in api.openapi()["paths"].items()
        for method in methods
    }
    assert described == {(route.method, route.path) for route in API}


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize(
    "route",
    [route for route in PAGES if route.path != "/sign-out"],  # it would end their sessions
    ids=lambda route: f"{route.method} {route.path}",
)
def test_a_page_opens_to_those_it_is_for_and_to_nobody_else(route, name, visitors):
    client, csrf = visitors[name]
    answered = client.request(
        route.method,
        route.path.format(**FILLED),
        data={"csrf": csrf, **ANSWER} if route.method == "POST" else None,
    )
    to_sign_in = answered.headers.get("location") == "/sign-in"
    if route.access in ROLES[name]:
        assert not to_sign_in
        assert answered.status_code not in (403, 500), answered.text
    elif name in ("nobody", "gone"):
        assert to_sign_in if route.method == "GET" else answered.status_code == 401
    else:
        assert answered.status_code == 403
        assert "not open to you" in answered.text


@pytest.mark.parametrize("name", ROLES)
def test_who_is_signed_in_can_sign_out_and_nobody_else(name, world, app, visitors):
    client, csrf = visitors[name]
    if name in ("nobody", "gone"):
        assert client.post("/sign-out", data={"csrf": csrf}).status_code == 401
        return
    visitor = world.visitor(app, name)
    assert visitor.client.post("/sign-out", data={"csrf": csrf}).status_code == 403
    ended = visitor.client.post("/sign-out", data={"csrf": visitor.csrf()})
    assert ended.headers["location"] == "/sign-in"


@pytest.mark.parametrize("route", OF_A_LEASE, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize("name", ["dee", "mia"])
def test_anothers_lease_looks_like_none(route, name, world, app, visitors):
    client, csrf = visitors[name]
    lease_id, _ = world.visitor(app, "ann").lease()
    answered = client.request(
        route.method,
        route.path.format(lease_id=lease_id),
        data={"csrf": csrf, **ANSWER} if route.method == "POST" else None,
    )
    assert answered.status_code == 404
    assert "Question" not in answered.text
    assert not re.search(r"\bann\b", answered.text)
    held = world.pipeline.desk.held(lease_id, "ann", at=NOON)
    assert held.lease_id == lease_id


@pytest.mark.parametrize("route", API, ids=lambda route: f"{route.method} {route.path}")
def test_the_api_opens_to_a_token_and_never_to_a_cookie(route, world, app, visitors):
    path = f"{PREFIX}{route.path.format(**FILLED)}"
    client, _ = visitors["ann"]
    assert client.request(route.method, path, json=ANSWER).status_code == 401
    for token in ("wrong", world.tokens["gone"], ""):
        bearer = {"Authorization": f"Bearer {token}"}
        refused = world.visitor(app).client.request(route.method, path, headers=bearer)
        assert refused.status_code == 401
        assert set(refused.json()) == {"code", "message"}
    bearer = {"Authorization": f"Bearer {world.tokens['ann']}"}
    body = {"reason": "other"} if path.endswith("skip") else {"label": "pass"}
    taken = world.visitor(app).client.request(
        route.method, path, headers=bearer, json={} if path.endswith("leases") else body
    )
    assert taken.status_code in (200, 404), taken.text


@pytest.mark.parametrize("route", API_OF_A_LEASE, ids=lambda route: f"{route.method} {route.path}")
def test_over_the_api_too_anothers_lease_looks_like_none(route, world, app):
    lease_id, _ = world.visitor(app, "ann").lease()
    body = {"reason": "other"} if route.path.endswith("skip") else {"label": "pass"}
    answered = world.caller(app, "dee").request(
        route.method, route.path.format(lease_id=lease_id), json=body
    )
    assert answered.status_code == 404
    assert answered.json()["code"] == "unknown"
    assert "Question" not in answered.text


def test_a_bearer_token_opens_no_page(world, app):
    bearer = {"Authorization": f"Bearer {world.tokens['mia']}"}
    client = world.visitor(app).client
    assert client.get("/overview", headers=bearer).headers["location"] == "/sign-in"
    assert client.post("/overview/withdraw", headers=bearer).status_code == 401


def test_only_adjudicators_lease_disputes_over_the_api(world, app):
    asked = {"purpose": "adjudicate"}
    assert world.caller(app, "ann").post("/leases", json=asked).status_code == 403
    nothing = world.caller(app, "dee").post("/leases", json=asked)
    assert nothing.json() == {"task": None, "nothing_to_do": "queue_empty"}
