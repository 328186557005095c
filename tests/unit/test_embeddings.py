"""The embeddings adapter against a real HTTP server on loopback."""

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from eval_pipeline.adapters.embeddings import EmbeddingsError, HttpEmbeddings
from eval_pipeline.errors import ProviderAccessError, ProviderUnreachableError
from eval_pipeline.settings import EmbeddingsSettings, ProviderSettings

Answer = Callable[[dict[str, Any], int], tuple[int, Any]]


@dataclass
class Endpoint:
    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)


def vector(text: str) -> list[float]:
    return [float(len(text)), 1.0]


def well(request: dict[str, Any], number: int) -> tuple[int, Any]:
    entries = [
        {"index": index, "embedding": vector(text)} for index, text in enumerate(request["input"])
    ]
    return 200, {"data": entries[::-1], "model": request["model"]}


@contextmanager
def served(answer: Answer) -> Iterator[Endpoint]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            with lock:
                endpoint.requests.append(body)
                endpoint.paths.append(self.path)
                endpoint.keys.append(self.headers["authorization"])
                status, reply = answer(body, len(endpoint.requests))
            data = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
            self.send_response(status)
            if status == 429:
                self.send_header("retry-after", "0.01")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *parts: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    endpoint = Endpoint(f"http://127.0.0.1:{server.server_port}/v1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def adapter(url: str, **changes: Any) -> HttpEmbeddings:
    provider = {"base_url": url, "key_variable": "A_KEY", "maximum_wait_seconds": 0.02}
    return HttpEmbeddings(
        EmbeddingsSettings(provider="cloud", model="small", batch=changes.pop("batch", 64)),
        ProviderSettings.model_validate({**provider, **changes}),
        secret=lambda variable: "s3cret",
        clock=lambda: dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
    )


def test_every_text_gets_its_own_vector_of_length_one_whatever_the_order_of_the_reply():
    texts = ["three", "a", "", "a", "longer text"]
    with served(well) as endpoint:
        found = adapter(endpoint.url, batch=2).vectors(texts)
    expected = [
        np.array(vector(text)) / np.linalg.norm(vector(text)) if text else np.zeros(2)
        for text in texts
    ]
    assert np.allclose(found, expected, atol=1e-6)
    assert set(endpoint.paths) == {"/v1/embeddings"}
    assert set(endpoint.keys) == {"Bearer s3cret"}


def test_equal_texts_are_sent_once_in_batches_of_the_configured_size():
    with served(well) as endpoint:
        adapter(endpoint.url, batch=2, concurrency=1).vectors(["c", "a", "b", "a", "c", " "])
    assert [request["input"] for request in endpoint.requests] == [["a", "b"], ["c"]]


def test_a_rate_limit_and_a_server_error_are_asked_again():
    def unsteady(request: dict[str, Any], number: int) -> tuple[int, Any]:
        return {1: (429, {}), 2: (503, {}), 3: (200, {"data": []})}.get(
            number, well(request, number)
        )

    with served(unsteady) as endpoint:
        found = adapter(endpoint.url).vectors(["ab"])
    assert found.shape == (1, 2)
    assert len(endpoint.requests) == 4


@pytest.mark.parametrize(
    "reply",
    [
        (200, b"not json"),
        (200, {"data": [{"index": 0, "embedding": []}]}),
        (200, {"data": [{"index": 1, "embedding": [1.0]}]}),
        (200, b'{"data": [{"index": 0, "embedding": [NaN]}]}'),
        (400, {"error": {"message": "my private text is too long"}}),
    ],
)
def test_what_is_no_vector_is_an_error_that_quotes_neither_text_nor_reply(reply):
    with (
        served(lambda request, number: reply) as endpoint,
        pytest.raises(EmbeddingsError, match=r"'cloud'.*'small'.*Nothing was written") as raised,
    ):
        adapter(endpoint.url, maximum_attempts=2).vectors(["my private text"])
    assert "private" not in str(raised.value)


def test_vectors_of_several_lengths_are_refused():
    def uneven(request: dict[str, Any], number: int) -> tuple[int, Any]:
        return 200, {"data": [{"index": 0, "embedding": [1.0] * number}]}

    with served(uneven) as endpoint, pytest.raises(EmbeddingsError, match="several lengths"):
        adapter(endpoint.url, batch=1).vectors(["a", "b"])


def test_a_refused_key_is_told_as_such():
    with (
        served(lambda request, number: (401, {})) as endpoint,
        pytest.raises(ProviderAccessError, match="A_KEY"),
    ):
        adapter(endpoint.url).vectors(["a"])
    assert len(endpoint.requests) == 1


def test_nobody_listening_is_told_after_the_attempts():
    with pytest.raises(ProviderUnreachableError, match="'cloud'"):
        adapter("http://127.0.0.1:9/v1", maximum_attempts=2).vectors(["a"])


def test_without_a_text_nothing_is_sent():
    assert adapter("http://127.0.0.1:9/v1").vectors(["", "  "]).tolist() == [[0.0], [0.0]]
