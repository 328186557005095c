"""The same faults at the other doors to the world: vectors, batches, alerts, telemetry, sandboxes.

Each ends in bounded time with a code or a sentence, follows nobody elsewhere and holds nothing.
"""

import datetime as dt
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from eval_pipeline.adapters.alerting.pacing import Pace
from eval_pipeline.adapters.alerting.posting import post as post_alert
from eval_pipeline.adapters.batches.api import NoNewsError
from eval_pipeline.adapters.batches.wire import BatchWire
from eval_pipeline.adapters.embeddings import EmbeddingsError, HttpEmbeddings
from eval_pipeline.adapters.model_calls.journal import CallJournal
from eval_pipeline.adapters.model_calls.runner import HttpModelRunner
from eval_pipeline.adapters.network.bodies import BodyDecoder, TooLongError
from eval_pipeline.adapters.providers import ChatProvider
from eval_pipeline.adapters.reachability import problem_reaching
from eval_pipeline.adapters.sandbox import Sandbox
from eval_pipeline.adapters.schema import call_attempts, metadata
from eval_pipeline.adapters.telemetry.otlp import emit_results, export_metrics
from eval_pipeline.errors import ProviderUnreachableError
from eval_pipeline.mirror.wire import completion_of
from eval_pipeline.monitoring.dashboards.metrics import gauge
from eval_pipeline.ports import Message, ModelCall, ModelSpec, ScoreRequest
from eval_pipeline.settings import (
    BatchSettings,
    CodeScoring,
    EmbeddingsSettings,
    OtlpSettings,
    ProviderSettings,
)
from tests.hostile_replies import BODIES, ENCODINGS, LASTING, TRANSPORT, Fault
from tests.hostile_server import Act, HostileServer, Talk, chat_answer, gzip_bomb

NOON = dt.datetime(2026, 11, 18, 12, tzinfo=dt.UTC)
SECONDS = 0.5
BROKEN = [fault for fault in TRANSPORT if fault.kind != "hang" or "mid-body" in fault.name]
BY_NAME = {fault.name: fault for fault in LASTING}


def endless(talk: Talk) -> None:
    talk.send_head("transfer-encoding: chunked")
    while True:
        talk.send(b"10000\r\n" + bytes(65536) + b"\r\n")


def bomb(talk: Talk) -> None:
    talk.send_head("content-encoding: gzip")
    for piece in gzip_bomb(megabytes=500):
        talk.send(piece)


LARGE = [
    Fault("sends chunks without end", "memory", endless, ""),
    Fault("sends a gzip bomb", "memory", bomb, ""),
]


def redirecting(location: str) -> Act:
    return lambda talk: talk.answer(b"", f"location: {location}", status="307 Elsewhere")


@pytest.fixture
def elsewhere():
    """Where a redirect leads; nobody may come there."""
    with HostileServer(lambda talk: talk.answer(chat_answer())) as server:
        yield server
        assert server.heads == []


def embed(port: int) -> list[list[float]]:
    provider = ProviderSettings(
        base_url=f"http://127.0.0.1:{port}/v1",
        attempt_timeout_seconds=SECONDS,
        maximum_attempts=2,
        maximum_wait_seconds=0.02,
        key_variable="KEY",
    )
    settings = EmbeddingsSettings(provider="acme", model="small")
    vectors = HttpEmbeddings(
        settings, provider, secret=lambda _: "sk-secret", clock=lambda: dt.datetime.now(dt.UTC)
    )
    return vectors.vectors(["one text", "another"]).tolist()


@pytest.mark.parametrize("fault", [*BROKEN, *ENCODINGS, *LARGE], ids=lambda fault: fault.name)
def test_vectors_come_whole_or_with_a_sentence(fault: Fault, fault_ledger) -> None:
    fault_ledger.injected(fault.kind, "embeddings")
    with HostileServer(fault.act) as server:
        with pytest.raises((EmbeddingsError, ProviderUnreachableError)) as failure:
            embed(server.port)
        assert "one text" not in str(failure.value)
        server.act = vectors_of(lambda texts: [[float(len(text)), 1.0] for text in texts])
        assert len(embed(server.port)) == 2


