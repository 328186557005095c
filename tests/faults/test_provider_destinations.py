"""Where a connection may go: by its URL, by what its name resolves to, and never with a key."""

import asyncio
import datetime as dt
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from eval_pipeline.adapters.alerting.outcome import Delivered
from eval_pipeline.adapters.alerting.pacing import Pace
from eval_pipeline.adapters.alerting.posting import post as post_alert
from eval_pipeline.adapters.model_calls.pools import open_shards
from eval_pipeline.adapters.model_calls.transports import HttpReply, NoReply, post
from eval_pipeline.adapters.network.destinations import checked_url
from eval_pipeline.adapters.network.endpoints import refuse_endpoints
from eval_pipeline.adapters.providers import ChatProvider
from eval_pipeline.adapters.reachability import problem_reaching
from eval_pipeline.adapters.sandbox import Sandbox
from eval_pipeline.adapters.telemetry.otlp import emit_results
from eval_pipeline.errors import ProviderUnreachableError, SettingsError
from eval_pipeline.ports import ScoreRequest
from eval_pipeline.settings import CodeScoring, NetworkSettings, OtlpSettings, ProviderSettings
from tests.hostile_server import HostileServer, Talk, chat_answer
from tests.loopback import Desk, call

CLOSED = NetworkSettings(private_addresses=False)
OPEN = NetworkSettings()
NOON = dt.datetime(2026, 11, 18, 12, tzinfo=dt.UTC)

NEVER = [
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/v2/credentials",
    "http://[fd00:ec2::254]/latest/",
    "http://[fe80::1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://100.100.100.200/latest/",
    "http://168.63.129.16/metadata",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://METADATA.google.internal./",
    "http://metadata/",
    "http://instance-data/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
]
PRIVATE = [
    "http://127.0.0.1:8000/v1",
    "http://[::1]/v1",
    "http://10.0.0.7/v1",
    "http://172.16.3.4/v1",
    "http://192.168.1.9/v1",
    "http://100.64.0.1/v1",
    "http://[fd12:3456::1]/v1",
    "http://0.0.0.0:8000/v1",
    "http://[::ffff:10.0.0.1]/v1",
]
NO_URLS = [
    "file:///etc/passwd", "ftp://host/x", "gopher://host/", "//host/v1", "host/v1", "http://", "",
    "javascript:alert(1)", "unix:///var/run/docker.sock", "http://[::1",
]  # fmt: skip
WITH_CREDENTIALS = ["https://user:pass@host/v1", "https://token@host/v1", "http://:pw@127.0.0.1/"]


def refusal(url: str, *, network: NetworkSettings = OPEN, secret: bool = False) -> str | None:
    try:
        checked_url("providers.acme.base_url", url, network=network, carries_secret=secret)
    except SettingsError as error:
        return str(error)
    return None


@pytest.mark.parametrize("url", [*NEVER, *NO_URLS, *WITH_CREDENTIALS])
def test_some_addresses_are_never_connected_to(url: str, fault_ledger) -> None:
    fault_ledger.injected("destination", "settings")
    told = refusal(url)
    assert told is not None
    assert "Nothing was sent" in told
    assert "pass" not in told.replace("password", "")


@pytest.mark.parametrize("url", PRIVATE)
def test_private_addresses_are_the_operators_choice(url: str) -> None:
    assert refusal(url) is None
    told = refusal(url, network=CLOSED)
    assert told is not None
    assert "private" in told


@pytest.mark.parametrize(
    "url", ["https://api.example.com/v1", "http://8.8.8.8/", "https://[2606:4700::1]/"]
)
def test_other_addresses_may_be_connected_to(url: str) -> None:
    assert refusal(url, network=CLOSED) is None


def test_a_key_goes_over_plain_http_only_to_this_machine_or_where_that_is_allowed() -> None:
    assert "plain text" in str(refusal("http://model.internal/v1", secret=True))
    assert "plain text" in str(refusal("http://10.0.0.7/v1", secret=True))
    allowed = NetworkSettings(plain_http_keys=True)
    assert refusal("http://model.internal/v1", secret=True, network=allowed) is None
    for url in ("http://127.0.0.1:8000/v1", "http://localhost/v1", "http://[::1]/v1"):
        assert refusal(url, secret=True) is None
    assert refusal("https://model.internal/v1", secret=True) is None


