"""The machinery itself: what breaks a promise is seen, bounded, and made small."""

import random
import sys
import time
from pathlib import Path

import pytest

from tests.fuzz.guards import TooLargeError, TooSlowError, within_bounds
from tests.fuzz.mutating import mutated
from tests.fuzz.registry import target_names, target_of
from tests.fuzz.shrinking import failure_of, shrunk
from tests.fuzz.target import (
    MARK,
    BrokenPromiseError,
    Target,
    check,
    only,
    promise,
    text_of,
    variant_of,
)


def _target(run) -> Target:
    return Target(name="own", run=run, seeds=(b"seed",), structure="text")


def _endless() -> None:
    while True:
        pass


def test_a_case_that_runs_too_long_is_ended(monkeypatch) -> None:
    monkeypatch.setattr("tests.fuzz.guards.MOST_SECONDS", 0.2)
    with pytest.raises(TooSlowError), within_bounds():
        _endless()


def test_waiting_is_no_hang(monkeypatch) -> None:
    monkeypatch.setattr("tests.fuzz.guards.MOST_SECONDS", 0.2)
    with within_bounds():
        time.sleep(0.4)


def test_a_case_that_takes_too_much_memory_is_told(monkeypatch) -> None:
    peaks = iter([10 * 2**20, 2**30 + 11 * 2**20])
    monkeypatch.setattr("tests.fuzz.guards.peak_bytes", lambda: next(peaks))
    with pytest.raises(TooLargeError, match="1025 MiB"), within_bounds():
        pass


def test_what_is_not_the_same_twice_is_a_broken_promise() -> None:
    results = iter(range(9))
    with pytest.raises(BrokenPromiseError, match="two results"):
        check(_target(lambda data: next(results)), b"", twice=True)


def test_a_failure_is_told_with_its_place_and_made_as_small_as_it_gets() -> None:
    def run(data: bytes) -> None:
        if b"bad" in data:
            raise KeyError("bad")

    target = _target(run)
    failure = failure_of(target, b"a long case with bad in it, and more")
    assert failure is not None
    assert failure.startswith("KeyError at test_campaign.py:")
    assert shrunk(target, b"a long case with bad in it, and more", failure=failure) == b"bad"
    assert failure_of(target, b"a long case") is None


def test_another_failure_on_the_way_is_not_taken_for_the_same() -> None:
    def run(data: bytes) -> None:
        if len(data) < 4:
            raise ValueError("short")
        if b"bad" in data:
            raise KeyError("bad")

    target = _target(run)
    failure = failure_of(target, b"xx bad xx")
    assert failure is not None
    assert len(shrunk(target, b"xx bad xx", failure=failure)) == 4


def test_only_declared_errors_end_a_block_and_none_may_quote() -> None:
    with only(KeyError) as told:
        raise KeyError("it says why")
    assert told == ["KeyError: 'it says why'"]
    with pytest.raises(ValueError, match="other"), only(KeyError):
        raise ValueError("other")
    with pytest.raises(BrokenPromiseError, match="says nothing"), only(ValueError):
        raise ValueError
    with pytest.raises(BrokenPromiseError, match="quotes"), only(ValueError, quoting=b""):
        raise ValueError(MARK)
    with pytest.raises(BrokenPromiseError, match="so"):
        promise(False, "so")


def test_the_first_line_names_the_variant_and_any_other_line_one_of_them() -> None:
    assert variant_of(b"b\nrest\nmore", ("a", "b")) == ("b", b"rest\nmore")
    assert variant_of(b"?\nrest", ("a", "b"))[0] in {"a", "b"}
    assert variant_of(b"?\nrest", ("a", "b")) == variant_of(b"?\nrest", ("a", "b"))


def test_bytes_are_text_with_lone_surrogates_and_never_an_error() -> None:
    assert text_of(b"\xed\xa0\x80") == "\ud800"
    assert text_of(b"a\xff") == "a\ufffd"


@pytest.mark.parametrize("name", target_names())
def test_changes_follow_from_their_chance_and_keep_the_bound(name: str) -> None:
    target = target_of(name)
    changed = {
        mutated(target, seed, chance=random.Random(number), most_bytes=500)
        for seed in target.seeds
        for number in range(20)
    }
    again = {
        mutated(target, seed, chance=random.Random(number), most_bytes=500)
        for seed in target.seeds
        for number in range(20)
    }
    assert changed == again
    assert len(changed) > 10 * len(target.seeds)
    assert max(map(len, changed)) <= 500


def test_replay_ends_with_one_where_a_case_fails(tmp_path: Path, monkeypatch, capsys) -> None:
    from tests.fuzz import replay

    def run(data: bytes) -> None:
        promise(data != b"bad", "it is bad")

    for content in ("bad", "good"):
        (tmp_path / content).write_text(content)
    monkeypatch.setattr(replay, "target_of", lambda name: _target(run))
    monkeypatch.setattr(sys, "argv", ["replay", "own", str(tmp_path / "good")])
    assert replay.main() == 0
    monkeypatch.setattr(sys, "argv", ["replay", "own", str(tmp_path / "bad")])
    assert replay.main() == 1
    assert "it is bad" in capsys.readouterr().out
