"""The sandbox: a program or an address that is given one document and answers with one score."""

import json
import stat
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from eval_pipeline.adapters.sandbox import Sandbox
from eval_pipeline.errors import SettingsError
from eval_pipeline.ports import Message, Score, ScoreRequest
from eval_pipeline.settings import CodeScoring
from eval_pipeline.settings_file import load_project

CONFIG = Path(__file__).parents[2] / "eval_pipeline.yaml"
ADDER = """
import json, os, sys
given = json.load(sys.stdin)
right = given["response"] == given["reference"]
print(json.dumps({"score": float(right), "seen": sorted(given["item"]), "said": given["response"]}))
"""


def request(response: str = "4", reference: str | None = "4") -> ScoreRequest:
    return ScoreRequest("item", 1, "code", (Message("user", "2 + 2?"),), response, reference)


def scored(script: str, *requests: ScoreRequest, **changed) -> list[Score]:
    settings = CodeScoring(command=("python", "-c", script), **changed)
    return Sandbox(settings, program=sys.executable).scores(requests or [request()])


def errors(script: str, **changed) -> list[str | None]:
    found = scored(script, **changed)
    assert {each.value for each in found} == {None}
    return [each.error for each in found]


def test_the_sandbox_reads_the_document_and_says_the_score():
    found = scored(ADDER, request("4"), request("5"), request("4", None))
    assert found == [Score(1.0, None, "code"), Score(0.0, None, "code"), Score(0.0, None, "code")]


def test_the_sandbox_has_no_environment_and_an_empty_folder_of_its_own(monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "x")
    script = (
        "import os; empty = not os.listdir('.') and 'SECRET_KEY' not in os.environ"
        " and 'PATH' not in os.environ; print('{\"score\": %d}' % empty)"
    )
    assert scored(script) == [Score(1.0, None, "code")]


def test_no_shell_reads_the_command(tmp_path):
    settings = CodeScoring(command=("python", "-c", ADDER, f"; touch {tmp_path}/touched"))
    assert Sandbox(settings, program=sys.executable).scores([request()])[0].value == 1.0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ('print(\'{"error": "no_tests"}\')', "sandbox:no_tests"),
        # What is no code may quote the answer: it is not repeated.
        ('print(\'{"error": "Jane said 4"}\')', "sandbox_failed"),
        ("print('{\"score\": 1.5}')", "sandbox_output_unreadable"),
        ("print('{\"score\": NaN}')", "sandbox_output_unreadable"),
        ("print('{\"score\": true}')", "sandbox_output_unreadable"),
        ("print('{}')", "sandbox_output_unreadable"),
        ("print('fine')", "sandbox_output_unreadable"),
        ("print('{\"score\": 1}'); raise SystemExit(3)", "sandbox_failed"),
        ("print('x' * 100_000)", "sandbox_output_too_long"),
    ],
)
def test_what_is_no_score_is_an_error_and_never_a_zero(script, code):
    assert errors(script) == [code]


def test_a_sandbox_that_does_not_end_is_ended_with_all_that_it_started():
    script = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "time.sleep(60)"
    )
    began = time.monotonic()
    assert errors(script, timeout_seconds=1) == ["sandbox_timeout"]
    assert time.monotonic() - began < 20


def test_one_that_leaves_its_pipe_to_another_session_is_not_waited_for():
    script = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3)'],"
        " start_new_session=True)\n"
        "print('{\"score\": 1}')"
    )
    assert errors(script, timeout_seconds=1) == ["sandbox_timeout"]


def test_a_program_that_cannot_be_started_is_an_error_of_every_response(tmp_path):
    settings = CodeScoring(command=("gone",))
    found = Sandbox(settings, program=str(tmp_path / "gone")).scores([request(), request()])
    assert [each.error for each in found] == ["sandbox_unreachable"] * 2


class Answers(BaseHTTPRequestHandler):
    """Scores 1 for '4'; refuses to speak of 'bad'; dawdles over 'slow'."""

    def do_POST(self):
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = document["response"]
        self.send_response(500 if said == "bad" else 200)
        self.end_headers()
        if said == "slow":
            time.sleep(2)
        body = "x" * 100_000 if said == "long" else json.dumps({"score": float(said == "4")})
        try:
            self.wfile.write(body.encode())
        except OSError:
            return

    def log_message(self, *_):
        return


def test_a_sandbox_may_be_an_address():
    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        settings = CodeScoring(
            url=f"http://127.0.0.1:{server.server_port}/", timeout_seconds=1, concurrency=1
        )
        asked = [request(said) for said in ("4", "5", "bad", "long", "slow")]
        found = Sandbox(settings, program=None).scores(asked)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert [(each.value, each.error) for each in found] == [
        (1.0, None), (0.0, None), (None, "sandbox_failed"), (None, "sandbox_output_too_long"),
        (None, "sandbox_timeout"),
    ]  # fmt: skip
    assert Sandbox(settings, program=None).scores([request()])[0].error == "sandbox_unreachable"


def configured(tmp_path: Path, command: str) -> Path:
    text = CONFIG.read_text(encoding="utf-8").replace(
        "  default: {scorer: panel}\n",
        f"  default: {{scorer: panel}}\n  code: {{scorer: code, command: [{command}, --fast]}}\n",
    )
    file = tmp_path / "eval_pipeline.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_configuration_whose_sandbox_is_not_there_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="program 'no-such-sandbox' is not there"):
        load_project(configured(tmp_path, "no-such-sandbox"))


def test_a_sandbox_is_found_beside_the_configuration_if_it_may_be_run(tmp_path):
    script = tmp_path / "sandbox.sh"
    script.write_text("#!/bin/sh\n", encoding="utf-8")
    file = configured(tmp_path, "./sandbox.sh")
    with pytest.raises(SettingsError, match="may not be run"):
        load_project(file)
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    assert Path(load_project(file).program("./sandbox.sh")).samefile(script)
    assert Path(load_project(file).program("sh")).is_absolute()
