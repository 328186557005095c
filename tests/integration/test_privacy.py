"""The checks of masking as assets: what is found blocks, nothing is written, nothing is quoted."""

from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import dagster as dg
import polars as pl
import pytest

from eval_pipeline.adapters.lake_format import MARKER
from eval_pipeline.anonymisation.anonymiser import MaskedConversation
from eval_pipeline.anonymisation.checks.canaries import kinds_looked_for, plant
from eval_pipeline.anonymisation.checks.known_values import hash_known_values
from eval_pipeline.anonymisation.checks.quasi_identifiers import SUPPRESSED
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.settings_file import load_project
from eval_pipeline.tables import ANONYMISATION_REPORT, ANONYMISED_INTERACTIONS
from tests.scenario import KEY, WEEKS, World, planted_strings_in

WEEK = WEEKS[0]
UNKNOWN = "purple teapot"
"""What no recogniser takes for a person."""
LEAKED = "leaked@example.org"


class Leaking:
    """An anonymiser that lets one e-mail address through, or says that it did."""

    def __init__(self, inner: Any, *, says_so: bool = False) -> None:
        self.inner = inner
        self.says_so = says_so
        self.leaked = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def mask_conversations(self, *asked: Any, **options: Any) -> list[MaskedConversation]:
        first, *others = self.inner.mask_conversations(*asked, **options)
        if self.leaked:
            return [first, *others]
        self.leaked = True
        if self.says_so:
            changed = replace(first, residual=({"EMAIL": 1}, *first.residual[1:]))
        else:
            changed = replace(first, texts=(*first.texts[:-1], f"Write to {LEAKED}."))
        return [changed, *others]


@pytest.fixture
def pipeline(fresh_world: World) -> Iterator[Any]:
    """Makes a pipeline of the fresh world's present configuration, in its environment."""
    opened: list[Pipeline] = []

    def make() -> Pipeline:
        opened.append(Pipeline(load_project(fresh_world.config)))
        return opened[-1]

    with fresh_world.entered():
        yield make
        for one in opened:
            one.close()


def materialised(definitions: ModuleType, pipeline: Pipeline) -> dg.ExecuteInProcessResult:
    del definitions  # imported under a configuration of the tests
    from assets import intake, privacy

    wanted = [*intake.READING_LOGS, privacy.anonymisation_report]
    return dg.materialize(
        [*wanted, intake.production_logs],
        selection=dg.AssetSelection.assets(*wanted),
        partition_key=WEEK,
        resources={"pipeline": pipeline},
        raise_on_error=False,
    )


