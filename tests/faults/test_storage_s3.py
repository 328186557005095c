"""An object store that throttles, refuses, hangs, cuts, lags: bounded tries, then a clear error."""

from collections.abc import Callable, Iterator
from itertools import product

import pytest

from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake, partition_path
from eval_pipeline.errors import (
    CorruptFileError,
    EvalPipelineError,
    LakeError,
    PublishConflictError,
)
from eval_pipeline.tables import VERDICTS
from tests.damage import rows_of
from tests.failing_s3 import FailingStore, Trouble, always, failing_s3, first
from tests.publishing import WEEKS, drafted, problems, publish
from tests.servers import s3_server, use_s3
from tests.sizes import FULL

pytestmark = pytest.mark.slow

PLANTED = {
    "AWS_ACCESS_KEY_ID": "AKIDPLANTED",
    "AWS_SECRET_ACCESS_KEY": "SECRETPLANTED",
    "AWS_SESSION_TOKEN": "TOKENPLANTED",
}
MOST_REQUESTS = 7
"""Of one act: the first and six more."""

TROUBLES = {
    "throttled": (Trouble("status"), "503", "wait until it answers"),
    "out of order": (Trouble("status", 500, "InternalError"), "500", "wait until it answers"),
    "reset": (Trouble("reset"), "no whole answer came", "AWS_ENDPOINT_URL"),
    "silent": (Trouble("hang", seconds=0.5), "no whole answer came", "AWS_ENDPOINT_URL"),
    "expired": (Trouble("status", 403, "ExpiredToken"), "403", "credentials"),
    "expired, said by 400": (Trouble("status", 400, "ExpiredToken"), "400", "credentials"),
    "forbidden": (Trouble("status", 403, "AccessDenied"), "403", "rights to this bucket"),
    "unknown key": (Trouble("status", 401, "InvalidAccessKeyId"), "401", "credentials"),
    "not implemented": (Trouble("status", 501, "NotImplemented"), "501", "wait until it answers"),
}
ACTS: dict[str, Callable[[Lake], object]] = {
    "read": lambda lake: lake.read_bytes("folder/standing"),
    "write": lambda lake: lake.write_bytes("folder/new", b"new"),
    "create": lambda lake: lake.create_bytes("folder/made", b"made"),
    "list": lambda lake: lake.list("folder"),
    "look": lambda lake: lake.exists("folder/standing"),
    "delete": lambda lake: lake.delete("folder/gone"),
}
PAIRS = list(product(TROUBLES, ACTS))
SOME = PAIRS if FULL else PAIRS[::5]


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[str, str, FailingStore]]:
    with s3_server("bucket") as direct, failing_s3(direct) as (proxied, failing):
        yield direct, proxied, failing


@pytest.fixture
def failing(store) -> Iterator[FailingStore]:
    store[2].arm(lambda number, method, path: None)
    yield store[2]
    store[2].arm(lambda number, method, path: None)


@pytest.fixture
def lake(store, failing, monkeypatch, tmp_path) -> Lake:
    """A lake behind the proxy; the client waits for 0.2 seconds, as it does for 30 elsewhere."""
    use_s3(monkeypatch, store[1])
    for name, value in {**PLANTED, "AWS_TIMEOUT": "0.2s"}.items():
        monkeypatch.setenv(name, value)
    made = Lake(f"s3://bucket/lakes/{tmp_path.name}")
    made.write_bytes("folder/standing", b"standing")
    made.write_bytes("folder/gone", b"going")
    return made


def said_by(act: Callable[[], object]) -> str:
    with pytest.raises(LakeError) as caught:
        act()
    said = str(caught.value)
    assert "s3://bucket/lakes/" in said
    assert said.endswith("run the same command again.")
    assert "\n" not in said
    assert not any(secret in said for secret in PLANTED.values())
    return said


@pytest.mark.parametrize(("trouble", "act"), SOME, ids=lambda one: one)
def test_trouble_that_lasts_is_a_sentence_after_a_bounded_number_of_tries(
    lake, failing, trouble, act, fault_ledger
) -> None:
    told, cause, remedy = TROUBLES[trouble]
    failing.arm(always(told))
    said = said_by(lambda: ACTS[act](lake))
    fault_ledger.injected(f"s3: {trouble}", act)
    assert cause in said
    assert remedy in said
    assert len(failing.requests) <= MOST_REQUESTS
    failing.arm(lambda number, method, path: None)
    ACTS[act](lake)
    assert lake.read_bytes("folder/standing") == b"standing"


PASSING = {
    "throttled": Trouble("status"),
    "out of order": Trouble("status", 500, "InternalError"),
    "reset": Trouble("reset"),
    "silent": Trouble("hang", seconds=0.5),
    "unheard": Trouble("reset", unheard=True),
    "unheard and told 500": Trouble("status", 500, "InternalError", unheard=True),
    "cut": Trouble("cut"),
    "slow": Trouble("slow", seconds=0.5),
}
PASSING_PAIRS = list(product(PASSING, ACTS))


