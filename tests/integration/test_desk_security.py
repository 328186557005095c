"""What keeps the desk safe: cookies, form tokens, origins, hosts, sizes, limits, silent errors."""

import logging

import pytest

from eval_pipeline.desk.middleware import LARGEST_BODY
from eval_pipeline.errors import StoreError
from tests.desk_world import DAY, HOUR, desk_world

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


MANY = 100_000


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    options = {"requests_per_minute": MANY, "sign_ins_per_minute": MANY}
    folder = tmp_path_factory.mktemp("desk")
    with desk_world(folder, allowed_hosts=["desk.example"], **options) as world:
        world.add_person("ann")
        world.open_tasks(20)
        yield world


@pytest.fixture(scope="module")
def app(world):
    return world.app()


@pytest.fixture(scope="module")
def ann(world, app):
    return world.visitor(app, "ann")


@pytest.mark.parametrize(
    "path",
    [
        "/label",
        "/sign-in",
        "/nothing",
        "/static/desk.css",
        "/static/none",
        "/healthz",
        "/api/v1/me",
        "/api/v1/none",
        "/api/v1/openapi.json",
        "/static/%00",
        "/static/%2e%2e/app.py",
    ],
)
def test_every_reply_carries_the_headers(ann, path):
    headers = ann.client.get(path).headers
    assert headers["content-security-policy"] == CSP
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "strict-transport-security" not in headers
    assert ("no-store" in headers["cache-control"]) != (path == "/static/desk.css")


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(world, app):
    visitor = world.visitor(app)
    given = visitor.client.post("/sign-in", data={"token": world.tokens["ann"]})
    cookie = given.headers["set-cookie"].lower()
    assert cookie.startswith("desk_session=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/" in cookie
    assert "secure" not in cookie
    assert "domain" not in cookie


def test_behind_tls_the_cookie_is_of_this_host_alone_and_https_is_remembered(tmp_path):
    with desk_world(tmp_path, behind_tls=True) as world:
        world.add_person("ann")
        visitor = world.visitor(world.app())
        given = visitor.client.post("/sign-in", data={"token": world.tokens["ann"]})
        cookie = given.headers["set-cookie"].lower()
        assert cookie.startswith("__host-desk_session=")
        assert "; secure" in cookie
        assert "max-age=31536000" in given.headers["strict-transport-security"]
        for origin, status in (("https://localhost", 303), ("http://localhost", 403)):
            form = {"token": world.tokens["ann"]}
            sent = visitor.client.post("/sign-in", data=form, headers={"Origin": origin})
            assert sent.status_code == status


@pytest.mark.parametrize("csrf", ["", "0" * 64, "ü"])
def test_a_write_without_the_forms_token_changes_nothing(world, ann, csrf):
    lease_id, _ = ann.lease()
    form = {"label": "pass", "csrf": csrf}
    assert ann.client.post(f"/leases/{lease_id}/answer", data=form).status_code == 403
    assert ann.lease()[0] == lease_id


def test_anothers_form_token_is_not_good(world, app, ann):
    lease_id, csrf = ann.lease()
    other = world.visitor(app, "ann")
    form = {"label": "pass", "csrf": csrf}
    assert other.client.post(f"/leases/{lease_id}/answer", data=form).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://localhost"}, 303),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "null"}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "https://localhost"}, 403),
        ({"Origin": "http://localhost:81"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://[evil"}, 403),
    ],
)
def test_another_sites_page_cannot_write(ann, headers, status):
    lease_id, csrf = ann.lease()
    form = {"label": "pass", "csrf": csrf}
    sent = ann.client.post(f"/leases/{lease_id}/answer", data=form, headers=headers)
    assert sent.status_code == status


@pytest.mark.parametrize(
    "headers", [{"Origin": "null"}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "none-"}]
)
def test_another_site_cannot_sign_somebody_in(world, app, headers):
    visitor = world.visitor(app)
    form = {"token": world.tokens["ann"]}
    assert visitor.client.post("/sign-in", data=form, headers=headers).status_code == 403
    # Its page says where it comes from, so that a browser without Fetch metadata can sign in.
    assert visitor.client.get("/sign-in").headers["referrer-policy"] == "same-origin"


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "[::1", "a@b"])
def test_the_desk_answers_under_its_own_names_alone(app, world, host):
    client = world.visitor(app).client
    refused = client.get("/sign-in", headers={"Host": host})
    assert refused.status_code == 400
    assert "not known under this name" in refused.text
    assert client.get("/api/v1/me", headers={"Host": host}).json()["code"] == "unknown_host"
    assert client.get("/healthz", headers={"Host": host}).status_code == 200
    for known in ("desk.example", "DESK.example:8321", "127.0.0.1:8321", "[::1]:8321"):
        assert client.get("/sign-in", headers={"Host": known}).status_code == 200


