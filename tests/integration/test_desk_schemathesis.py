"""The desk's HTTP API keeps to its own description, whatever is sent to it.

Schemathesis makes requests from `/api/v1/openapi.json`, good and bad ones. Random lease ids reach
nothing, so about half of the requests that name a lease are sent for one that the caller
really holds.
"""

import itertools

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from eval_pipeline.desk.api import API
from tests.desk_world import desk_world
from tests.sizes import sized

TASKS = 400
PURPOSES = itertools.cycle(("label", "adjudicate"))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("desk")
    # The client that Schemathesis makes for an application calls it `testserver`.
    with desk_world(
        folder,
        requests_per_minute=1_000_000,
        sign_ins_per_minute=1_000_000,
        allowed_hosts=("testserver",),
    ) as world:
        world.add_person("ada", may_adjudicate=True, weekly_budget=1_000_000)
        world.open_tasks(TASKS)
        yield world


@pytest.fixture(scope="module")
def app(world):
    return world.app()


@pytest.fixture(scope="module")
def ada(world, app):
    return world.caller(app, "ada")


@pytest.fixture(scope="module")
def description(app):
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)


@pytest.mark.parametrize("route", API, ids=lambda route: f"{route.method} {route.path}")
def test_every_answer_is_one_that_the_description_names(route, description, ada):
    token = {"Authorization": ada.headers["Authorization"]}

    @settings(
        max_examples=sized(12, full=300),
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=description[route.path][route.method].as_strategy(), real=st.booleans())
    def asked(case, real):
        if real and "lease_id" in (case.path_parameters or {}):
            held = ada.post("/leases", json={"purpose": next(PURPOSES)}).json()
            if held["task"] is not None:
                case.path_parameters["lease_id"] = held["task"]["lease_id"]
        if isinstance(case.body, dict) and isinstance(case.body.get("failure_mode"), str):
            case.body["failure_mode"] = None  # which there are is the configuration's business
        case.call_and_validate(headers=token)

    asked()


def test_nothing_is_told_without_a_good_token(description, world, app):
    stranger = world.visitor(app).client
    for path, operations in description.raw_schema["paths"].items():
        for method in operations:
            for token in ({}, {"Authorization": "Bearer evp_0123456789abcdef_x"}):
                address = "/api/v1" + path.replace("{lease_id}", "0123abcd")
                reply = stranger.request(method, address, headers=token, json={"label": "pass"})
                assert (reply.status_code, reply.json()["code"]) == (401, "not_signed_in")
