"""Who may read what is written: never everybody, whatever the umask; keys their owner alone."""

import os
import stat
from pathlib import Path

import pytest

from eval_pipeline.adapters.lake import Lake
from eval_pipeline.adapters.private_files import (
    is_open_to_others,
    keep_from_others,
    make_folder,
    write_private,
)
from eval_pipeline.cli.session import prepare_dagster_home
from eval_pipeline.tables import OPERATIONS_REPORT


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o027, 0o077], ids=oct)
def umask(request) -> int:
    os.umask(request.param)
    return request.param


def test_the_lake_is_closed_to_others_and_the_group_as_the_umask_says(umask, tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    lake.replace(OPERATIONS_REPORT, OPERATIONS_REPORT.empty(), partition="steady")
    lake.create_bytes("golden/000001/manifest.json", b"{}")
    made = [tmp_path / "lake", *(tmp_path / "lake").rglob("*")]
    assert len(made) > 4
    for path in made:
        assert mode(path) == (0o770 if path.is_dir() else 0o660) & ~umask, path


def test_dagsters_home_is_closed_to_others(umask, tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "deep" / "home"))
    home = prepare_dagster_home(tmp_path)
    for folder in (home, home.parent):
        assert mode(folder) == 0o770 & ~umask


def test_a_folder_that_is_there_stays_as_it_is(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o755)
    make_folder(kept / "new")
    assert (mode(kept), mode(kept / "new")) == (0o755, 0o750)
    make_folder(kept)
    assert mode(kept) == 0o755


def test_a_key_is_its_owners_alone_whatever_stood_there(umask, tmp_path):
    file = tmp_path / "pseudonym.key"
    file.write_text("old")
    file.chmod(0o666)
    write_private(file, "new")
    assert (mode(file), file.read_text()) == (0o600, "new")


def test_a_link_is_replaced_and_not_followed(tmp_path):
    other, link = tmp_path / "other", tmp_path / "pseudonym.key"
    other.write_text("another's")
    link.symlink_to(other)
    write_private(link, "key")
    assert other.read_text() == "another's"
    assert not link.is_symlink()


def test_a_planted_link_in_the_lake_leads_no_write_out_of_it(tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    lake.write_bytes("contracts/week=2026-11-16.json", b"old")
    outside = tmp_path / "outside"
    outside.write_bytes(b"another's")
    for name in ("contracts/week=2026-11-16.json", "contracts/new.json"):
        target = tmp_path / "lake" / name
        target.unlink(missing_ok=True)
        target.symlink_to(outside)
        lake.write_bytes(name, b"new")
        assert lake.read_bytes(name) == b"new"
        assert not target.is_symlink()
        target.unlink()
        target.symlink_to(outside)
        assert lake.create_bytes(name, b"new") is False
    assert outside.read_bytes() == b"another's"


def test_commands_close_what_they_write_and_leave_the_group_to_the_umask(umask, tmp_path):
    keep_from_others()
    (tmp_path / "report.html").write_text("x")
    assert mode(tmp_path / "report.html") == 0o660 & ~umask


def test_open_means_open_all_the_way_down(tmp_path):
    room, file = tmp_path / "room", tmp_path / "room" / "file"
    room.mkdir()
    file.write_text("x")
    tmp_path.chmod(0o755)
    above = [folder for folder in tmp_path.parents if not mode(folder) & 0o001]
    file.chmod(0o640)
    assert not is_open_to_others(file)
    file.chmod(0o644)
    # pytest's own folder is closed to others, so nothing below it is open.
    assert is_open_to_others(file) is (above == [])
    assert is_open_to_others(Path("/etc/passwd"))
    assert not is_open_to_others(tmp_path / "none")