def test_a_large_body_is_refused_whether_it_names_its_size_or_not(world, app, ann):
    def pieces():
        for _ in range(LARGEST_BODY // 1024 + 1):
            yield b"x" * 1024

    for content in (b"x" * (LARGEST_BODY + 1), pieces()):
        assert ann.client.post("/sign-in", content=content).status_code == 413
    caller = world.caller(app, "ann")
    large = caller.post("/leases", content=b" " * (LARGEST_BODY + 1))
    assert (large.status_code, large.json()["code"]) == (413, "too_large")
    lying = caller.post("/leases", content=b"{}", headers={"Content-Length": "9" * 5000})
    assert lying.status_code == 413


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data", "multipart/form-data; boundary=x", "text/plain", "a", "application/x"],
)
def test_a_form_that_cannot_be_read_is_refused(ann, content_type):
    lease_id, _ = ann.lease()
    headers = {"Content-Type": content_type}
    answered = ann.client.post(f"/leases/{lease_id}/answer", content=b"\xff=%", headers=headers)
    assert answered.status_code in (400, 403)


def test_a_file_is_not_taken(ann):
    lease_id, csrf = ann.lease()
    sent = ann.client.post(
        f"/leases/{lease_id}/answer", data={"csrf": csrf}, files={"label": ("a.txt", b"pass")}
    )
    assert sent.status_code == 400


def test_failed_sign_ins_are_counted_by_address_and_say_when_to_come_back(tmp_path):
    with desk_world(tmp_path, sign_ins_per_minute=3) as world:
        world.add_person("ann")
        app = world.app()
        visitor = world.visitor(app)
        for token in ("wrong", "", "x" * 5000):
            failed = visitor.client.post("/sign-in", data={"token": token})
            assert failed.status_code == 401
            assert "not good" in failed.text
        late = visitor.client.post("/sign-in", data={"token": world.tokens["ann"]})
        assert late.status_code == 429
        assert 1 <= int(late.headers["retry-after"]) <= 60
        api = visitor.client.get("/api/v1/me", headers={"Authorization": "Bearer wrong"})
        assert (api.status_code, api.json()["code"]) == (429, "too_many")
        elsewhere = world.visitor(app, client=("192.0.2.7", 5))
        elsewhere.sign_in(world.tokens["ann"])


def test_a_person_who_asks_too_fast_waits_and_another_does_not(tmp_path):
    with desk_world(tmp_path, requests_per_minute=4) as world:
        world.add_person("ann")
        world.add_person("bob")
        app = world.app()
        caller = world.caller(app, "ann")
        found = [caller.get("/me").status_code for _ in range(5)]
        assert found == [200] * 4 + [429]
        assert int(caller.get("/me").headers["retry-after"]) >= 1
        assert world.visitor(app, "ann").client.get("/label").status_code == 429
        assert world.caller(app, "bob").get("/me").status_code == 200


def test_a_session_ends_by_itself(tmp_path):
    with desk_world(tmp_path, session_hours=12) as world:
        world.add_person("ann")
        ann = world.visitor(world.app(), "ann")
        world.now += 11 * HOUR
        assert ann.client.get("/label").status_code == 200
        world.now += DAY
        assert ann.client.get("/label").headers["location"] == "/sign-in"


@pytest.mark.parametrize("error", [ValueError("Jane Roe's secret"), StoreError("at /secret/path")])
def test_an_error_tells_neither_its_words_nor_where(world, app, ann, error, caplog, monkeypatch):
    def fail(*_, **__):
        raise error

    caplog.set_level(logging.INFO)
    monkeypatch.setattr(app.state.services.desk, "next_task", fail)
    status = 503 if isinstance(error, StoreError) else 500
    page = ann.client.get("/label")
    reply = world.caller(app, "ann").post("/leases", json={})
    assert (page.status_code, reply.status_code) == (status, status)
    assert set(reply.json()) == {"code", "message"}
    for text in (page.text, reply.text, caplog.text):
        assert "secret" not in text
        assert "Traceback" not in text


def test_the_log_holds_neither_queries_nor_what_an_unknown_address_says(world, ann, caplog):
    caplog.set_level(logging.INFO, logger="eval_pipeline.desk.access")
    token = world.tokens["ann"]
    for path in (f"/label?token={token}", f"/{token}", f"/static/{token}", f"/leases/{token}"):
        ann.client.get(path)
    ann.client.get(f"/api/v1/leases/{token}", headers={"Authorization": f"Bearer {token}"})
    lines = [record.getMessage().rsplit(" ", 2)[0] for record in caplog.records]
    assert lines == [
        "GET /label 200",
        "GET (no such page) 404",
        "GET /static/… 404",
        "GET /leases/{lease_id} 404",
        "GET /api/v1/leases/{lease_id} 404",
    ]
    assert token not in caplog.text


def test_health_says_whether_the_store_answers(world, app, monkeypatch):
    client = world.visitor(app).client
    assert client.get("/healthz").json() == {"status": "ok"}

    def fail() -> None:
        raise StoreError("gone")

    monkeypatch.setattr(app.state.services.work, "check_store", fail)
    assert client.get("/healthz").status_code == 503
