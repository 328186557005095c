"""Everything that fuzzing has found so far, every day, and one more time for each seed."""

import hashlib

import pytest

from tests.fuzz.guards import within_bounds
from tests.fuzz.registry import CORPUS, corpus_of, target_names, target_of
from tests.fuzz.target import check

MOST_CORPUS_BYTES = 1_000_000
MOST_CASE_BYTES = 20_000


@pytest.mark.parametrize("name", target_names())
def test_every_kept_case_and_every_seed_keeps_the_promises(name: str) -> None:
    target = target_of(name)
    for seed in target.seeds:
        check(target, seed, twice=False)
    for path in corpus_of(name):
        try:
            with within_bounds():
                check(target, path.read_bytes())
        except Exception as error:
            error.add_note(f"repeat it: python -m tests.fuzz.replay {name} {path}")
            raise


def test_the_corpus_is_small_named_by_its_content_and_of_targets_alone() -> None:
    files = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert {path.parent.name for path in files} == set(target_names())
    sizes = [path.stat().st_size for path in files]
    assert sum(sizes) <= MOST_CORPUS_BYTES
    assert max(sizes) <= MOST_CASE_BYTES
    for path in files:
        content = hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()
        assert path.name == content
