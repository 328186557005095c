"""`eval-pipeline review serve`: what it says, and how it ends."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from eval_pipeline.cli.desk_commands import greeting, warnings_about
from eval_pipeline.desk.server import is_loopback
from eval_pipeline.settings import DeskSettings
from tests.desk_world import ROOT


def settings(**desk: object) -> DeskSettings:
    return DeskSettings(**desk)


@pytest.fixture
def folder(tmp_path):
    text = (ROOT / "eval_pipeline.yaml").read_text(encoding="utf-8")
    (tmp_path / "eval_pipeline.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@contextlib.contextmanager
def serving(folder, *options: str):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "EVAL_PIPELINE_KEY": "a key for tests"}
    process = subprocess.Popen(
        [sys.executable, "-m", "eval_pipeline", "review", "serve", *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_it_says_where_it_is_answers_there_and_ends_well_when_told_to(folder):
    with serving(folder, "--port", "0") as process:
        address = process.stdout.readline().strip().removeprefix("Review desk: ")
        assert "review token" in process.stdout.readline()
        with urllib.request.urlopen(f"{address}/healthz", timeout=10) as answered:
            assert answered.status == 200
            assert answered.headers["server"] is None
        process.send_signal(signal.SIGTERM)
        _, complained = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "GET /healthz 200" in complained
    assert "Warning" not in complained


@pytest.mark.slow
def test_a_port_that_is_taken_is_told_in_a_sentence(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serving(folder, "--port", str(port)) as process:
            _, complained = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"cannot listen on 127.0.0.1, port {port}" in complained
    assert "Traceback" not in complained


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *[(host, True) for host in ("127.0.0.1", "127.8.0.1", "::1", "localhost")],
        *[(host, False) for host in ("0.0.0.0", "10.0.0.1", "desk.example")],
    ],
)
def test_only_this_machine_reaches_a_loopback_address(host, loopback):
    assert is_loopback(host) is loopback


def test_listening_to_others_without_tls_is_warned_of():
    assert warnings_about(settings()) == []
    plain, unnamed = warnings_about(settings(host="0.0.0.0"))
    assert "without TLS" in plain
    assert "`desk.allowed_hosts` is empty" in unnamed
    assert warnings_about(settings(host="10.0.0.1", behind_tls=True)) == []


def test_the_greeting_names_an_address_that_a_browser_takes():
    assert greeting(settings(host="::1"), port=80)[0] == "Review desk: http://[::1]:80"
    assert greeting(settings(host="0.0.0.0"), port=80)[0] == "Review desk: http://localhost:80"
    proxied = settings(identity_header="X-User", trusted_proxies=("127.0.0.1",))
    assert any("X-User" in line for line in greeting(proxied, port=80))
