"""A claimant is dead only where that is certain."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eval_pipeline.adapters.model_calls.claimants import is_dead, new_claimant


def of(process_id: int, *, host: str | None = None, started: str | None = None) -> str:
    own = new_claimant().rsplit("|", 3)
    return "|".join((host or own[0], str(process_id), own[2] if started is None else started, "x"))


def test_two_runs_of_one_process_are_two_claimants_and_alive():
    first, second = new_claimant(), new_claimant()
    assert first != second
    assert not is_dead(first)
    assert not is_dead(second)
    assert len(first) <= 255


def test_a_process_that_ended_is_dead():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert is_dead(of(process.pid))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_process_with_the_same_id_that_started_at_another_time_is_another_one():
    assert is_dead(of(os.getpid(), started="1"))


def test_of_another_host_nothing_is_certain():
    assert not is_dead(of(2**22, host="elsewhere"))


@pytest.mark.parametrize("told", ["", "somebody", "a|b|c", "|||"])
def test_what_is_no_claimant_is_left_to_its_lease(told):
    assert not is_dead(told)
