"""Replaying what a manifest decided: no policy, only its decisions and the labels."""

import datetime as dt

import polars as pl
import pytest

from eval_pipeline.settings import GoldenSettings
from eval_pipeline.tables import GOLDEN_SET
from eval_pipeline.truth.golden_set import compose, item_identity
from eval_pipeline.truth.labelled_items import CANDIDATE_COLUMNS
from eval_pipeline.truth.manifest import FileEntry, Provenance, Tombstone, describe
from eval_pipeline.truth.rebuilding import ItemDifference, differences, replay

POLICY = GoldenSettings(
    minimum_items=1, minimum_per_subset=0, minimum_fresh_share=0, maximum_age_days=10
)
PROVENANCE = Provenance(
    salt="s", anonymiser_fingerprint="f", judges={}, agreement={}, code_version="1", run_id=None
)
WEEKS = ("2026-11-02", "2026-11-09", "2026-11-16")


def candidates(week: str, **labels: tuple[str, str]) -> pl.DataFrame:
    """One candidate per name with its label and the label's source."""
    rows = [
        {
            "interaction_id": name,
            "week": week,
            "route": "orders",
            "kind": "typical",
            "subsets": [],
            "messages": [{"role": "user", "content": f"Question {name}"}],
            "expected_behaviour": "answer",
            "reference_label": label,
            "label_source": source,
            "selection": "sample",
            "inclusion_probability": 0.5,
            "design_weight": 2.0,
            "conversation_key": name,
            "user_key": name,
            "labelled_on": dt.date.fromisoformat(week),
        }
        for name, (label, source) in labels.items()
    ]
    schema = {"interaction_id": pl.String, **{c: GOLDEN_SET.schema[c] for c in CANDIDATE_COLUMNS}}
    return pl.DataFrame(rows, schema=schema)


LABELLED = {
    WEEKS[0]: candidates(
        WEEKS[0], a=("pass", "agreement"), b=("pass", "panel"), c=("fail", "recorded")
    ),
    WEEKS[1]: candidates(
        WEEKS[1],
        a=("fail", "panel"),
        b=("fail", "adjudication"),
        d=("pass", "agreement"),
        e=("pass", "agreement"),
    ),
    WEEKS[2]: candidates(WEEKS[2], f=("pass", "agreement"), c=("fail", "agreement")),
}
"""A panel that contradicts people, a panel label that people overturn, and one who comes back."""


@pytest.fixture(scope="module")
def history():
    """Compositions with their manifests, each on top of the one before."""
    made, items = [], None
    for version, week in enumerate(WEEKS, 1):
        composition = compose(
            previous=items,
            candidates=LABELLED[week],
            policy=POLICY,
            subsets={},
            week=week,
            as_of=dt.date.fromisoformat(week) + dt.timedelta(days=7),
            version=version,
        )
        items = composition.items
        manifest = describe(
            composition,
            PROVENANCE,
            files={"items-1.parquet": FileEntry(sha256="0", bytes=1, rows=items.height)},
            parent=None,
            parent_manifest_hash=None,
        )
        made.append((composition, manifest))
    return made


def test_every_version_comes_out_as_it_was_composed(history):
    items = None
    for composition, manifest in history:
        replayed = replay(items, LABELLED[manifest.week], manifest=manifest)
        items = replayed.items
        assert replayed.missing == ()
        assert items.equals(composition.items)
    changes = [
        (change.reason, manifest.version)
        for _, manifest in history
        for change in (*manifest.revised, *manifest.retired)
    ]
    assert ("label", 2) in changes
    assert {("stale", 2), ("stale", 3)} <= set(changes)
    (_, last) = history[2]
    assert item_identity("c") in {change.item_id for change in last.admitted}


def test_of_two_weeks_that_people_labelled_alike_rebuilding_takes_the_label_that_composing_took():
    labelled = pl.concat(
        [
            candidates(WEEKS[0], a=("pass", "agreement"), s=("pass", "synthetic")),
            candidates(WEEKS[1], a=("fail", "adjudication"), b=("pass", "agreement")),
        ]
    )
    composition = compose(
        previous=None,
        candidates=labelled,
        policy=POLICY,
        subsets={},
        week=WEEKS[1],
        as_of=dt.date.fromisoformat(WEEKS[1]) + dt.timedelta(days=1),
        version=1,
    )
    manifest = describe(
        composition,
        PROVENANCE,
        files={"items-1.parquet": FileEntry(sha256="0", bytes=1, rows=composition.items.height)},
        parent=None,
        parent_manifest_hash=None,
    )
    taken = dict(composition.items.select("item_id", "reference_label").iter_rows())
    assert taken[item_identity("a")] == "fail"
    assert replay(None, labelled, manifest=manifest).items.equals(composition.items)


def test_what_was_erased_is_neither_wanted_nor_missed(history):
    composition, manifest = history[0]
    gone = item_identity("a")
    row = composition.items.row(by_predicate=pl.col("item_id") == gone, named=True)
    stone = Tombstone(
        **{name: row[name] for name in Tombstone.model_fields if name != "erasure_id"},
        erasure_id="e",
    )
    erased = manifest.model_copy(update={"tombstones": (stone,)})
    left = LABELLED[WEEKS[0]].filter(pl.col("interaction_id") != "a")
    for labelled in (left, LABELLED[WEEKS[0]]):
        replayed = replay(None, labelled, manifest=erased)
        assert replayed.items.equals(composition.items.filter(pl.col("item_id") != gone))
        assert replayed.missing == ()


def test_an_admitted_item_without_a_label_is_missed_by_name(history):
    _, manifest = history[0]
    left = LABELLED[WEEKS[0]].filter(pl.col("interaction_id") != "a")
    assert replay(None, left, manifest=manifest).missing == (item_identity("a"),)


def test_a_label_that_changed_since_shows_by_item_and_column(history):
    composition, manifest = history[0]
    other = LABELLED[WEEKS[0]].with_columns(
        reference_label=pl.when(pl.col("interaction_id") == "a")
        .then(pl.lit("fail"))
        .otherwise("reference_label")
    )
    rebuilt = replay(None, other, manifest=manifest).items
    assert differences(composition.items, rebuilt) == (
        ItemDifference(item_identity("a"), ("item_fingerprint", "reference_label")),
    )
    absent = rebuilt.filter(pl.col("item_id") != item_identity("b"))
    assert ItemDifference(item_identity("b"), ()) in differences(composition.items, absent)
