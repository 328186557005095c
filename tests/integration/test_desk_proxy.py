"""Signing in on a trusted proxy's word: its direct peer alone is believed, and one name alone."""

import pytest
from starlette.requests import Request

from eval_pipeline.desk.proxies import AmbiguousIdentityError, TrustedProxies
from tests.desk_world import desk_world

PROXY, STRANGER = ("10.0.0.5", 1), ("192.0.2.7", 1)
HEADER = "X-Forwarded-User"
PROXIES = TrustedProxies(["10.0.0.0/8", "2001:db8::1"], header=HEADER)


def request(peer: str | None, *headers: tuple[str, str]) -> Request:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    client = None if peer is None else (peer, 1)
    return Request({"type": "http", "headers": raw, "client": client})


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"])
def test_a_trusted_peer_names_the_person(peer):
    assert PROXIES.named_by(request(peer, (HEADER, " ann "))) == "ann"


@pytest.mark.parametrize("peer", ["11.0.0.1", "2001:db8::2", "testclient", None])
def test_a_stranger_names_nobody_and_hides_nothing(peer):
    headers = ((HEADER, "ann"), ("X-Forwarded-For", "203.0.113.9"))
    assert PROXIES.named_by(request(peer, *headers)) is None
    shown = PROXIES.address_of(request(peer, *headers))
    assert shown == (peer if peer and peer != "testclient" else "unknown")


@pytest.mark.parametrize("values", [("ann", "bob"), ("ann, bob",), ("",), ("a\x01",)])
def test_an_unclear_name_signs_nobody_in(values):
    with pytest.raises(AmbiguousIdentityError):
        PROXIES.named_by(request("10.0.0.5", *((HEADER, value) for value in values)))


@pytest.mark.parametrize(
    ("hops", "address"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, 10.0.0.7"], "203.0.113.9"),
        (["203.0.113.9", "10.0.0.7"], "203.0.113.9"),
        (["nonsense"], "unknown"),
        ([], "10.0.0.5"),
    ],
)
def test_behind_the_proxy_failures_count_for_the_nearest_other_address(hops, address):
    headers = [("X-Forwarded-For", hop) for hop in hops]
    assert PROXIES.address_of(request("10.0.0.5", *headers)) == address


def test_without_a_header_configured_the_proxy_names_nobody():
    unnamed = TrustedProxies(["10.0.0.0/8"], header=None)
    assert unnamed.named_by(request("10.0.0.5", (HEADER, "ann"))) is None


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    options = {"identity_header": HEADER, "trusted_proxies": ["10.0.0.0/8"]}
    with desk_world(tmp_path_factory.mktemp("desk"), **options) as world:
        for name in ("ann", "bob"):
            world.add_person(name)
        world.open_tasks(2)
        yield world


@pytest.fixture(scope="module")
def app(world):
    return world.app()


def test_the_proxys_word_opens_a_session_that_writes_like_any_other(world, app):
    visitor = world.visitor(app, client=PROXY)
    visitor.client.headers[HEADER] = "ann"
    assert "desk_session=" in visitor.client.get("/label").headers["set-cookie"]
    assert "set-cookie" not in visitor.client.get("/label").headers
    visitor.answer("pass")
    lease_id, _ = visitor.lease()
    form = {"label": "pass", "csrf": ""}
    assert visitor.client.post(f"/leases/{lease_id}/answer", data=form).status_code == 403


def test_another_name_ends_the_session_before(world, app):
    visitor = world.visitor(app, client=PROXY)
    visitor.client.get("/mine", headers={HEADER: "ann"})
    secret = visitor.client.cookies["desk_session"]
    visitor.client.get("/mine", headers={HEADER: "bob"})
    assert visitor.client.cookies["desk_session"] != secret
    assert world.pipeline.sign_in.session(secret, at=world.now) is None


@pytest.mark.parametrize("path", ["/mine", "/sign-in"])
def test_who_is_not_at_the_desk_is_told_so(world, app, path):
    client = world.visitor(app, client=PROXY).client
    refused = client.get(path, headers={HEADER: "zoe"})
    assert refused.status_code == 403
    assert "nobody has added you" in refused.text
    assert "set-cookie" not in refused.headers


def test_two_names_are_refused_and_a_strangers_header_is_not_believed(world, app):
    client = world.visitor(app, client=PROXY).client
    both = client.get("/mine", headers=[(HEADER, "ann"), (HEADER, "bob")])
    assert both.status_code == 400
    stranger = world.visitor(app, client=STRANGER).client
    assert stranger.get("/mine", headers={HEADER: "ann"}).headers["location"] == "/sign-in"


def test_the_proxys_word_is_not_for_the_api(world, app):
    client = world.visitor(app, client=PROXY).client
    assert client.get("/api/v1/me", headers={HEADER: "ann"}).status_code == 401
