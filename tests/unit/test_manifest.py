import datetime as dt
import json

import polars as pl
import pytest

from eval_pipeline.canary import CANARY_PATTERN, canary_of
from eval_pipeline.errors import CorruptFileError
from eval_pipeline.fingerprint import content_hash
from eval_pipeline.settings import GoldenSettings
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.golden_set import Change, Composition, Deficit, item_fingerprint
from eval_pipeline.truth.manifest import (
    FileEntry,
    Provenance,
    Reissue,
    Tombstone,
    content_fingerprint,
    describe,
    policy_entry,
)
from eval_pipeline.truth.manifest_checks import chain_problems, item_problems, own_problems
from eval_pipeline.truth.manifest_file import manifest_bytes, parse_manifest, published_schema

WEEK = "2026-11-16"
PROVENANCE = Provenance(
    salt="weekly",
    anonymiser_fingerprint="abc",
    judges={"strict": ("model-a-2026",)},
    agreement={"alpha": 0.8, "lower": 0.7, "upper": 0.9},
    code_version="0.1.0",
    run_id="run-1",
)


def items(*names: str, admitted_in: int = 1) -> pl.DataFrame:
    rows = [
        {
            "item_id": f"item-{name}",
            "item_revision": 1,
            "week": WEEK,
            "route": "orders",
            "kind": "typical",
            "subsets": ["refunds", "refunds"],
            "messages": [{"role": "user", "content": name}],
            "reference_label": "pass",
            "label_source": "panel",
            "selection": "sample",
            "expected_behaviour": "answer",
            "inclusion_probability": 0.5,
            "design_weight": 2.0,
            "conversation_key": "c",
            "admitted_in": admitted_in,
            "admitted_on": dt.date(2026, 11, 23),
            "labelled_on": dt.date(2026, 11, 20),
        }
        for name in names
    ]
    for row in rows:
        row["item_fingerprint"] = item_fingerprint({**row, "reference_response": None})
    return GOLDEN_SET.conform(pl.DataFrame(rows, schema=GOLDEN_SET.schema))


def composition(frame: pl.DataFrame, *, version: int = 1, **changes) -> Composition:
    values = {
        "version": version,
        "week": WEEK,
        "as_of": dt.date(2026, 11, 23),
        "items": frame,
        "admitted": tuple(Change(item, "panel_label") for item in frame["item_id"]),
        "retired": (),
        "revised": (),
        "deficits": (Deficit("subset", "refunds", 30, 2),),
        "fresh": 0,
        "left_out": (("no_room", 3),),
    }
    return Composition(**{**values, **changes})


def manifest_of(frame: pl.DataFrame, *, provenance: Provenance = PROVENANCE, **changes):
    return describe(
        composition(frame, **changes),
        provenance,
        files={"items-x.parquet": FileEntry(sha256="0" * 64, bytes=10, rows=frame.height)},
        parent=None,
        parent_manifest_hash=None,
    )


def test_a_manifest_comes_back_as_it_was_written():
    manifest = manifest_of(items("a", "b"))
    data = manifest_bytes(manifest)
    assert parse_manifest(data, path="golden/000001/manifest.json") == manifest
    assert manifest_bytes(manifest_of(items("b", "a"))) == data
    assert data.endswith(b"}\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"fresh": 0', b'"fresh": 1'),
        (b'"fresh": 0', b'"fresh":  0'),
        (b"}\n", b"}"),
        (b'  "version": 1', b'  "version": 1,\n  "version": 1'),
        (b"model-a", b"model-\xff"),
        (b"model-a", b"model-\\ud800"),
    ],
)
def test_a_manifest_that_differs_from_its_seal_or_its_own_form_is_refused(old, new):
    data = manifest_bytes(manifest_of(items("a")))
    assert old in data
    with pytest.raises(CorruptFileError):
        parse_manifest(data.replace(old, new), path="m")


def test_counts_are_per_name_and_an_item_counts_once_in_a_subset():
    counts = manifest_of(items("a", "b")).counts
    assert (counts.items, counts.per_subset, counts.per_kind) == (2, {"refunds": 2}, {"typical": 2})
    assert counts.per_annotator_kind == {"none": 2}


def test_the_first_version_has_no_parent_and_the_next_has():
    assert manifest_of(items("a")).parent is None
    assert manifest_of(items("a"), version=12).parent == 11


