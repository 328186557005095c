"""Golden versions whose files are damaged: `verify` says which, and no item of them is read."""

from random import Random

import pytest

from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.errors import EvalPipelineError
from tests.damage import DAMAGES, flipped
from tests.publishing import lake_with
from tests.sizes import sized

FLIPS = sized(10, full=500)


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> dict[str, bytes]:
    """The files of a lake with three versions."""
    lake = lake_with(str(tmp_path_factory.mktemp("golden")), versions=3, seed="damage")
    return {path: lake.read_bytes(path) for path in lake.list("golden")}


@pytest.fixture
def lake(sound, tmp_path) -> Lake:
    made = Lake(str(tmp_path))
    for path, data in sound.items():
        made.write_bytes(path, data)
    return made


def assert_noticed(lake: Lake, version: int, name: str) -> None:
    golden = GoldenVersions(lake)
    problems = golden.verify(version)
    assert problems
    assert any(name in problem for problem in problems), problems
    with pytest.raises(EvalPipelineError) as caught:
        golden.items(version)
    said = str(caught.value)
    assert name in said
    assert "\n" not in said


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("damage", [name for name in DAMAGES if name != "without a column"])
def test_damaged_items_are_named_and_not_read(lake, sound, version, damage, fault_ledger) -> None:
    [path] = [one for one in sound if one.startswith(f"golden/{version:06}/items")]
    lake.write_bytes(path, DAMAGES[damage](sound[path], Random(f"{version} {damage}")))
    fault_ledger.injected(f"golden items: {damage}", str(version))
    assert_noticed(lake, version, path)
    lake.write_bytes(path, sound[path])
    assert GoldenVersions(lake).verify(version) == []


@pytest.mark.parametrize("version", [1, 2, 3])
def test_whichever_bit_of_a_version_flips_it_is_noticed(lake, sound, version, fault_ledger) -> None:
    random = Random(f"flips {version}")
    paths = [path for path in sound if path.startswith(f"golden/{version:06}/")]
    for _ in range(FLIPS):
        path = random.choice(paths)
        lake.write_bytes(path, flipped(sound[path], random, start=0, end=len(sound[path])))
        fault_ledger.injected("golden: a bit anywhere", path)
        assert_noticed(lake, version, f"golden/{version:06}")
        lake.write_bytes(path, sound[path])


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("kind", ["items", "manifest"])
@pytest.mark.parametrize("fate", ["cut", "emptied", "swapped", "a folder"])
def test_a_version_without_one_of_its_files_is_noticed(
    lake, sound, version, kind, fate, fault_ledger
) -> None:
    [path] = [one for one in sound if one.startswith(f"golden/{version:06}/{kind}")]
    file = lake.local_path(path)
    other = f"golden/{version % 3 + 1:06}/{kind}"
    if fate == "a folder":
        file.unlink()
        file.mkdir()
    else:
        stranger = next(data for one, data in sound.items() if one.startswith(other))
        file.write_bytes({"cut": sound[path][:-1], "emptied": b"", "swapped": stranger}[fate])
    fault_ledger.injected(f"golden {kind}: {fate}", str(version))
    golden = GoldenVersions(lake)
    try:
        noticed = bool(golden.verify(version))
    except EvalPipelineError as error:
        noticed = f"golden/{version:06}" in str(error)
    assert noticed
