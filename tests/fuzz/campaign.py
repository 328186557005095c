"""Fuzzes one target after another, each in a process of its own, for a bounded time.

    python -m tests.fuzz.campaign [TARGET ...] [--seconds N] [--keep]

What breaks a promise is made small and stands in a file, with the command that repeats it; the exit
code is then 1. `--keep` adds what reached new code to the corpus of the repository.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from tests.fuzz.registry import CORPUS, corpus_of, target_names, target_of
from tests.fuzz.shrinking import failure_of, shrunk
from tests.fuzz.target import Target

LONGEST_CASE_BYTES: Final = 4_096
LONGEST_KEPT_BYTES: Final = 20_000
AGAIN: Final = "EVAL_PIPELINE_FUZZ_AGAIN"
"""As in `fuzzing`, which needs Atheris to be imported."""
WALL_SECONDS: Final = 60
"""A case that waits so long does hang, whatever the processor does meanwhile."""
STARTING_SECONDS: Final = 300
_FAILURES: Final = ("crash-*", "timeout-*", "oom-*", "slow-unit-*")
_STATISTIC: Final = re.compile(r"stat::(\w+):\s+(\d+)")
_COVERED: Final = re.compile(r"cov: (\d+) ft: (\d+)")


def main() -> int:
    """Runs the campaign, prints a row a target and writes them to `campaign.jsonl`."""
    asked = _arguments()
    work = Path(asked.work)
    failed = 0
    for name in asked.targets or target_names():
        target = target_of(name)
        folder = work / name
        _seed(target, folder)
        row = _fuzz(name, folder, seconds=asked.seconds)
        found = [_told(target, case) for case in _failures(folder)]
        failed += len(found)
        if asked.keep:
            row["kept"] = _keep(name, folder)
        with (work / "campaign.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({**row, "failures": found}) + "\n")
        _say("{target:20} {cases:>10} cases {seconds:>7} s  {edges:>5} edges".format(**row))
        for told in found:
            _say(told)
    return 1 if failed else 0


def _say(told: str) -> None:
    sys.stdout.write(told + "\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=40, help="for each target")
    parser.add_argument("--work", default="build/fuzz", help="cases found so far, and failures")
    parser.add_argument("--keep", action="store_true", help="add to the repository's corpus")
    return parser.parse_args()


def _seed(target: Target, folder: Path) -> None:
    cases = folder / "cases"
    cases.mkdir(parents=True, exist_ok=True)
    kept = [path.read_bytes() for path in corpus_of(target.name)]
    for data in [*target.seeds, *kept]:
        (cases / hashlib.sha1(data, usedforsecurity=False).hexdigest()).write_bytes(data)
    words = {word.encode("utf-8", "surrogatepass") for word in target.words if word}
    entries = ['"' + "".join(f"\\x{byte:02x}" for byte in word) + '"' for word in sorted(words)]
    (folder / "words").write_text("\n".join(entries) + "\n", encoding="ascii")


def _fuzz(name: str, folder: Path, *, seconds: int) -> dict[str, Any]:
    """One process, ended by its own clock, or else by ours."""
    started = time.monotonic()
    command = [
        sys.executable, "-m", "tests.fuzz.fuzzing", name, f"-max_total_time={seconds}",
        f"-timeout={WALL_SECONDS}", f"-max_len={LONGEST_CASE_BYTES}", "-print_final_stats=1",
        f"-dict={folder / 'words'}", f"-artifact_prefix={folder}/", "-reload=0", "-len_control=0",
        str(folder / "cases"),
    ]  # fmt: skip
    log = folder / "log.txt"
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file) as process:
        try:
            process.wait(seconds + STARTING_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    said = log.read_text(encoding="utf-8", errors="replace")
    statistics = {key: int(value) for key, value in _STATISTIC.findall(said)}
    covered = _COVERED.findall(said)
    return {
        "target": name,
        "seconds": round(time.monotonic() - started),
        "cases": statistics.get("number_of_executed_units", 0),
        "edges": int(covered[-1][0]) if covered else 0,
        "features": int(covered[-1][1]) if covered else 0,
        "peak_mb": statistics.get("peak_rss_mb", 0),
        "slowest_seconds": statistics.get("slowest_unit_time_sec", 0),
        "exit_code": process.returncode,
    }


def _failures(folder: Path) -> list[Path]:
    return sorted(path for pattern in _FAILURES for path in folder.glob(pattern))


def _told(target: Target, case: Path) -> str:
    """The failure in a line, made small, with the command that repeats it."""
    data = case.read_bytes()
    failure = failure_of(target, data)
    if failure is not None:
        small = shrunk(target, data, failure=failure)
        (case.parent / "failing").mkdir(exist_ok=True)
        case = case.parent / "failing" / hashlib.sha1(small, usedforsecurity=False).hexdigest()
        case.write_bytes(small)
    repeat = f"{os.path.relpath(sys.executable)} -m tests.fuzz.replay {target.name} {case}"
    return f"  {failure or 'not repeated alone'}\n  repeat it: {repeat}"


def _keep(name: str, folder: Path) -> int:
    """Adds to the repository's corpus what covers more; how many cases it then has."""
    kept = CORPUS / name
    kept.mkdir(parents=True, exist_ok=True)
    again = (folder / "again").absolute()
    again.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.fuzz.fuzzing {name} "$@"\n')
    again.chmod(0o755)
    with (folder / "merge.txt").open("wb") as log:
        subprocess.run(
            [again, "-merge=1", f"-max_len={LONGEST_KEPT_BYTES}", kept, folder / "cases"],
            stdout=log,
            stderr=log,
            env={**os.environ, AGAIN: str(again)},
            timeout=4 * STARTING_SECONDS,
            check=False,
        )
    return len(corpus_of(name))


if __name__ == "__main__":
    sys.exit(main())
