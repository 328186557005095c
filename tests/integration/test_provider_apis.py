"""Each API end to end: a loopback server that speaks it and checks what it is asked."""

import datetime as dt
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from eval_pipeline.adapters.embeddings import HttpEmbeddings
from eval_pipeline.adapters.model_calls.journal import CallJournal
from eval_pipeline.adapters.model_calls.runner import HttpModelRunner
from eval_pipeline.adapters.reachability import problem_reaching
from eval_pipeline.adapters.schema import metadata
from eval_pipeline.judging.parsing import PREFERENCE_SCHEMA
from eval_pipeline.ports import CallOutcome, Message, ModelCall, ModelSpec
from eval_pipeline.settings import EmbeddingsSettings, ProviderSettings

PREFERRED = '{"rationale": "short", "preference": "a"}'
KEY = "sk-secret-1"


@dataclass(frozen=True)
class Asked:
    """One request as the server saw it; the body is null for a GET."""

    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Served:
    """A server that answers as it is told; `asked` keeps what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)


Answer = tuple[int, dict[str, Any], dict[str, str]]


@contextmanager
def served(answer: Callable[[Asked, int], Answer]) -> Iterator[Served]:
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.path, headers, json.loads(body) if body else None)
            with lock:
                told.asked.append(asked)
                status, reply, more = answer(asked, len(told.asked))
            data = json.dumps(reply).encode()
            self.send_response(status)
            for name, value in {**more, "content-length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *parts: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told = Served(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[CallJournal]:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'store.sqlite'}")
    metadata.create_all(engine)
    yield CallJournal(engine)
    engine.dispose()


def settings(base_url: str, **chosen: Any) -> ProviderSettings:
    given = {"base_url": base_url, "key_variable": "KEY", "maximum_wait_seconds": 0.02} | chosen
    return ProviderSettings.model_validate(given)


def ask(journal: CallJournal, provider: ProviderSettings) -> CallOutcome:
    runner = HttpModelRunner(
        {"cloud": provider},
        journal=journal,
        redact=lambda texts: [text for text, _ in texts],
        secret={"KEY": KEY}.__getitem__,
        clock=lambda: dt.datetime.now(dt.UTC),
        version_headers=("x-model-version",),
    )
    call = ModelCall(
        "2026-11-16",
        "judge",
        "item-1",
        ModelSpec("cloud", "large", (("temperature", 0), ("max_tokens", 64)), 1.0, 2.0),
        (Message("system", "Judge."), Message("user", "Good?")),
        output_schema=PREFERENCE_SCHEMA,
    )
    (outcome,) = runner.run([call], purpose="a test")
    return outcome


CHAT_BODY = {
    "model": "large-1",
    "choices": [{"message": {"content": PREFERRED}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 10},
}
RESPONSES_BODY = {
    "model": "large-1",
    "status": "completed",
    "error": None,
    "output": [{"type": "message", "content": [{"type": "output_text", "text": PREFERRED}]}],
    "usage": {"input_tokens": 100, "output_tokens": 10},
}
ANTHROPIC_BODY = {
    "type": "message",
    "model": "large-1",
    "content": [{"type": "text", "text": PREFERRED}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 40, "cache_read_input_tokens": 60, "output_tokens": 10},
}
GEMINI_BODY = {
    "candidates": [{"content": {"parts": [{"text": PREFERRED}]}, "finishReason": "STOP"}],
    "usageMetadata": {
        "promptTokenCount": 100,
        "candidatesTokenCount": 4,
        "thoughtsTokenCount": 6,
    },
    "modelVersion": "large-1",
}
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
EXHAUSTED = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "busy"}}
LIMITED = {"error": {"code": "rate_limit_exceeded", "message": "busy"}}


@pytest.mark.parametrize(
    ("chosen", "path", "key", "passing", "body", "form"),
    [
        (
            {"api": "openai_chat"},
            "/v1/chat/completions",
            ("authorization", f"Bearer {KEY}"),
            (429, LIMITED),
            CHAT_BODY,
            lambda sent: sent["response_format"]["json_schema"]["strict"],
        ),
        (
            {
                "api": "openai_chat",
                "key_header": "api-key",
                "query": {"api-version": "2024-10-21"},
                "base_url": "SERVER/openai/deployments/{model}",
            },
            "/openai/deployments/large/chat/completions?api-version=2024-10-21",
            ("api-key", KEY),
            (429, LIMITED),
            CHAT_BODY,
            lambda sent: sent["response_format"]["json_schema"]["strict"],
        ),
        (
            {"api": "openai_responses"},
            "/v1/responses",
            ("authorization", f"Bearer {KEY}"),
            (500, LIMITED),
            RESPONSES_BODY,
            lambda sent: sent["text"]["format"]["strict"] and sent["store"] is False,
        ),
        (
            {"api": "anthropic"},
            "/v1/messages",
            ("x-api-key", KEY),
            (529, OVERLOADED),
            ANTHROPIC_BODY,
            lambda sent: sent["output_config"]["format"]["type"] == "json_schema",
        ),
        (
            {"api": "gemini"},
            "/v1/models/large:generateContent",
            ("x-goog-api-key", KEY),
            (429, EXHAUSTED),
            GEMINI_BODY,
            lambda sent: sent["generationConfig"]["responseJsonSchema"]["required"],
        ),
    ],
    ids=["openai_chat", "azure", "openai_responses", "anthropic", "gemini"],
)
def test_an_api_is_asked_again_after_a_passing_fault_and_its_answer_is_recorded(
    journal: CallJournal,
    chosen: dict[str, Any],
    path: str,
    key: tuple[str, str],
    passing: tuple[int, dict[str, Any]],
    body: dict[str, Any],
    form: Callable[[dict[str, Any]], bool],
) -> None:
    def once_busy(asked: Asked, number: int) -> Answer:
        return (*passing, {"retry-after": "0.01"}) if number == 1 else (200, body, {})

    with served(once_busy) as server:
        chosen = {"base_url": f"{server.url}/v1"} | chosen
        chosen["base_url"] = chosen["base_url"].replace("SERVER", server.url)
        outcome = ask(journal, settings(**chosen))
    assert (outcome.status, outcome.text, outcome.attempts) == ("answered", PREFERRED, 2)
    assert (outcome.served_model, outcome.finish_reason) == ("large-1", "stop")
    assert (outcome.input_tokens, outcome.output_tokens) == (100, 10)
    # 100 tokens at 1 and 10 at 2 a million
    assert outcome.cost_usd == pytest.approx(0.00012)
    first, second = server.asked
    assert (first.path, first.headers[key[0]], first.body) == (path, key[1], second.body)
    assert form(first.body)


def test_azures_filter_is_a_refusal_and_is_not_asked_again(journal: CallJournal) -> None:
    filtered = {"error": {"code": "content_filter", "message": "filtered", "status": 400}}
    with served(lambda asked, number: (400, filtered, {})) as server:
        outcome = ask(journal, settings(f"{server.url}/openai/v1", key_header="api-key"))
    assert (outcome.status, outcome.finish_reason) == ("refused", "content_filter")
    assert len(server.asked) == 1


@pytest.mark.parametrize("api", ["openai_chat", "anthropic", "gemini"])
def test_a_redirect_takes_the_key_nowhere(journal: CallJournal, api: str) -> None:
    with served(lambda asked, number: (200, CHAT_BODY, {})) as elsewhere:

        def away(asked: Asked, number: int) -> Answer:
            return 307, {}, {"location": f"{elsewhere.url}/v1/chat/completions"}

        with served(away) as server:
            provider = settings(f"{server.url}/v1", api=api)
            outcome = ask(journal, provider)
            told = problem_reaching("cloud", provider, secret={"KEY": KEY}.__getitem__)
    assert (outcome.status, outcome.error_code) == ("failed", "bad_response")
    assert elsewhere.asked == []
    assert told is not None
    assert "redirects" in told
    assert KEY not in told


def test_geminis_vectors_come_in_the_order_of_the_texts() -> None:
    def vectors(asked: Asked, number: int) -> Answer:
        texts = [one["content"]["parts"][0]["text"] for one in asked.body["requests"]]
        return 200, {"embeddings": [{"values": [len(text), 0.0]} for text in texts]}, {}

    with served(vectors) as server:
        adapter = HttpEmbeddings(
            EmbeddingsSettings(provider="cloud", model="embedder", batch=2),
            settings(f"{server.url}/v1beta", api="gemini", query={"a": "b"}),
            secret={"KEY": KEY}.__getitem__,
            clock=lambda: dt.datetime(2026, 1, 5, tzinfo=dt.UTC),
        )
        found = adapter.vectors(["ccc", "a", ""])
    assert found.tolist() == [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]
    (asked,) = server.asked
    assert asked.path == "/v1beta/models/embedder:batchEmbedContents?a=b"
    assert asked.headers["x-goog-api-key"] == KEY
    assert [one["model"] for one in asked.body["requests"]] == ["models/embedder"] * 2


@pytest.mark.parametrize(
    ("api", "status", "body", "told"),
    [
        ("openai_chat", 200, {"data": []}, None),
        ("openai_chat", 404, {}, None),
        ("openai_chat", 401, {}, "refuses the key (401)"),
        ("anthropic", 200, {"data": []}, None),
        ("anthropic", 529, OVERLOADED, "answers with 529"),
        ("gemini", 200, {"models": []}, None),
        (
            "gemini",
            400,
            {"error": {"code": 400, "details": [{"reason": "API_KEY_INVALID"}]}},
            "refuses the key (400)",
        ),
    ],
)
def test_the_doctor_asks_for_the_list_of_models_with_the_apis_own_key(
    api: str, status: int, body: dict[str, Any], told: str | None
) -> None:
    keys = {"openai_chat": "authorization", "anthropic": "x-api-key", "gemini": "x-goog-api-key"}
    with served(lambda asked, number: (status, body, {})) as server:
        provider = settings(f"{server.url}/v1", api=api, query={"token": "t"})
        found = problem_reaching("cloud", provider, secret={"KEY": KEY}.__getitem__)
    assert found == (None if told is None else f"{server.url}/v1/models {told}")
    (asked,) = server.asked
    assert asked.path == "/v1/models?token=t"
    assert asked.headers[keys[api]].endswith(KEY)
