"""The batch APIs of three providers on loopback, in memory, misbehaving as they are told to."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

Request = dict[str, Any]
Fate = Callable[[str], str]
"""What becomes of the request with this prompt: answer, overloaded, bad, expired or missing."""


@dataclass
class Batch:
    """One batch as the server holds it."""

    batch_id: str
    requests: dict[str, Request]
    tag: str | None
    polls: int = 0
    cancelled: bool = False
    created: float = field(default_factory=time.time)


@dataclass
class BatchApiServer:
    """What the server was asked, and how it is to behave; `url` is where the API starts.

    `accepted` counts the requests of every accepted batch by prompt, `single` those asked one by
    one. `refusals` are the statuses of the first submissions; `lost` answers of submissions
    are accepted and never answered. `on(event)` runs before the answer to: upload, submit,
    accepted, poll, list, results, half; where it says true of a submission, that is not taken.
    """

    polls_needed: int = 2
    fate: Fate = field(default=lambda prompt: "answer")
    refusals: list[int] = field(default_factory=list)
    lost: int = 0
    rejects: bool = False
    never_ends: bool = False
    padding: int = 0
    on: Callable[[str], object] = field(default=lambda event: None)
    accepted: Counter[str] = field(default_factory=Counter)
    single: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    batches: dict[str, Batch] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    broken_downloads: int = 0
    deleted: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def paid(self) -> Counter[str]:
        """How often each prompt was sent to a model."""
        return self.accepted + self.single

    def event(self, name: str) -> bool:
        self.seen[name] += 1
        return self.on(name) is True

    def accept(self, requests: dict[str, Request], tag: str | None, prefix: str) -> Batch | None:
        """The accepted batch; null where its answer is to be lost."""
        batch = Batch(f"{prefix}{len(self.batches) + 1}", requests, tag)
        self.batches[batch.batch_id] = batch
        self.accepted.update(prompt_of(request) for request in requests.values())
        self.event("accepted")
        if self.lost:
            self.lost -= 1
            return None
        return batch

    def has_ended(self, batch: Batch, *, polled: bool) -> bool:
        if polled:
            batch.polls += 1
            self.event("poll")
        if self.never_ends:
            return batch.cancelled
        return batch.cancelled or batch.polls >= self.polls_needed

    def told(self, batch: Batch) -> Iterator[tuple[str, Request, str]]:
        """Name, request and fate of each request of an ended batch, last first."""
        for name, request in reversed(batch.requests.items()):
            fate = self.fate(prompt_of(request))
            if fate != "missing":
                yield name, request, fate


def prompt_of(request: Request) -> str:
    if "contents" in request:
        return str(request["contents"][-1]["parts"][0]["text"])
    return str(request["input" if "input" in request else "messages"][-1]["content"])


class _Server(ThreadingHTTPServer):
    """Takes as many connections at once as a runner opens."""

    daemon_threads = True
    request_queue_size = 128


@contextmanager
def batch_api(**behaviour: Any) -> Iterator[BatchApiServer]:
    """A running server."""
    state = BatchApiServer(**behaviour)
    server = _Server(("127.0.0.1", 0), type("Bound", (Handler,), {"state": state}))
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


class Handler(BaseHTTPRequestHandler):
    """All three APIs under one address; `state` is the server's."""

    state: BatchApiServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Says nothing."""

    def do_GET(self) -> None:
        self._serve(b"")

    def do_DELETE(self) -> None:
        self.state.deleted.append(self.path.rpartition("/")[2])
        self._json({"deleted": True})

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("content-length", 0))))

    def _serve(self, body: bytes) -> None:
        path = urlsplit(self.path).path.removeprefix("/v1")
        with suppress(ConnectionError):
            if path.startswith("/messages/batches"):
                self._anthropic(path.removeprefix("/messages/batches").strip("/"), body)
            elif path in {"/chat/completions", "/messages"} or path.endswith(":generateContent"):
                self._single(json.loads(body))
            elif ":batchGenerateContent" in path or path.startswith("/batches/gem"):
                self._gemini(path, body)
            elif path == "/batches" and "pageSize" in self.path:
                self._json({"operations": [gemini_batch(self.state, each) for each in self._new()]})
            else:
                self._openai(path, body)

    def _single(self, request: Request) -> None:
        self.state.single[prompt_of(request)] += 1
        if "max_tokens" in request:
            return self._json(anthropic_message(self.state, request))
        if "contents" in request:
            return self._json(gemini_answer(self.state, request))
        return self._json(completion(self.state, request))

    def _openai(self, path: str, body: bytes) -> None:
        state = self.state
        parts = path.strip("/").split("/")
        if parts == ["files"]:
            start = body.index(b'{"custom_id"')
            state.files["file-in"] = body[start : body.rindex(b"\n--") - 1]
            state.event("upload")
            return self._json({"id": "file-in"})
        if parts[0] == "files":
            return self._lines(openai_lines(state, parts[1]))
        if self.command == "POST" and parts == ["batches"]:
            if self._refused():
                return None
            asked = json.loads(body)
            lines = [json.loads(line) for line in state.files["file-in"].splitlines()]
            requests = {line["custom_id"]: line["body"] for line in lines}
            made = state.accept(requests, asked["metadata"]["eval_pipeline_batch"], "batch_")
            return self._hang_up() if made is None else self._json(openai_batch(state, made))
        if parts == ["batches"]:
            listed = [openai_batch(state, each) for each in self._new()]
            return self._json({"data": listed, "has_more": False})
        return self._one(parts[1], parts[2:], openai_batch)

    def _anthropic(self, path: str, body: bytes) -> None:
        state = self.state
        if self.command == "POST" and not path:
            if self._refused():
                return None
            requests = {each["custom_id"]: each["params"] for each in json.loads(body)["requests"]}
            made = state.accept(requests, None, "msgbatch_")
            return self._hang_up() if made is None else self._json(anthropic_batch(state, made))
        if not path:
            listed = [anthropic_batch(state, each) for each in self._new()]
            return self._json({"data": listed, "has_more": False})
        name, _, rest = path.partition("/")
        if rest == "results":
            return self._lines(anthropic_lines(state, state.batches[name]))
        return self._one(name, [rest] if rest else [], anthropic_batch)

    def _gemini(self, path: str, body: bytes) -> None:
        state = self.state
        if path.endswith(":batchGenerateContent"):
            if self._refused():
                return None
            asked = json.loads(body)["batch"]
            requests = {
                each["metadata"]["key"]: each["request"]
                for each in asked["inputConfig"]["requests"]["requests"]
            }
            made = state.accept(requests, asked["displayName"], "batches/gem")
            return self._hang_up() if made is None else self._json(gemini_batch(state, made))
        name, _, verb = path.strip("/").partition(":")
        return self._one(name, [verb] if verb else [], gemini_batch)

    def _one(
        self, name: str, rest: list[str], shown: Callable[[BatchApiServer, Batch], Any]
    ) -> None:
        batch = self.state.batches.get(name)
        if batch is None:
            return self._json({"error": {"code": "not_found"}}, status=404)
        if rest == ["cancel"]:
            batch.cancelled = True
        else:
            self.state.has_ended(batch, polled=True)
        return self._json(shown(self.state, batch))

    def _new(self) -> list[Batch]:
        self.state.event("list")
        for batch in self.state.batches.values():
            batch.polls += 1
        return list(reversed(self.state.batches.values()))

    def _refused(self) -> bool:
        if self.state.event("submit"):
            self._hang_up()
            return True
        if not self.state.refusals:
            return False
        self._json({"error": {"code": "no"}}, status=self.state.refusals.pop(0))
        return True

    def _hang_up(self) -> None:
        self.close_connection = True

    def _json(self, value: Any, *, status: int = 200) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _lines(self, lines: list[Any]) -> None:
        content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        self.state.event("results")
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        half = len(content) // 2
        self.wfile.write(content[:half])
        self.wfile.flush()
        self.state.event("half")
        if self.state.broken_downloads:
            self.state.broken_downloads -= 1
            self.close_connection = True
            return
        self.wfile.write(content[half:])


def completion(state: BatchApiServer, request: Request) -> Any:
    if "input" in request:
        content = [{"type": "output_text", "text": answer_to(state, request)}]
        return {
            "model": "chat-served",
            "status": "completed",
            "output": [{"type": "message", "content": content}],
            "usage": {"input_tokens": 10, "output_tokens": 2},
        }
    message = {"role": "assistant", "content": answer_to(state, request)}
    return {
        "model": "chat-served",
        "choices": [{"message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 2},
    }


def anthropic_message(state: BatchApiServer, request: Request) -> Any:
    return {
        "type": "message",
        "model": "chat-served",
        "content": [{"type": "text", "text": answer_to(state, request)}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 10, "output_tokens": 2},
    }


def gemini_answer(state: BatchApiServer, request: Request) -> Any:
    parts = [{"text": answer_to(state, request)}]
    return {
        "candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 2},
        "modelVersion": "chat-served",
    }


def answer_to(state: BatchApiServer, request: Request) -> str:
    return f"answer to {prompt_of(request)}" + "." * state.padding


def openai_batch(state: BatchApiServer, batch: Batch) -> Any:
    ended = state.has_ended(batch, polled=False)
    status = "cancelled" if batch.cancelled else "completed" if ended else "in_progress"
    return {
        "id": batch.batch_id,
        "status": "failed" if ended and state.rejects else status,
        "metadata": {"eval_pipeline_batch": batch.tag},
        "created_at": int(batch.created),
        "request_counts": counts(batch, ended, total="total", done="completed"),
        "input_file_id": "file-in",
        "output_file_id": f"out-{batch.batch_id}" if ended else None,
        "error_file_id": f"err-{batch.batch_id}" if ended else None,
    }


def openai_lines(state: BatchApiServer, file_id: str) -> list[Any]:
    kind, _, name = file_id.partition("-")
    lines: list[Any] = []
    for custom_id, request, fate in state.told(state.batches[name]):
        statuses = {"answer": 200, "overloaded": 503, "bad": 400}
        body = completion(state, request) if fate == "answer" else {"error": {"code": fate}}
        response = {"status_code": statuses[fate], "body": body} if fate in statuses else None
        error = None if response else {"code": "batch_expired"}
        if (fate == "answer") == (kind == "out"):
            lines.append({"custom_id": custom_id, "response": response, "error": error})
    return lines


def anthropic_batch(state: BatchApiServer, batch: Batch) -> Any:
    ended = state.has_ended(batch, polled=False)
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(batch.created))
    return {
        "id": batch.batch_id,
        "processing_status": "ended" if ended else "in_progress",
        "created_at": created,
        "request_counts": counts(batch, ended, total="processing", done="succeeded"),
    }


def anthropic_lines(state: BatchApiServer, batch: Batch) -> list[Any]:
    lines: list[Any] = []
    for custom_id, request, fate in state.told(batch):
        result: Any = {"type": fate}
        if fate == "answer":
            result = {"type": "succeeded", "message": anthropic_message(state, request)}
        if fate in {"overloaded", "bad"}:
            named = "overloaded_error" if fate == "overloaded" else "invalid_request_error"
            result = {"type": "errored", "error": {"type": "error", "error": {"type": named}}}
        lines.append({"custom_id": custom_id, "result": result})
    return lines


def gemini_batch(state: BatchApiServer, batch: Batch) -> Any:
    ended = state.has_ended(batch, polled=False)
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(batch.created))
    shown: Any = {
        "state": "BATCH_STATE_SUCCEEDED" if ended else "BATCH_STATE_RUNNING",
        "displayName": batch.tag,
        "createTime": created,
        "batchStats": {"requestCount": str(len(batch.requests))},
    }
    if ended:
        responses = []
        for custom_id, request, fate in state.told(batch):
            codes = {"overloaded": 14, "bad": 3, "expired": 1}
            outcome = {"error": {"code": codes.get(fate, 13)}}
            if fate == "answer":
                outcome = {"response": gemini_answer(state, request)}
            responses.append({"metadata": {"key": custom_id}, **outcome})
        shown["output"] = {"inlinedResponses": {"inlinedResponses": responses}}
    return {"name": batch.batch_id, "done": ended, "metadata": shown}


def counts(batch: Batch, ended: bool, *, total: str, done: str) -> dict[str, int]:
    size = len(batch.requests)
    if total == "total":
        return {"total": size, done: size if ended else min(size, batch.polls)}
    return {total: 0 if ended else size, done: size if ended else 0}
