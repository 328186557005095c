"""One target under Atheris, guided by the product's coverage; `campaign.py` starts it.

python -m tests.fuzz.fuzzing TARGET [libFuzzer's options and folders ...]
"""

import os
import random
import sys
from typing import Final

import atheris

INSTRUMENTED: Final = ["eval_pipeline", "ruamel.yaml", "starlette.formparsers", "python_multipart"]
AGAIN: Final = "EVAL_PIPELINE_FUZZ_AGAIN"
"""Names the program that libFuzzer starts for each step of a merge: this one, by one word."""
_NATIVE: Final = 3
"""One change in so many is libFuzzer's own, of bytes."""


def main() -> None:
    """Runs libFuzzer until its options end it; a broken promise ends it with a file of the case."""
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=INSTRUMENTED):
        from tests.fuzz.guards import MOST_BYTES, peak_bytes, within_bounds
        from tests.fuzz.mutating import mutated
        from tests.fuzz.registry import target_of
        from tests.fuzz.target import check

        target = target_of(name)
        # Lexicons and engines are loaded once, and not by the case that happens to come first.
        for seed in target.seeds:
            try:
                check(target, seed)
            except Exception as error:  # noqa: BLE001 - it is found again as a case
                sys.stderr.write(f"seed: {type(error).__name__}\n")
    most = peak_bytes() + MOST_BYTES

    def one_case(data: bytes) -> None:
        with within_bounds():
            check(target, data)

    def change(data: bytes, most_bytes: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if not chance.randrange(_NATIVE):
            return bytes(atheris.Mutate(data, len(data)) if data else data)[:most_bytes]
        return mutated(target, data, chance=chance, most_bytes=most_bytes)

    rss = f"-rss_limit_mb={most // 2**20}"
    program = os.environ.get(AGAIN, sys.argv[0])
    atheris.Setup([program, rss, *options], one_case, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