def checks(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    return {one.check_name: one for one in result.get_asset_check_evaluations()}


def failure(result: dg.ExecuteInProcessResult) -> str:
    (failed,) = result.filter_events(lambda event: event.is_step_failure)
    return failed.step_failure_data.error.to_string()


def add_to_logs(world: World, text: str) -> None:
    (file,) = (world.logs / f"week={WEEK}").iterdir()
    logged = pl.read_parquet(file)
    logged.with_columns(
        response=pl.col("response") + pl.lit(f" I ordered a {text}.")
    ).write_parquet(file)


def assert_nothing_was_written(world: World, text: str, tmp_path) -> None:
    stored = {path.split("/")[0] for path in world.files()}
    assert stored == {MARKER, "contracts", "sampling_frame", "sampled_interactions"}
    places = [path for path in sorted(world.folder.iterdir()) if path != world.logs]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert (
        planted_strings_in([p for p in places if p.name != "known.txt"], [text], scratch=scratch)
        == []
    )


@pytest.mark.parametrize("hashed", [False, True])
def test_a_known_value_that_is_left_blocks_the_partition_and_is_not_quoted(
    fresh_world, definitions, pipeline, tmp_path, hashed
):
    add_to_logs(fresh_world, UNKNOWN)
    values = ["Purple Teapot", "somebody else"]
    lines = list(hash_known_values(values, key=KEY.encode())) if hashed else values
    (fresh_world.folder / "known.txt").write_text("\n".join(lines), encoding="utf-8")
    fresh_world.configure(
        lambda tree: tree["anonymisation"].update(known_values={"file": "known.txt"})
    )
    result = materialised(definitions, pipeline())
    assert not result.success
    found = checks(result)["known_values"]
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.ERROR
    assert found.blocking
    assert found.metadata["occurrences"].value == found.metadata["interactions"].value > 10
    assert checks(result)["residual_scan"].passed
    assert "KnownValueError" in failure(result)
    assert "Nothing was written" in failure(result)
    assert "teapot" not in repr(result.all_events).lower()
    assert_nothing_was_written(fresh_world, UNKNOWN, tmp_path)


@pytest.mark.parametrize("says_so", [False, True])
def test_personal_data_that_the_scan_still_sees_blocks_the_partition_and_is_not_quoted(
    fresh_world, definitions, pipeline, tmp_path, says_so
):
    made = pipeline()
    made.__dict__["anonymiser"] = Leaking(made.anonymiser, says_so=says_so)
    result = materialised(definitions, made)
    assert not result.success
    found = checks(result)["residual_scan"]
    assert not found.passed
    assert found.severity == dg.AssetCheckSeverity.ERROR
    assert found.blocking
    assert found.metadata["hits"].value == 1.0
    assert found.description == "Personal data was left in 1 interactions: email 1."
    assert "ResidualTextError" in failure(result)
    assert LEAKED not in repr(result.all_events)
    assert_nothing_was_written(fresh_world, LEAKED, tmp_path)


def test_a_file_of_known_values_that_cannot_be_used_stops_before_any_text_is_read(
    fresh_world, definitions, pipeline
):
    (fresh_world.folder / "known.txt").write_text(
        "\n".join(hash_known_values(["Zorblax Quintel"], key=b"another key"))
    )
    fresh_world.configure(
        lambda tree: tree["anonymisation"].update(known_values={"file": "known.txt"})
    )
    result = materialised(definitions, pipeline())
    assert "KnownValuesFileError" in failure(result)
    assert "it was hashed with another key" in failure(result)
    assert not (fresh_world.lake / "anonymised_interactions").exists()


def test_small_groups_are_suppressed_before_writing_and_only_warn(
    fresh_world, definitions, pipeline
):
    fresh_world.configure(
        lambda tree: tree["anonymisation"].update(
            quasi_identifiers=["route", "prompt_version"], minimum_group=1000, canaries=0
        )
    )
    made = pipeline()
    result = materialised(definitions, made)
    assert result.success
    stored = made.lake.read(ANONYMISED_INTERACTIONS, partition=WEEK)
    assert set(stored["prompt_version"].drop_nulls()) == {SUPPRESSED}
    found = checks(result)
    assert not found["group_size"].passed
    assert found["group_size"].severity == dg.AssetCheckSeverity.WARN
    assert not found["group_size"].blocking
    assert found["canary_recall"].passed
    assert "not measured" in found["canary_recall"].description
    report = made.lake.read(ANONYMISATION_REPORT, partition=WEEK)
    (hidden,) = report.filter(pl.col("measure") == "suppressed_values").to_dicts()
    assert (hidden["about"], hidden["value"]) == (
        "prompt_version",
        stored["prompt_version"].count(),
    )


def test_every_week_has_its_report_with_recall_to_plot_and_a_page_without_a_canary(finished_world):
    with finished_world.entered(), dg.DagsterInstance.get() as instance:
        event = instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey("anonymisation_report"), asset_partitions=[WEEKS[1]]),
            limit=1,
        ).records[0]
    metadata = event.asset_materialization.metadata
    assert 0 <= metadata["canary lower"].value <= metadata["canary recall"].value <= 1
    assert "data:image/svg+xml" in metadata["recall"].value
    assert metadata["page"].value.endswith(f"privacy/week={WEEKS[1]}.html")
    html = (finished_world.lake / "privacy" / f"week={WEEKS[1]}.html").read_text(encoding="utf-8")
    assert WEEKS[0] in html  # the week before is in the trend
    assert WEEKS[1] not in (finished_world.lake / "privacy" / f"week={WEEKS[0]}.html").read_text()
    with finished_world.pipeline() as made:
        policy = made.settings.anonymisation
        values = plant(
            kinds_looked_for(policy.recognisers),
            count=policy.canaries,
            week=WEEKS[1],
            key=made.key,
            languages=policy.languages,
        )
    assert len(values) == 500
    # Ages and days may stand on a page by chance.
    assert not [c.kind for c in values if len(c.value) > 10 and c.value in html]


def test_the_report_counts_what_lies_in_the_lake(finished_world):
    with finished_world.pipeline() as made:
        report = made.lake.read(ANONYMISATION_REPORT, partition=WEEK)
        stored = made.lake.read(ANONYMISED_INTERACTIONS, partition=WEEK)
        assert set(report["anonymiser_fingerprint"]) == {made.anonymiser.fingerprint}
    found = {(row["measure"], row["about"]): row["value"] for row in report.to_dicts()}
    assert found["interactions", "all"] == stored.height
    assert found["characters", "all"] == stored["characters"].sum() > 0
    assert 0 < found["masked_characters", "all"] < found["characters", "all"]
    spans = stored.select(pl.col("masked").explode()).unnest("masked")["spans"].sum()
    assert found["masked_spans", "all"] == spans
    assert found["residual_hits", "all"] == 0