@pytest.mark.parametrize(
    ("trouble", "act"), PASSING_PAIRS if FULL else PASSING_PAIRS[::3], ids=lambda one: one
)
def test_trouble_that_passes_is_not_noticed(lake, failing, trouble, act, fault_ledger) -> None:
    failing.arm(first(2, PASSING[trouble]))
    found = ACTS[act](lake)
    fault_ledger.injected(f"s3, twice: {trouble}", act)
    expected = {"read": b"standing", "create": True, "look": True}
    if act != "list":
        assert found == expected.get(act)
    assert lake.read_bytes("folder/standing") == b"standing"
    if act == "list":
        assert "folder/standing" in found
    if act in ("write", "create"):
        path, data = {"write": ("new", b"new"), "create": ("made", b"made")}[act]
        assert lake.read_bytes(f"folder/{path}") == data


@pytest.mark.parametrize(("status", "code"), [(412, "PreconditionFailed"), (409, "Conflict")])
def test_a_conditional_put_that_meets_another_without_a_winner_is_tried_again(
    lake, failing, status, code, fault_ledger
) -> None:
    failing.arm(first(2, Trouble("status", status, code), method="PUT"))
    assert lake.create_bytes("folder/made", b"made")
    fault_ledger.injected("s3: a conflict", str(status))
    assert not lake.create_bytes("folder/made", b"of somebody else")
    assert lake.read_bytes("folder/made") == b"made"


def test_a_download_that_ends_early_and_says_it_is_whole_is_noticed(
    lake, failing, fault_ledger
) -> None:
    lake.replace(VERDICTS, rows_of(VERDICTS, seed="s3"), partition=WEEKS[0])
    publish(lake, drafted(GoldenVersions(lake), week=WEEKS[0], seed="s3"))
    failing.arm(always(Trouble("short"), method="GET", within=".parquet"))
    fault_ledger.injected("s3: half a body", "a table")
    with pytest.raises(CorruptFileError, match=partition_path(VERDICTS, WEEKS[0])):
        lake.read(VERDICTS, partition=WEEKS[0])
    fault_ledger.injected("s3: half a body", "a golden version")
    with pytest.raises(CorruptFileError, match="golden/000001/items"):
        GoldenVersions(lake).items(1)
    assert problems(lake)
    failing.arm(always(Trouble("short"), method="GET", within="manifest.json"))
    fault_ledger.injected("s3: half a body", "a manifest")
    with pytest.raises(CorruptFileError, match="golden/000001/manifest"):
        GoldenVersions(lake).items(1)
    failing.arm(lambda number, method, path: None)
    assert problems(lake) == []


def test_a_list_that_lags_never_makes_a_version_twice(lake, failing, fault_ledger) -> None:
    golden = GoldenVersions(lake)
    publish(lake, drafted(golden, week=WEEKS[0], seed="first"))
    late = drafted(golden, week=WEEKS[1], seed="late")
    assert golden.numbers() == [1]
    draft = drafted(golden, week=WEEKS[1], seed="second")
    assert publish(lake, draft) == "created"
    # From here every listing is the one that was answered before the second version.
    listing = [path for path in failing.said if "list-type=2" in path]
    assert listing
    stale = dict(failing.said)
    failing.arm(lambda number, method, path: Trouble("stale") if "list-type=2" in path else None)
    fault_ledger.injected("s3: a list that lags", "publishing")
    failing.said.update(stale)
    with pytest.raises(EvalPipelineError) as caught:
        golden.publish(late.composition, late.provenance)
    assert isinstance(caught.value, PublishConflictError)
    failing.arm(lambda number, method, path: None)
    assert golden.numbers() == [1, 2]
    assert golden.items(2).equals(draft.composition.items)
    # What a loser could not see it could not sweep: the next publisher of that version does.
    assert publish(lake, late) == "conflict"
    assert problems(lake) == []


POINTS = range(20) if FULL else (1, 5)


@pytest.mark.parametrize("request_number", POINTS)
@pytest.mark.parametrize("trouble", ["expired", "throttled"] if FULL else ["expired"])
def test_credentials_that_expire_while_publishing_leave_no_part_of_a_version(
    lake, failing, trouble, request_number, fault_ledger
) -> None:
    golden = GoldenVersions(lake)
    publish(lake, drafted(golden, week=WEEKS[0], seed="first"))
    draft = drafted(golden, week=WEEKS[1], seed="second")
    failing.arm(
        lambda number, method, path: TROUBLES[trouble][0] if number >= request_number else None
    )
    try:
        assert publish(lake, draft) == "created"
    except LakeError as error:
        said = str(error)
        assert "run the same command again" in said
        assert not any(secret in said for secret in PLANTED.values())
    if len(failing.requests) > request_number:
        fault_ledger.injected(f"s3, from here on: {trouble}", f"request {request_number}")
    failing.arm(lambda number, method, path: None)
    assert golden.numbers() in ([1], [1, 2])
    assert [one for one in problems(lake) if "does not name" not in one] == []
    assert publish(lake, draft) in {"created", "standing"}
    assert golden.numbers() == [1, 2]
    assert golden.items(2).equals(draft.composition.items)
    assert problems(lake) == []