def vectors_of(made: Callable[[list[str]], Any], **changes: Any) -> Act:
    def act(talk: Talk) -> None:
        rows = made(talk.json["input"])
        data = [{"index": index, "embedding": row} for index, row in enumerate(rows)]
        talk.answer(json.dumps({"data": data, **changes}).encode())

    return act


NO_VECTORS = {
    "a NaN": lambda texts: [[float("nan"), 1.0] for _ in texts],
    "an infinity": lambda texts: [[float("inf"), 1.0] for _ in texts],
    "one too few": lambda texts: [[1.0, 2.0]],
    "one too many": lambda texts: [[1.0, 2.0]] * 3,
    "an empty one": lambda texts: [[], []],
    "words": lambda texts: [["a", "b"]] * 2,
    "lists": lambda texts: [[[1.0], [2.0]]] * 2,
    "nulls": lambda texts: [None, None],
    "a number of four hundred digits": lambda texts: [[10**400, 1]] * 2,
    "several lengths": lambda texts: [[1.0], [1.0, 2.0]],
}


@pytest.mark.parametrize("name", NO_VECTORS)
def test_what_is_no_vector_is_refused(name: str, fault_ledger) -> None:
    fault_ledger.injected("body", "embeddings")
    with HostileServer(vectors_of(NO_VECTORS[name])) as server, pytest.raises(EmbeddingsError):
        embed(server.port)


def test_vectors_follow_no_redirect(elsewhere: HostileServer, fault_ledger) -> None:
    fault_ledger.injected("redirect", "embeddings")
    with (
        HostileServer(redirecting(f"{elsewhere.url}/v1/embeddings")) as server,
        pytest.raises(EmbeddingsError),
    ):
        embed(server.port)


def alert(port: int) -> tuple[str | None, int]:
    pace = Pace(2 * SECONDS, 2, sleep=lambda _: None)
    told = post_alert(f"http://127.0.0.1:{port}/hook", b"{}", pace=pace, headers={})
    return told.error_code, told.attempts


def gone_wrong(fault: Fault) -> bool:
    """Whether the fault is in the head, which is all that is read of an answer to a post."""
    return fault.code in {"timeout", "connection"} and not any(
        word in fault.name for word in ("body", "chunk", "after its headers", "promises")
    )


HEADS = [fault for fault in BROKEN if gone_wrong(fault)]


@pytest.mark.parametrize("fault", HEADS, ids=lambda fault: fault.name)
def test_an_alert_that_is_not_taken_has_a_code(fault: Fault, fault_ledger) -> None:
    fault_ledger.injected(fault.kind, "alerts")
    with HostileServer(fault.act) as server:
        code, _ = alert(server.port)
        assert code is not None
        assert str(server.port) not in code
        server.act = lambda talk: talk.answer(b"ok")
        assert alert(server.port)[0] is None


@pytest.mark.parametrize("fault", LARGE, ids=lambda fault: fault.name)
def test_of_an_answer_to_an_alert_only_the_head_is_read(fault: Fault, fault_ledger) -> None:
    fault_ledger.injected(fault.kind, "alerts")
    with HostileServer(fault.act) as server:
        assert alert(server.port) == (None, 1)


def test_alerts_follow_no_redirect(elsewhere: HostileServer, fault_ledger) -> None:
    fault_ledger.injected("redirect", "alerts")
    with HostileServer(redirecting(f"{elsewhere.url}/hook")) as server:
        assert alert(server.port)[0] == "http_307"


