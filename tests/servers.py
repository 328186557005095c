"""Servers that tests start for themselves on the loopback interface."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

CREDENTIALS = {
    "AWS_ALLOW_HTTP": "true",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
}


@contextmanager
def s3_server(bucket: str) -> Iterator[str]:
    """An S3 with this bucket; the URL is its endpoint."""
    server_module = pytest.importorskip("moto.server")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        # moto loads a service when it is first asked, which takes long on a busy machine.
        httpx.put(f"http://{host}:{port}/{bucket}", timeout=60).raise_for_status()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def use_s3(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Lets clients in this process find the server, for one test."""
    for name, value in {"AWS_ENDPOINT_URL": endpoint, **CREDENTIALS}.items():
        monkeypatch.setenv(name, value)
