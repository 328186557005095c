"""The clients that are measured, and how each is installed and started on the same questions."""

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PEERS_IN_PYTHON = ("inspect-ai", "openai")
SYSTEM = "You are a careful assistant. Answer in one sentence."


@dataclass(frozen=True)
class Load:
    """What a client is to do; `timeout` is one attempt's, in seconds."""

    calls: int
    concurrency: int
    timeout: float = 60.0


@dataclass(frozen=True)
class Client:
    """A client by name: the commands that start it and that resume it after it was killed.

    `resume` is None where a killed run cannot be taken up and must start anew.
    """

    name: str
    start: Callable[[Load, int, Path], list[str]]
    resume: Callable[[Load, int, Path], list[str]] | None = None
    variables: Callable[[Load], Mapping[str, str]] = lambda _load: {}


def install_peers(folder: Path) -> Path:
    """Installs the peers into a folder of their own, once; the newest versions there are."""
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        print(f"Installing {', '.join(PEERS_IN_PYTHON)} into {folder} ...", flush=True)
        venv.create(folder / "venv", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PEERS_IN_PYTHON], check=True)
    if not (folder / "node_modules" / ".bin" / "promptfoo").exists():
        print(f"Installing promptfoo into {folder} ...", flush=True)
        subprocess.run(
            ["npm", "install", "--silent", "--no-fund", "--no-audit", "promptfoo"],
            cwd=folder,
            check=True,
        )
    return folder


def versions(folder: Path) -> dict[str, str]:
    """The installed version of each peer."""
    listed = subprocess.run(
        [folder / "venv" / "bin" / "python", "-m", "pip", "list", "--format=json"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    found = {package["name"]: package["version"] for package in json.loads(listed)}
    manifest = folder / "node_modules" / "promptfoo" / "package.json"
    return {
        "inspect_ai": found["inspect_ai"],
        "openai": found["openai"],
        "promptfoo": json.loads(manifest.read_text(encoding="utf-8"))["version"],
    }


def ours() -> Client:
    """The product's runner with journal, typed outcomes, cost, pace and retries."""

    def start(load: Load, port: int, folder: Path) -> list[str]:
        return [
            sys.executable,
            str(HERE / "runner_ours.py"),
            *("--port", str(port), "--calls", str(load.calls)),
            *("--concurrency", str(load.concurrency), "--attempt-timeout", str(load.timeout)),
            *("--store", str(folder / "store.sqlite")),
        ]

    return Client("eval-pipeline", start, resume=start)


def peers(folder: Path) -> list[Client]:
    """The openai client with a semaphore, Inspect AI and promptfoo, as installed."""
    return [_openai(folder), _inspect(folder), _promptfoo(folder)]


def _openai(installed: Path) -> Client:
    def start(load: Load, port: int, _folder: Path) -> list[str]:
        script = HERE / "runner_peers" / "openai_client.py"
        numbers = (port, load.calls, load.concurrency, load.timeout)
        return [str(installed / "venv" / "bin" / "python"), str(script), *map(str, numbers)]

    return Client("openai client", start)


def _inspect(installed: Path) -> Client:
    program = str(installed / "venv" / "bin" / "inspect")

    def limits(load: Load) -> list[str]:
        return [
            *("--max-connections", str(load.concurrency), "--max-samples", str(load.concurrency)),
            *("--display", "none", "--log-dir", "logs"),
        ]

    def start(load: Load, port: int, folder: Path) -> list[str]:
        # It takes no absolute path.
        shutil.copy(HERE / "runner_peers" / "inspect_task.py", folder / "questions.py")
        return [
            *(program, "eval", "questions.py", "--model", "openai-api/bench/bench"),
            *("--model-base-url", f"http://127.0.0.1:{port}/v1", "-T", f"calls={load.calls}"),
            *("--temperature", "0", "--attempt-timeout", str(int(load.timeout)), *limits(load)),
        ]

    def resume(load: Load, _port: int, folder: Path) -> list[str]:
        newest = max((folder / "logs").glob("*.eval"), key=lambda path: path.stat().st_mtime)
        return [program, "eval-retry", str(newest), *limits(load)]

    return Client("Inspect AI", start, resume, lambda _load: {"BENCH_API_KEY": "none"})


def _promptfoo(installed: Path) -> Client:
    program = str(installed / "node_modules" / ".bin" / "promptfoo")
    quiet = ["--no-table", "--no-progress-bar", "--no-cache"]

    def start(load: Load, port: int, folder: Path) -> list[str]:
        prompt = [
            {"role": "system", "content": SYSTEM},
            {"role": "user", "content": "Is this all right? This is request {{number}}"},
        ]
        provider = {
            "id": "openai:chat:bench",
            "config": {
                "apiBaseUrl": f"http://127.0.0.1:{port}/v1",
                "apiKey": "none",
                "temperature": 0,
            },
        }
        tests = [{"vars": {"number": number}} for number in range(load.calls)]
        config = {"prompts": [json.dumps(prompt)], "providers": [provider], "tests": tests}
        (folder / "promptfooconfig.json").write_text(json.dumps(config), encoding="utf-8")
        at_once = ["-j", str(load.concurrency)]
        return [program, "eval", "-c", "promptfooconfig.json", *at_once, *quiet]

    def resume(load: Load, _port: int, _folder: Path) -> list[str]:
        return [program, "eval", "--resume", "-j", str(load.concurrency), *quiet]

    return Client(
        "promptfoo",
        start,
        resume,
        lambda load: {
            "PROMPTFOO_DISABLE_TELEMETRY": "1",
            "PROMPTFOO_DISABLE_UPDATE": "1",
            "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
            "PROMPTFOO_CONFIG_DIR": ".promptfoo",
            "REQUEST_TIMEOUT_MS": str(int(1000 * load.timeout)),
        },
    )