def telemetry(port: int) -> bool:
    settings = OtlpSettings(
        endpoint=f"http://127.0.0.1:{port}",
        timeout_seconds=SECONDS,
        header_variables={"api-key": "KEY"},
    )
    headers = {"api-key": "sk-secret"}
    metrics = [gauge("eval_pipeline_test", "A test.", [({}, 1.0)])]
    results = emit_results([], settings, headers=headers, at=NOON)
    return results.ok or export_metrics(metrics, settings, headers=headers).ok


@pytest.mark.parametrize(
    "fault", [BY_NAME["drips its headers for ever"], *HEADS[-6:]], ids=lambda fault: fault.name
)
def test_telemetry_that_is_not_taken_is_told_and_breaks_nothing(fault: Fault, fault_ledger) -> None:
    fault_ledger.injected(fault.kind, "telemetry")
    with HostileServer(fault.act) as server:
        assert not telemetry(server.port)


@pytest.mark.parametrize("fault", LARGE, ids=lambda fault: fault.name)
def test_of_a_collectors_answer_only_the_head_is_read(fault: Fault, fault_ledger) -> None:
    fault_ledger.injected(fault.kind, "telemetry")
    with HostileServer(fault.act) as server:
        assert telemetry(server.port)


@pytest.mark.parametrize("status", ["301", "302", "307", "308"])
def test_telemetry_and_its_key_follow_no_redirect(elsewhere, status: str, fault_ledger) -> None:
    fault_ledger.injected("redirect", "telemetry")
    location = f"location: {elsewhere.url}/v1/logs"
    with HostileServer(lambda talk: talk.answer(b"", location, status=f"{status} Go")) as server:
        assert not telemetry(server.port)


def sandboxed(port: int) -> tuple[float | None, str | None]:
    settings = CodeScoring(url=f"http://127.0.0.1:{port}/", timeout_seconds=SECONDS)
    request = ScoreRequest("item", 1, "chat", (), "text", None)
    (score,) = Sandbox(settings, program=None).scores([request])
    return score.value, score.error


@pytest.mark.parametrize("fault", [*BROKEN, *LARGE], ids=lambda fault: fault.name)
def test_a_sandbox_that_fails_is_a_code_and_no_score(fault: Fault, fault_ledger) -> None:
    fault_ledger.injected(fault.kind, "sandbox")
    with HostileServer(fault.act) as server:
        value, code = sandboxed(server.port)
    assert value is None
    assert code is not None
    assert code.startswith("sandbox_")


def test_a_sandbox_follows_no_redirect(elsewhere: HostileServer, fault_ledger) -> None:
    fault_ledger.injected("redirect", "sandbox")
    with HostileServer(redirecting(elsewhere.url)) as server:
        assert sandboxed(server.port) == (None, "sandbox_failed")


@pytest.mark.parametrize(
    "fault", [*HEADS, *LARGE, *(each for each in BODIES if "nested" in each.name)],
    ids=lambda fault: fault.name,
)  # fmt: skip
def test_the_doctor_comes_back(fault: Fault, monkeypatch, fault_ledger) -> None:
    fault_ledger.injected(fault.kind, "doctor")
    monkeypatch.setattr("eval_pipeline.adapters.reachability.TIMEOUT_SECONDS", SECONDS)
    with HostileServer(fault.act) as server:
        settings = ProviderSettings(base_url=f"http://127.0.0.1:{server.port}/v1")
        told = problem_reaching("acme", settings, secret=lambda _: "")
    if fault in HEADS:
        assert "cannot be reached" in str(told)


def wire(port: int, **changes: Any) -> BatchWire:
    chosen = {"attempt_timeout_seconds": SECONDS, "total_timeout_seconds": SECONDS}
    settings = ProviderSettings(base_url=f"http://127.0.0.1:{port}/v1", **(chosen | changes))
    provider = ChatProvider("acme", settings, secret=lambda _: "")
    return BatchWire(provider, clock=lambda: NOON, sleep=lambda _: None)


