"""The demo's provider over real HTTP, in a process of its own on the loopback interface."""

import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from eval_pipeline.demo.draws import stream
from eval_pipeline.demo.pharmacy_models import CHANGED_FROM, PHARMACY_MODELS
from eval_pipeline.demo.provider_process import ProviderProcess
from eval_pipeline.demo.questions import compose
from eval_pipeline.errors import ProviderUnreachableError

pytestmark = pytest.mark.slow

BEFORE = "2026-10-05"
CALM = ("--rate-limited-share", "0", "--failed-share", "0")


def chat(base_url: str, model: str, text: str, **headers: str) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    return httpx.post(f"{base_url}/chat/completions", json=body, headers=headers, trust_env=False)


def questions(count: int) -> list[str]:
    draws = stream("test-demo-provider")
    return [compose("refunds", draws=draws) for _ in range(count)]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def provider():
    with ProviderProcess(latency_median_seconds=0.0, arguments=CALM) as running:
        yield running


def test_an_answer_has_the_openai_shape_and_the_model_s_own_text(provider):
    provider.set_epoch(BEFORE)
    text = questions(1)[0]
    answered = chat(provider.base_url, "pharma-large", text).json()
    expected = PHARMACY_MODELS["pharma-large"].answer(
        [{"role": "user", "content": text}], epoch=BEFORE
    )
    assert answered["object"] == "chat.completion"
    assert answered["model"] == expected.served_model
    assert answered["system_fingerprint"] == expected.system_fingerprint
    assert answered["choices"][0]["message"] == {"role": "assistant", "content": expected.text}
    assert answered["choices"][0]["finish_reason"] == "stop"
    usage = answered["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0


def test_the_same_request_gets_the_same_bytes(provider):
    provider.set_epoch(BEFORE)
    text = questions(1)[0]
    answers = {chat(provider.base_url, "pharma-large", text).content for _ in range(3)}
    assert len(answers) == 1


def test_moving_the_epoch_changes_answers_but_not_the_model_s_name(provider):
    asked = questions(40)

    def answers() -> list[dict]:
        return [chat(provider.base_url, "pharma-large", text).json() for text in asked]

    provider.set_epoch(BEFORE)
    before = answers()
    provider.set_epoch(CHANGED_FROM.isoformat())
    after = answers()
    assert provider.stats()["epoch"] == CHANGED_FROM.isoformat()
    assert {one["model"] for one in before} == {one["model"] for one in after}
    assert before[0]["system_fingerprint"] != after[0]["system_fingerprint"]
    assert any(one["choices"] != other["choices"] for one, other in zip(before, after, strict=True))


def test_models_are_listed_judges_and_refuter_included(provider):
    listed = httpx.get(f"{provider.base_url}/models", trust_env=False).json()
    names = {model["id"] for model in listed["data"]}
    assert names == {
        "pharma-large",
        "pharma-sharper",
        "pharma-steady",
        "arbiter-a",
        "arbiter-b",
        "skeptic",
    }


def test_an_unknown_model_and_an_unreadable_body_are_the_caller_s_errors(provider):
    unknown = chat(provider.base_url, "pharma-huge", "Hello")
    assert unknown.status_code == 404
    assert unknown.json()["error"]["code"] == "model_not_found"
    url = f"{provider.base_url}/chat/completions"
    for body in (b"not json", b"[]", b'{"model": "pharma-large", "messages": [1]}', b"{}"):
        assert httpx.post(url, content=body, trust_env=False).status_code == 400
    open_schema = {"name": "a", "strict": True, "schema": {"type": "object"}}
    for form in ({"type": "xml"}, {"type": "json_schema", "json_schema": open_schema}):
        asked = {"model": "pharma-large", "messages": [], "response_format": form}
        assert httpx.post(url, json=asked, trust_env=False).status_code == 400
    admin = provider.base_url.removesuffix("/v1") + "/admin/epoch"
    assert httpx.post(admin, content=b"{}", trust_env=False).status_code == 400


def test_a_troubled_first_attempt_succeeds_when_sent_again_and_is_counted():
    arguments = ("--rate-limited-share", "0.5", "--failed-share", "0.5")
    with ProviderProcess(latency_median_seconds=0.0, arguments=arguments) as provider:
        asked = questions(30)
        first = [chat(provider.base_url, "pharma-steady", text) for text in asked]
        second = [chat(provider.base_url, "pharma-steady", text) for text in asked]
        counted = provider.stats()["requests"]["pharma-steady"]
    assert {answer.status_code for answer in first} == {429, 503}
    assert {answer.status_code for answer in second} == {200}
    for answer in first:
        if answer.status_code == 429:
            assert float(answer.headers["retry-after"]) <= 1.0
            assert answer.headers["retry-after-ms"] == "50"
            assert answer.json()["error"]["code"] == "rate_limit_exceeded"
    assert counted["200"] == 30
    assert counted["429"] + counted["503"] == 30


def test_by_default_a_few_in_a_hundred_first_attempts_are_in_trouble():
    with (
        ProviderProcess(latency_median_seconds=0.0) as provider,
        httpx.Client(trust_env=False) as client,
        ThreadPoolExecutor(8) as pool,
    ):
        url = f"{provider.base_url}/chat/completions"

        def status_of(text: str) -> int:
            body = {"model": "pharma-large", "messages": [{"role": "user", "content": text}]}
            return client.post(url, json=body).status_code

        statuses = Counter(pool.map(status_of, questions(800)))
    # 1.5 % and 1.0 % of 800: 12 and 8, standard deviations 3.4 and 2.8.
    assert 2 <= statuses[429] <= 24
    assert 1 <= statuses[503] <= 18
    assert statuses[200] == 800 - statuses[429] - statuses[503]


def test_a_key_is_demanded_only_of_a_server_started_with_one():
    arguments = (*CALM, "--key", "demo-key")
    with ProviderProcess(latency_median_seconds=0.0, arguments=arguments) as provider:
        url, text = provider.base_url, questions(1)[0]
        assert chat(url, "pharma-large", text).status_code == 401
        assert chat(url, "pharma-large", text, authorization="Bearer other").status_code == 401
        assert chat(url, "pharma-large", text, authorization="Bearer demo-key").is_success
        assert httpx.get(f"{url}/models", trust_env=False).status_code == 401


def test_latency_is_simulated_around_its_median():
    with (
        ProviderProcess(latency_median_seconds=0.05, arguments=CALM) as provider,
        httpx.Client(trust_env=False) as client,
    ):
        elapsed = []
        for text in questions(25):
            body = {"model": "pharma-large", "messages": [{"role": "user", "content": text}]}
            started = time.perf_counter()
            client.post(f"{provider.base_url}/chat/completions", json=body)
            elapsed.append(time.perf_counter() - started)
    # Log-normal with spread 0.5: the middle of 25 lies within exp(+-3 * 0.125) of 0.05 s; only
    # the lower bound is sharp, because a busy machine adds time of its own.
    assert 0.03 <= sorted(elapsed)[12] <= 0.5


def test_the_process_is_gone_after_the_block_and_after_an_error_in_it():
    with ProviderProcess(arguments=CALM) as provider:
        pid = provider.pid
        assert pid is not None
        assert is_alive(pid)
    assert not is_alive(pid)
    seen = []

    def fail_inside() -> None:
        with ProviderProcess(arguments=CALM) as running:
            seen.append(running.pid)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert not is_alive(seen[0])


def test_a_provider_that_cannot_start_says_why():
    broken = ProviderProcess(arguments=("--replay", "/nowhere/replay.yaml"))
    with pytest.raises(ProviderUnreachableError, match="replay"), broken:
        pass
    assert broken.pid is None


def test_the_provider_ends_by_itself_when_its_parent_is_killed(tmp_path: Path):
    announced = tmp_path / "pid"
    script = (
        "import os, pathlib, signal\n"
        "from eval_pipeline.demo.provider_process import ProviderProcess\n"
        "provider = ProviderProcess().__enter__()\n"
        f"pathlib.Path({str(announced)!r}).write_text(str(provider.pid))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], check=False, timeout=60)
    assert ended.returncode == -9
    pid = int(announced.read_text())
    deadline = time.monotonic() + 15
    while is_alive(pid) and not is_zombie(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(pid) or is_zombie(pid)


def is_zombie(pid: int) -> bool:
    """Whether a process has ended and only waits to be collected by whoever adopted it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state == "Z"
