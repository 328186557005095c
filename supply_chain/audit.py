"""Asks pip-audit whether any pinned package has a known vulnerability, and says what it was told.

    python supply_chain/audit.py [--tolerate-silence] [--pip-audit PROGRAM] LOCK ... [-- OPTIONS]

Ends with 0 where every package was looked up and none is known to be vulnerable, 1 where one is,
and 2 where the service could not be asked: pip-audit itself calls a package that nobody knows
"skipped" and ends well. `--tolerate-silence` ends with 0 in place of 2, for machines without a
network. OPTIONS go to pip-audit, such as `--ignore-vuln ID` for what was looked at and accepted.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

CLEAN: Final = 0
VULNERABLE: Final = 1
NOT_ASKED: Final = 2
SECONDS: Final = 600
_PIN: Final = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._\[\],-]*==[^\s;\\]+", re.MULTILINE)


@dataclass(frozen=True)
class Answer:
    """What came of one question; `problem` says why there is no answer at all."""

    known: int = 0
    unknown: tuple[str, ...] = ()
    vulnerable: tuple[str, ...] = ()
    problem: str = ""


def main(arguments: Sequence[str]) -> int:
    """Looks each lock up and prints a line for it, and one for each vulnerability."""
    given = list(arguments)
    at = given.index("--") if "--" in given else len(given)
    parser = argparse.ArgumentParser(description="Known vulnerabilities of pinned packages.")
    parser.add_argument("--tolerate-silence", action="store_true")
    parser.add_argument("--pip-audit", default="pip-audit")
    parser.add_argument("locks", nargs="+", type=Path)
    asked = parser.parse_args(given[:at])
    options = given[at + 1 :]
    # One package first: a service that does not answer for it is asked for no other.
    probed = _probe(asked.locks[0], program=asked.pip_audit)
    silence = NOT_ASKED if not asked.tolerate_silence else CLEAN
    if probed:
        _say_not_asked(probed)
        return silence
    worst = CLEAN
    for lock in asked.locks:
        worst = _worse(worst, _told(lock, program=asked.pip_audit, options=options))
    return silence if worst == NOT_ASKED else worst


def _probe(lock: Path, *, program: str) -> str:
    """Why the service cannot be asked; empty where it answers."""
    pin = _PIN.search(lock.read_text(encoding="utf-8"))
    if pin is None:
        return f"{lock} pins no package"
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        one = Path(folder, "one.txt")
        one.write_text(f"{pin[0]}\n", encoding="utf-8")
        answer = _ask(one, program=program, options=())
    if answer.problem:
        return answer.problem
    return "the service knows no package, not even " + pin[0] if answer.unknown else ""


def _told(lock: Path, *, program: str, options: Sequence[str]) -> int:
    answer = _ask(lock, program=program, options=options)
    if answer.problem:
        _say_not_asked(f"{lock}: {answer.problem}")
        return NOT_ASKED
    print(f"{lock}: {answer.known} packages looked up, {len(answer.vulnerable)} vulnerabilities")
    for found in answer.vulnerable:
        print(f"  VULNERABLE  {found}")
    for name in answer.unknown:
        print(f"  NOT KNOWN   {name}: the service has no record of it")
    return VULNERABLE if answer.vulnerable else NOT_ASKED if answer.unknown else CLEAN


def _ask(lock: Path, *, program: str, options: Sequence[str]) -> Answer:
    command = [
        program, "--requirement", str(lock), "--disable-pip", "--no-deps", "--format", "json",
        "--progress-spinner", "off", *options,
    ]  # fmt: skip
    try:
        ended = subprocess.run(  # noqa: S603 - the tool of this folder's lock, no shell
            command, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Answer(problem=f"pip-audit did not run ({type(error).__name__})")
    try:
        listed: list[dict[str, Any]] = json.loads(ended.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (ended.stderr.strip().splitlines() or ["it said nothing"])[-1]
        return Answer(problem=f"pip-audit ended with {ended.returncode}: {last[:300]}")
    return Answer(
        known=sum("skip_reason" not in each for each in listed),
        unknown=tuple(each["name"] for each in listed if "skip_reason" in each),
        vulnerable=tuple(
            f"{each['name']} {each['version']}: {flaw['id']}, mended in {_mended(flaw)}"
            for each in listed
            for flaw in each.get("vulns", ())
        ),
    )


def _mended(flaw: dict[str, Any]) -> str:
    return ", ".join(flaw.get("fix_versions") or ()) or "no version yet"


def _worse(one: int, other: int) -> int:
    """A vulnerability outweighs silence, and silence a clean answer."""
    order = (CLEAN, NOT_ASKED, VULNERABLE)
    return max(one, other, key=order.index)


def _say_not_asked(why: str) -> None:
    print(
        "=" * 78,
        "THE VULNERABILITY SERVICE COULD NOT BE ASKED. Nothing is known about the packages:",
        f"  {why}",
        "Run `make audit` again where the network reaches it.",
        "=" * 78,
        sep="\n",
        file=sys.stderr,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