NO_NEWS = [*BROKEN, *ENCODINGS[:13], *LARGE]


@pytest.mark.parametrize("fault", NO_NEWS, ids=lambda fault: fault.name)
def test_a_batch_api_that_fails_gives_no_news(fault: Fault, fault_ledger) -> None:
    fault_ledger.injected(fault.kind, "batches")
    with HostileServer(fault.act) as server:
        batches = wire(server.port)
        if fault.name != "says too short a length":
            with pytest.raises(NoNewsError):
                batches.get("/batches/one")
            batches.close()
            batches = wire(server.port)
        else:
            assert batches.get("/batches/one")["model"] == "chat-served"
        server.act = lambda talk: talk.answer(b'{"id": "two"}')
        assert batches.get("/batches/two") == {"id": "two"}
        batches.close()


@pytest.mark.parametrize(
    "fault", [BY_NAME["drips its body for ever"], *LARGE[1:]], ids=lambda fault: fault.name
)
def test_results_that_never_end_are_given_up(fault: Fault, monkeypatch, fault_ledger) -> None:
    fault_ledger.injected(fault.kind, "batch results")
    monkeypatch.setattr("eval_pipeline.adapters.batches.wire.LARGEST_RESULTS_BYTES", 2**25)
    with HostileServer(fault.act) as server, pytest.raises(NoNewsError):
        list(wire(server.port, total_timeout_seconds=5).lines("/files/out/content"))


class LyingBatches:
    """An OpenAI-style batch API whose results are what a test makes of the honest lines."""

    def __init__(self, told: Callable[[list[bytes]], bytes]) -> None:
        self._told = told
        self.requests: dict[str, Any] = {}
        self.single = 0

    def __call__(self, talk: Talk) -> None:
        method, path = talk.head.split(" ", 2)[:2]
        if path == "/v1/files":
            start = talk.body.index(b'{"custom_id"')
            lines = talk.body[start : talk.body.rindex(b"\n--") - 1].splitlines()
            self.requests = {json.loads(line)["custom_id"]: json.loads(line) for line in lines}
            talk.answer(b'{"id": "file-in"}')
        elif path == "/v1/chat/completions":
            self.single += 1
            talk.answer(chat_answer("alone"))
        elif path.startswith("/v1/files/") and method == "GET":
            talk.answer(self._told([self._line(name) for name in self.requests]))
        elif method == "DELETE":
            talk.answer(b"{}")
        else:
            batch = {"id": "batch_1", "status": "completed", "output_file_id": "out"}
            talk.answer(json.dumps(batch).encode())

    @staticmethod
    def _line(name: str) -> bytes:
        response = {"status_code": 200, "body": json.loads(chat_answer("by batch"))}
        return json.dumps({"custom_id": name, "response": response}).encode()