def test_the_content_fingerprint_ignores_the_run_and_the_number_and_nothing_else():
    def of(frame: pl.DataFrame, *, week: str = WEEK, **changes) -> str:
        return content_fingerprint(frame, PROVENANCE.model_copy(update=changes), week=week)

    same = of(items("a"))
    assert of(items("a"), run_id="run-2", code_version="0.2.0") == same
    assert of(items("a", admitted_in=7)) == same
    others = {
        of(items("b")),
        of(items("a", "b")),
        of(items("a"), week="2026-11-23"),
        of(items("a"), salt="other"),
        of(items("a"), anonymiser_fingerprint="other"),
        of(items("a"), judges={"strict": ("model-a-2027",)}),
        of(items("a"), agreement={"alpha": 0.1}),
        of(items("a").with_columns(reference_label=pl.lit("fail"))),
    }
    assert len(others) == 8
    assert same not in others


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the whole file"),
        (b"{}", "version: Field required"),
        (manifest_bytes(manifest_of(items("a"))).replace(b'"week"', b'"day"'), "week"),
        (
            manifest_bytes(manifest_of(items("a"))).replace(
                b'"schema_version": 1', b'"schema_version": 2'
            ),
            "schema_version",
        ),
    ],
)
def test_what_is_no_manifest_is_refused_by_path_and_place(data, problem):
    with pytest.raises(CorruptFileError, match=problem) as caught:
        parse_manifest(data, path="golden/000001/manifest.json")
    assert "golden/000001/manifest.json" in str(caught.value)


def test_items_that_contradict_their_manifest_are_found():
    manifest = manifest_of(items("a", "b"))
    assert item_problems(manifest, items("a", "b")) == []
    relabelled = items("a", "b").with_columns(reference_label=pl.lit("fail"))
    assert item_problems(manifest, relabelled) == [
        "the content fingerprint is not that of the items and their provenance",
        "the fingerprints of item-a, item-b are not those of their content",
    ]
    assert len(item_problems(manifest, items("a"))) == 4
    elsewhere = manifest.model_copy(update={"weeks": ("2026-11-09",)})
    assert item_problems(elsewhere, items("a", "b")) == [
        "it admitted items of weeks that it does not name"
    ]


def test_a_manifest_that_contradicts_itself_is_found():
    manifest = manifest_of(items("a"), version=3)
    assert own_problems(manifest) == []
    stone = Tombstone(
        item_id="item-z",
        item_revision=1,
        route="orders",
        kind="typical",
        subsets=(),
        reference_label="pass",
        label_source="panel",
        erasure_id="e-1",
    )
    assert own_problems(
        manifest.model_copy(update={"parent": 1, "weeks": (), "tombstones": (stone, stone)})
    ) == [
        "its parent is 1, not the version before",
        "its weeks are not in order or lack its own",
        "its tombstones are not in order or name an item twice",
        "it has a tombstone of an erasure for which it was not issued again",
    ]


def test_a_canary_is_one_string_per_parent_and_week_that_the_pattern_finds():
    canary = canary_of(None, week=WEEK)
    assert canary == canary_of(None, week=WEEK)
    assert len({canary, canary_of("0" * 64, week=WEEK), canary_of(None, week="2026-11-23")}) == 3
    assert CANARY_PATTERN.search(f"some text {canary}, more text")[0] == canary


def test_the_policy_is_recorded_with_a_fingerprint_of_its_content():
    entry = policy_entry(GoldenSettings(), ["b", "a"])
    assert (entry.subsets, entry.golden["minimum_items"]) == (("a", "b"), 200)
    assert policy_entry(GoldenSettings(), ["a", "b"]) == entry
    others = {
        policy_entry(GoldenSettings(minimum_items=1), ["a", "b"]).fingerprint,
        policy_entry(GoldenSettings(), ["a"]).fingerprint,
    }
    assert entry.fingerprint not in others


def test_the_chain_holds_only_on_the_parent_it_was_built_on():
    parent = manifest_of(items("a", "b"))
    stored = manifest_bytes(parent)
    manifest = manifest_of(
        items("b", "c"),
        version=2,
        admitted=(Change("item-c", "panel_label"),),
        retired=(Change("item-a", "stale"),),
    ).model_copy(
        update={
            "parent_manifest_hash": content_hash(stored),
            "canary": canary_of(content_hash(stored), week=WEEK),
        }
    )

    def problems(child=manifest, *, held=("item-b", "item-c"), before=("item-a", "item-b"), **of):
        parent_of = {"parent": parent, "parent_manifest": stored, **of}
        return chain_problems(child, held, parent_items=before, **parent_of)

    gap = ["its items are not its parent's, less the retired, plus the admitted"]
    no_canary = ["its canary does not come from its parent and its week"]
    assert problems() == []
    assert problems(parent_manifest=b"other") == [
        "the manifest of version 1 is not the one it was built on",
        *no_canary,
    ]
    assert problems(held=("item-b", "item-c", "item-d")) == gap
    assert problems(held=("item-c",)) == gap
    assert problems(before=("item-a",)) == gap
    assert problems(manifest.model_copy(update={"newest_week": "2026-11-23"})) == [
        "its newest week is not that of the chain"
    ]
    assert problems(manifest.model_copy(update={"canary": canary_of("0", week=WEEK)})) == no_canary
    issued_again = parent.model_copy(
        update={"reissues": (Reissue(reason="r", erasure_id="e", supersedes="0"),)}
    )
    child = manifest.model_copy(update={"canary": canary_of("0", week=WEEK)})
    assert problems(child, parent=issued_again) == []


def test_the_published_schema_describes_every_manifest():
    import jsonschema

    manifest = manifest_of(items("a"))
    jsonschema.validate(json.loads(manifest_bytes(manifest)), published_schema())
    assert "started_at" not in str(published_schema())
