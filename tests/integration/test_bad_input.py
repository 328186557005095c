"""Bad input: one message with the remedy, a non-zero exit, every earlier file untouched."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
import pytest

from tests.scenario import (
    CANDIDATE,
    EMPTY_WEEK,
    NEXT_WEEK,
    NOBODY_LISTENS,
    WEEKS,
    World,
)

MONDAY_BEFORE_THE_FIRST = "2026-08-31"
MONDAY_IN_THE_FUTURE = "2100-01-04"
REFRESH = ("refresh", "--week", NEXT_WEEK)


def in_text(old: str, new: str) -> Callable[[World], None]:
    def apply(world: World) -> None:
        text = world.config.read_text(encoding="utf-8")
        assert old in text
        world.config.write_text(text.replace(old, new, 1), encoding="utf-8")

    return apply


def without_a_column(world: World) -> None:
    (file,) = (world.logs / f"week={NEXT_WEEK}").iterdir()
    pl.read_parquet(file).drop("conversation_id").write_parquet(file)


def provider_gone(world: World) -> None:
    world.configure(
        lambda tree: tree["providers"]["pharmacy-cloud"].update(
            base_url=NOBODY_LISTENS, maximum_attempts=2
        )
    )


def provider_wants_a_key(world: World) -> None:
    world.configure(
        lambda tree: tree["providers"]["pharmacy-cloud"].update(key_variable="TEAM_API_KEY")
    )


def corrupt_log(world: World) -> None:
    (file,) = (world.logs / f"week={NEXT_WEEK}").iterdir()
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2])


def log_without_rows(world: World) -> None:
    (file,) = (world.logs / f"week={NEXT_WEEK}").iterdir()
    pl.read_parquet(file).clear().write_parquet(file)


def corrupt_labels(world: World) -> None:
    file = world.lake / "adjudications" / f"week={WEEKS[0]}" / "part-0.parquet"
    file.write_bytes(file.read_bytes()[:100])


def corrupt_trials(world: World) -> None:
    file = world.lake / "drift_trials" / f"week={WEEKS[0]}" / "part-0.parquet"
    file.write_bytes(file.read_bytes()[:100])


def corrupt_golden(world: World) -> None:
    (file,) = (world.lake / "golden" / "000002").glob("items*.parquet")
    file.write_bytes(file.read_bytes()[:100])


def malformed_candidate(world: World) -> None:
    (world.folder / "candidates" / "crooked.yaml").write_text("provider: pharmacy-cloud\nmodl: x\n")


def unparsable_candidate(world: World) -> None:
    (world.folder / "candidates" / "crooked.yaml").write_text("provider: [pharmacy-cloud\n")


def stranger_s_candidate(world: World) -> None:
    (world.folder / "candidates" / "crooked.yaml").write_text("provider: nobody\nmodel: x\n")


def nothing(world: World) -> None:
    del world


@dataclass(frozen=True)
class Bad:
    """What is wrong, the command that meets it, and what its message must say."""

    name: str
    spoil: Callable[[World], None]
    command: tuple[str, ...]
    culprit: str
    remedy: str
    code: int = 1
    unset: tuple[str, ...] = ()


CASES = [
    Bad("unknown key", in_text("contract:", "contracts: {}\ncontract:"), REFRESH,
        r"eval_pipeline\.yaml:\d+: `contracts`", "unknown here"),
    Bad("wrong type", in_text("budget: 40", "budget: many"), REFRESH,
        r"eval_pipeline\.yaml:\d+: `sampling.budget`", "valid integer.*Found: 'many'"),
    Bad("no configuration", lambda world: world.config.unlink(), REFRESH,
        "There is no configuration at", "eval-pipeline init"),
    Bad("missing columns", without_a_column, REFRESH, "conversation_id", r"`logs\.columns`"),
    Bad("unreachable provider", provider_gone, REFRESH,
        "'pharmacy-cloud' at http://127.0.0.1:9 cannot be reached", "run the same command again"),
    Bad("missing API key", provider_wants_a_key, REFRESH, "TEAM_API_KEY is not set",
        "export TEAM_API_KEY=", unset=("TEAM_API_KEY",)),
    Bad("missing pseudonym key", nothing, REFRESH, "EVAL_PIPELINE_KEY is not set",
        "export EVAL_PIPELINE_KEY=", unset=("EVAL_PIPELINE_KEY",)),
    Bad("corrupt log", corrupt_log, REFRESH, r"part-0\.parquet cannot be read",
        "Earlier results are untouched"),
    Bad("corrupt labels in the lake", corrupt_labels, ("publish", "--week", WEEKS[1]),
        r"adjudications/week=2026-09-07/part-0\.parquet cannot be read",
        "Materialise 'adjudications' for 2026-09-07 again"),
    Bad("corrupt drift trials in the lake", corrupt_trials, ("drift", "--week", WEEKS[1]),
        r"drift_trials/week=2026-09-07/part-0\.parquet cannot be read",
        "Materialise 'drift_trials' for 2026-09-07 again"),
    Bad("corrupt golden version", corrupt_golden, ("gate", "--candidate", CANDIDATE),
        "golden/000002/items", "cannot be read", code=3),
    Bad("no files for a week", nothing, ("refresh", "--week", EMPTY_WEEK),
        f"no interaction in the week of {EMPTY_WEEK}", "run the same command again"),
    Bad("a file without rows", log_without_rows, REFRESH,
        f"week of {NEXT_WEEK}", "run the same command again|Mend the data"),
    Bad("no log files at all", lambda world: shutil.rmtree(world.logs), REFRESH,
        "No log files match", r"`logs\.path`"),
    Bad("not a Monday", nothing, ("refresh", "--week", "2026-09-23"),
        "2026-09-23 is a Wednesday", "its week starts on 2026-09-21"),
    Bad("not a date", nothing, ("refresh", "--week", "last"), "'last' is not a date", "2026-11-16"),
    Bad("before the first week", nothing, ("refresh", "--week", MONDAY_BEFORE_THE_FIRST),
        f"'{MONDAY_BEFORE_THE_FIRST}' is not a week of this project", r"automation\.first_week"),
    Bad("in the future", nothing, ("refresh", "--week", MONDAY_IN_THE_FUTURE),
        f"'{MONDAY_IN_THE_FUTURE}' is not a week of this project", "Mondays that have ended"),
    Bad("publish before refresh", nothing, ("publish", "--week", NEXT_WEEK),
        NEXT_WEEK, "eval-pipeline|Materialise"),
    Bad("unknown candidate", nothing, ("gate", "--candidate", "nobody"),
        "There is no candidate 'nobody'; known: steady", "Add it under `systems`", code=3),
    Bad("candidate outside the folder", nothing, ("gate", "--candidate", "../eval_pipeline"),
        "There is no candidate", "Add it under `systems`", code=3),
    Bad("malformed candidate", malformed_candidate, ("gate", "--candidate", "crooked"),
        r"candidates/crooked\.yaml", "modl", code=3),
    Bad("unparsable candidate", unparsable_candidate, ("evaluate", "--candidate", "crooked"),
        r"candidates/crooked\.yaml:2: the candidate file cannot be read", r"expected ',' or '\]'"),
    Bad("candidate of a stranger", stranger_s_candidate, ("gate", "--candidate", "crooked"),
        "provider 'nobody'", r"known are \['pharmacy-cloud'\]", code=3),
]  # fmt: skip


def spoilt(world: World, case: Bad) -> World:
    case.spoil(world)
    return World(world.folder, dict.fromkeys(case.unset))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_is_told_once_with_its_remedy_and_touches_nothing_earlier(world, case):
    bad = spoilt(world, case)
    before = bad.files()
    counted = {table: bad.count(table) for table in ("labels", "adjudications", "review_tasks")}
    ended = bad.run(*case.command)
    assert ended.code == case.code, ended.err
    said = " ".join(ended.err.split())
    assert re.search(case.culprit, said), said
    assert re.search(case.remedy, said), said
    assert said.count("Error:") == 1
    assert "Traceback" not in ended.err + ended.out
    after = bad.files()
    assert {path: after.get(path) for path in before} == before
    assert counted == {table: bad.count(table) for table in counted}


@pytest.mark.parametrize("name", ["wrong type", "corrupt log", "unreachable provider"])
@pytest.mark.slow
def test_a_real_process_prints_the_message_alone(world, name):
    case = next(case for case in CASES if case.name == name)
    bad = spoilt(world, case)
    process = bad.start(*case.command)
    _, printed = process.communicate(timeout=120)
    said = printed.decode()
    assert process.returncode == case.code
    before, _, message = said.partition("Error:")
    # What a run of calls is expected to cost, and did cost, is said beside the message.
    assert re.fullmatch(
        r"(judging \S+: (\d+ calls planned, |paid for ).*?\. )*",
        " ".join([*before.split(), ""]).lstrip(),
    )
    assert "Traceback" not in said
    assert message
    assert re.search(case.remedy, " ".join(said.split()))


@pytest.mark.slow
def test_a_mended_input_runs_with_the_same_command(world, provider):
    provider_gone(world)
    assert world.run(*REFRESH).code == 1
    world.configure(
        lambda tree: tree["providers"]["pharmacy-cloud"].update(base_url=provider.base_url)
    )
    ended = world.run(*REFRESH)
    assert ended.code == 0, ended.err