UNKNOWN = LyingBatches._line("0123456789abcdef-" + "0" * 32)
LIES: dict[str, tuple[Callable[[list[bytes]], bytes], int]] = {
    # What is told, and how many of ten calls are answered by the batch.
    "unknown ids": (lambda lines: b"\n".join([UNKNOWN] * 50 + lines), 10),
    "only unknown ids": (lambda lines: b"\n".join([UNKNOWN] * 50), 0),
    "everything twice": (lambda lines: b"\n".join(lines * 2), 10),
    "two answers to one": (
        lambda lines: b"\n".join([*lines, lines[0].replace(b"by batch", b"another")]), 10,
    ),
    "half of them": (lambda lines: b"\n".join(lines[:5]), 5),
    "nothing": (lambda lines: b"", 0),
    "a last line cut off": (lambda lines: b"\n".join(lines)[:-30], 9),
    "garbage between": (b"\n\xff{{[\n".join, 10),
    "NUL bytes between": (b"\n\x00\x00\n".join, 10),
    "HTML": (lambda lines: b"<html>Sorry</html>", 0),
    "one JSON list": (lambda lines: b"[" + b",".join(lines) + b"]", 0),
    "ids that are no words": (lambda lines: b'{"custom_id": [1]}\n' + b"\n".join(lines), 10),
    "a status that is no number": (
        lambda lines: b"\n".join(line.replace(b"200", b'"fine"') for line in lines), 0,
    ),
    "an absurd status": (
        lambda lines: b"\n".join(line.replace(b"200", b"9" * 30) for line in lines), 0,
    ),
    "bodies that are no objects": (
        lambda lines: b"\n".join(
            json.dumps(json.loads(line) | {"response": {"status_code": 200, "body": [1]}}).encode()
            for line in lines
        ), 0,
    ),
    "nested a hundred thousand deep": (
        lambda lines: b'{"custom_id":' + b"[" * 100_000 + b"\n" + b"\n".join(lines), 10,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_a_batch_that_lies_is_believed_in_nothing_and_paid_once(
    name: str, tmp_path: Path, fault_ledger
) -> None:
    fault_ledger.injected("lying batch", "batches")
    told, by_batch = LIES[name]
    lying = LyingBatches(told)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'store.sqlite'}")
    metadata.create_all(engine)
    calls = [
        ModelCall(
            scope="drift:2026-11-16",
            system_id="assistant",
            item_id=f"item {number}",
            spec=ModelSpec("acme", "chat", (), 1.0, 2.0),
            messages=(Message("user", f"question {number}"),),
        )
        for number in range(10)
    ]
    with HostileServer(lying) as server:
        settings = ProviderSettings(
            base_url=f"http://127.0.0.1:{server.port}/v1",
            maximum_wait_seconds=0.02,
            maximum_attempts=2,
            batch=BatchSettings(minimum_calls=5, poll_seconds=0.02),
        )
        runner = HttpModelRunner(
            {"acme": settings},
            journal=CallJournal(engine),
            redact=lambda texts: [text for text, _ in texts],
            secret=lambda _: "",
            clock=lambda: dt.datetime.now(dt.UTC),
        )
        outcomes = runner.run(calls, purpose="a batch")
        again = runner.run(calls, purpose="a batch")
    texts = [outcome.text for outcome in outcomes]
    assert texts.count("by batch") == by_batch
    assert texts.count("alone") == 10 - by_batch
    assert [outcome.text for outcome in again] == texts
    assert lying.single == 10 - by_batch
    with engine.connect() as connection:
        answered = sa.select(sa.func.count()).where(call_attempts.c.status == "answered")
        assert connection.execute(answered).scalar_one() == 10
    engine.dispose()


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_a_mirrored_answer_does_not_unfold_in_the_mirror(encoding: str, fault_ledger) -> None:
    fault_ledger.injected("memory", "mirror")
    packed = b"".join(gzip_bomb(megabytes=64))
    assert completion_of(packed, content_type="application/json", encoding=encoding) is None


@pytest.mark.parametrize("encoding", ["deflate", "br", "zstd", "banana"])
def test_a_mirrored_answer_in_another_encoding_is_not_read(encoding: str, fault_ledger) -> None:
    fault_ledger.injected("encoding", "mirror")
    assert completion_of(chat_answer(), content_type="application/json", encoding=encoding) is None


def test_a_decoder_holds_its_limit_to_the_byte() -> None:
    def decoded(content: bytes, *, largest: int) -> bytes:
        decoder = BodyDecoder("gzip", largest=largest)
        packing = zlib.compressobj(9, zlib.DEFLATED, 31)
        packed = packing.compress(content) + packing.flush()
        pieces = [piece for byte in packed for piece in decoder.pieces(bytes([byte]))]
        decoder.finish()
        return b"".join(pieces)

    assert decoded(b"a" * 100, largest=100) == b"a" * 100
    with pytest.raises(TooLongError):
        decoded(b"a" * 101, largest=100)
