import datetime as dt

import polars as pl
import pytest

from eval_pipeline.errors import CorruptFileError
from eval_pipeline.fingerprint import content_hash
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.golden_set import Change, Composition, Deficit
from eval_pipeline.truth.manifest import (
    FileEntry,
    Provenance,
    chain_problems,
    content_fingerprint,
    describe,
    item_problems,
    manifest_bytes,
    parse_manifest,
    published_schema,
)

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
            "item_fingerprint": f"fp-{name}",
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
        parent_manifest_hash=None,
    )


def test_a_manifest_comes_back_as_it_was_written():
    manifest = manifest_of(items("a", "b"))
    data = manifest_bytes(manifest)
    assert parse_manifest(data, path="golden/000001/manifest.json") == manifest
    assert manifest_bytes(manifest_of(items("b", "a"))) == data
    assert data.endswith(b"}\n")


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
        "the content fingerprint is not that of the items and their provenance"
    ]
    assert len(item_problems(manifest, items("a"))) == 3


def test_the_chain_holds_only_on_the_parent_it_was_built_on():
    parent = b"parent manifest"
    manifest = manifest_of(
        items("b", "c"),
        version=2,
        admitted=(Change("item-c", "panel_label"),),
        retired=(Change("item-a", "stale"),),
    ).model_copy(update={"parent_manifest_hash": content_hash(parent)})

    def problems(*, held=("item-b", "item-c"), before=("item-a", "item-b"), by=parent):
        return chain_problems(manifest, held, parent_manifest=by, parent_items=before)

    assert problems() == []
    assert problems(by=b"other") == ["the manifest of version 1 is not the one it was built on"]
    gap = ["its items are not its parent's, less the retired, plus the admitted"]
    assert problems(held=("item-b", "item-c", "item-d")) == gap
    assert problems(held=("item-c",)) == gap
    assert problems(before=("item-a",)) == gap


def test_the_published_schema_describes_every_manifest():
    import jsonschema

    manifest = manifest_of(items("a"))
    jsonschema.validate(manifest.model_dump(mode="json"), published_schema())
    assert "started_at" not in str(published_schema())
