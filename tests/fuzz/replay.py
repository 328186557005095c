"""Repeats cases: `python -m tests.fuzz.replay TARGET FILE ...`; without files, the corpus."""

import sys
from pathlib import Path

from tests.fuzz.registry import corpus_of, target_of
from tests.fuzz.shrinking import failure_of


def main() -> int:
    """Prints what fails; the exit code is 1 if anything did."""
    name, *files = sys.argv[1:]
    target = target_of(name)
    failed = 0
    for path in [Path(file) for file in files] or corpus_of(name):
        failure = failure_of(target, path.read_bytes())
        if failure is not None:
            failed += 1
            sys.stdout.write(f"{path}: {failure}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