@pytest.mark.parametrize("how", ["key", "header"])
def test_a_provider_with_a_secret_is_not_made_for_plain_http(how: str) -> None:
    options = {"key": {"key_variable": "KEY"}, "header": {"header_variables": {"x-token": "KEY"}}}
    settings = ProviderSettings(base_url="http://model.internal/v1", **options[how])
    with pytest.raises(SettingsError, match=r"network\.plain_http_keys"):
        ChatProvider("acme", settings, secret=lambda _: "sk-secret")
    made = ChatProvider(
        "acme",
        settings,
        secret=lambda _: "sk-secret",
        network=NetworkSettings(plain_http_keys=True),
    )
    assert made.address == "http://model.internal"


class Names:
    """Stands for the resolver: each look-up of a name gives the next of its answers."""

    def __init__(self, answers: dict[str, list[list[str]]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, host: Any, port: Any, *args: Any, **options: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else str(host)
        known = self.answers.get(name)
        if known is None:
            return _REAL(host, port, *args, **options)
        self.asked.append(name)
        found = known[min(len(self.asked), len(known)) - 1]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [entry for one in found for entry in _REAL(one, port, type=socket.SOCK_STREAM)]


_REAL = socket.getaddrinfo


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Names as the test has them; the resolver is the machine's and has no other door."""
    answers: dict[str, list[list[str]]] = {}
    monkeypatch.setattr(socket, "getaddrinfo", Names(answers))
    return answers


def asked(
    url: str, *, network: NetworkSettings = OPEN, seconds: float = 5.0
) -> HttpReply | NoReply:
    async def ask() -> HttpReply | NoReply:
        address = httpx.URL(url)
        context = ssl.create_default_context()
        async with open_shards(address, concurrency=1, context=context, network=network) as pools:
            return await post(pools[0], address, body=b"{}", headers={}, timeout_seconds=seconds)

    return asyncio.run(ask())


def honest(talk: Talk) -> None:
    talk.answer(chat_answer())


def problem(reply: HttpReply | NoReply) -> str:
    assert isinstance(reply, NoReply), reply
    assert reply.error_code == "connection"
    return reply.problem


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254"])
def test_a_name_that_leads_to_metadata_is_not_connected_to(names, address, fault_ledger) -> None:
    fault_ledger.injected("destination", "resolver")
    names["model.example"] = [[address]]
    reply = asked("http://model.example/v1")
    assert "never allowed" in problem(reply)
    assert isinstance(reply, NoReply)
    assert reply.refused


def test_a_decimal_address_is_what_it_resolves_to(fault_ledger) -> None:
    fault_ledger.injected("destination", "resolver")
    # 2852039166 = 169 * 2^24 + 254 * 2^16 + 169 * 2^8 + 254
    assert "never allowed" in problem(asked("http://2852039166/"))


def test_a_name_that_leads_home_is_refused_where_private_addresses_are(names, fault_ledger) -> None:
    fault_ledger.injected("destination", "resolver")
    with HostileServer(honest) as server:
        names["model.example"] = [["127.0.0.1"]]
        url = f"http://model.example:{server.port}/v1"
        assert "a private address" in problem(asked(url, network=CLOSED))
        assert server.heads == []
        assert isinstance(asked(url), HttpReply)


def test_the_address_that_was_checked_is_connected_to_whatever_the_name_says_next(
    names, fault_ledger
) -> None:
    """Rebinding: harmless at the first look, the metadata service at every later one."""
    fault_ledger.injected("rebinding", "resolver")
    with HostileServer(honest) as server:
        names["model.example"] = [["127.0.0.1"], ["169.254.169.254"]]
        url = f"http://model.example:{server.port}/v1"
        assert isinstance(asked(url), HttpReply)
        assert len(server.heads) == 1
        assert "never allowed" in problem(asked(url))


def test_of_several_addresses_only_those_allowed_are_tried(names, fault_ledger) -> None:
    fault_ledger.injected("destination", "resolver")
    with HostileServer(honest) as server:
        names["model.example"] = [["169.254.169.254", "127.0.0.1"]]
        assert isinstance(asked(f"http://model.example:{server.port}/v1"), HttpReply)


def test_the_next_address_is_tried_where_nobody_listens_at_the_first(names) -> None:
    with HostileServer(honest) as server:
        names["model.example"] = [["127.0.0.2", "127.0.0.1"]]
        assert isinstance(asked(f"http://model.example:{server.port}/v1"), HttpReply)


@pytest.mark.parametrize("name", ["nobody.invalid", "a..b", "x" * 300 + ".example"])
def test_a_name_that_does_not_resolve_is_no_connection(name: str, names, fault_ledger) -> None:
    fault_ledger.injected("dns", "resolver")
    names["nobody.invalid"] = [[]]
    assert problem(asked(f"http://{name}/"))


def test_a_run_ends_at_once_with_the_reason_where_its_provider_is_refused(
    names, tmp_path: Path, fault_ledger
) -> None:
    fault_ledger.injected("destination", "run")
    names["model.example"] = [["169.254.169.254"]]
    desk = Desk(tmp_path)
    settings = ProviderSettings(base_url="http://model.example/v1", maximum_attempts=6)
    with pytest.raises(ProviderUnreachableError, match="never allowed"):
        desk.runner_over({"acme": settings}).run([call("question")], purpose="a test")
    assert [row["error_code"] for row in desk.rows()] == ["connection"]


def delivered(url: str, **options: Any) -> Delivered:
    pace = Pace(2.0, 1, sleep=lambda _: None)
    return post_alert(url, b"{}", pace=pace, headers={}, **options)


def test_alerts_go_nowhere_that_is_refused(names, fault_ledger) -> None:
    fault_ledger.injected("destination", "alerts")
    names["hooks.example"] = [["169.254.169.254"]]
    for url in ("http://169.254.169.254/x", "file:///etc/passwd", "http://hooks.example/x"):
        assert delivered(url).error_code == "destination_refused"
    assert delivered("http://127.0.0.1:9/", network=CLOSED).error_code == "destination_refused"
    assert delivered("http://h.example/x", secret_url=True).error_code == "destination_refused"


def test_telemetry_goes_nowhere_that_is_refused(names, fault_ledger) -> None:
    fault_ledger.injected("destination", "telemetry")
    names["collector.example"] = [["169.254.169.254"]]
    for endpoint in ("http://169.254.169.254", "http://collector.example"):
        settings = OtlpSettings(endpoint=endpoint, timeout_seconds=1)
        assert not emit_results([], settings, headers={}, at=NOON).ok
    secret = OtlpSettings(endpoint="http://h.example", header_variables={"key": "K"})
    told = emit_results([], secret, headers={"key": "s"}, at=NOON)
    assert told.error_code == "destination_refused"


def test_a_sandbox_is_not_asked_where_it_may_not_be(names, fault_ledger) -> None:
    fault_ledger.injected("destination", "sandbox")
    names["box.example"] = [["169.254.169.254"]]
    for url in ("http://169.254.169.254/", "http://box.example/"):
        box = Sandbox(CodeScoring(url=url), program=None)
        (score,) = box.scores([ScoreRequest("item", 1, "chat", (), "text", None)])
        assert (score.value, score.error) == (None, "sandbox_unreachable")


def test_the_doctor_tells_what_is_refused(names, fault_ledger) -> None:
    fault_ledger.injected("destination", "doctor")
    names["model.example"] = [["169.254.169.254"]]
    settings = ProviderSettings(base_url="http://model.example/v1")
    assert "never allowed" in str(problem_reaching("acme", settings, secret=lambda _: ""))
    with pytest.raises(SettingsError, match="private"):
        problem_reaching(
            "acme",
            ProviderSettings(base_url="http://10.0.0.7/v1"),
            secret=lambda _: "",
            network=CLOSED,
        )


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize("url", ["http://169.254.169.254", "file:///etc", "https://a:b@s3.example"])
def test_an_object_stores_endpoint_is_looked_at_before_it_is_used(
    monkeypatch: pytest.MonkeyPatch, variable: str, url: str, fault_ledger
) -> None:
    fault_ledger.injected("destination", "object store")
    monkeypatch.setenv(variable, url)
    with pytest.raises(SettingsError, match=variable):
        refuse_endpoints(OPEN)


def test_an_endpoint_on_this_machine_is_an_object_store_like_any(monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
    refuse_endpoints(OPEN)
