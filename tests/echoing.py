"""A server on loopback that refuses everything and tells the caller all that it was sent."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Echo:
    """How it refuses; `heads` are the headers of what it was asked."""

    status: int = 401
    content_type: str = "application/json"
    heads: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def echoing(echo: Echo) -> Iterator[Echo]:
    """The server, which stops at the end."""

    class Handler(BaseHTTPRequestHandler):
        def _refuse(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            sent = {name.lower(): value for name, value in self.headers.items()}
            echo.heads.append(sent)
            told = " ".join(f"{name}: {value}" for name, value in sent.items())
            message = f"you sent {told} to {self.path}, which was refused"
            if echo.content_type == "application/json":
                error = {"message": message, "type": message, "code": message}
                body = json.dumps({"error": error, "message": message}).encode()
            else:
                body = f"<Error><Code>AccessDenied</Code><Message>{message}</Message></Error>"
                body = body.encode()
            self.send_response(echo.status, message[:200])
            self.send_header("Content-Type", echo.content_type)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Request-Id", sent.get("authorization", "")[:200])
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):
                return self._refuse
            raise AttributeError(name)

        def log_message(self, *arguments: object) -> None:
            """Keeps the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        echo.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield echo
        finally:
            server.shutdown()
            thread.join()
