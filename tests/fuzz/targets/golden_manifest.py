"""A golden version's manifest, and a decision on record: what was not written so is refused."""

import datetime as dt
import json
from typing import Any, Final

from pydantic import ValidationError

from eval_pipeline.errors import CorruptFileError
from eval_pipeline.evaluation.decision import Decision, SubsetFinding, read_decision
from eval_pipeline.fingerprint import content_hash
from eval_pipeline.truth.manifest import (
    Counts,
    DeficitEntry,
    FileEntry,
    ItemChange,
    Manifest,
    Provenance,
)
from eval_pipeline.truth.manifest_checks import own_problems
from eval_pipeline.truth.manifest_file import SEAL, manifest_bytes, parse_manifest
from tests.fuzz.target import Target, only, promise, text_of


def run(data: bytes) -> object:
    """Read as a manifest, sealed anew so that more than its seal is tried, and as a decision."""
    found: list[object] = [_manifest(data), _manifest(_sealed(data))]
    with only(ValidationError) as told:
        decision = read_decision(text_of(data))
        promise(read_decision(decision.to_json()) == decision, "a decision reads back as another")
    return [*found, *map(len, told)]


def _manifest(data: bytes) -> object:
    with only(CorruptFileError) as told:
        manifest = parse_manifest(data, path="golden/v1/manifest.json")
        promise(manifest_bytes(manifest) == data, "a manifest that nobody would have written so")
        return (manifest, own_problems(manifest))
    return told


def _sealed(data: bytes) -> bytes:
    """The same with a seal that holds, in the stored form, where it is an object at all."""
    try:
        tree: Any = json.loads(data)
        tree.pop(SEAL, None)
        return manifest_bytes(Manifest.model_validate_json(json.dumps(tree)))
    except (ValueError, AttributeError, TypeError, RecursionError):
        return data


OPTIONAL: Final = (
    "baseline_mean", "candidate_mean", "difference", "lower", "upper", "effective_items",
    "clusters",
    "losses", "p_noninferior", "p_harm", "looks", "items_needed", "method",
)  # fmt: skip
FINDING: Final = SubsetFinding(
    subset="all",
    state="certified",
    margin=0.05,
    items=400,
    missing_baseline=0,
    missing_candidate=1,
    wins=9,
    **dict.fromkeys(OPTIONAL),
)
DECISION: Final = Decision(
    decision_id="d",
    candidate="c",
    baseline="b",
    golden_version=2,
    confidence=0.95,
    policy_fingerprint="p",
    verdict="pass",
    reasons=("No subset loses.",),
    judge_only=False,
    aggregate=FINDING,
    subsets=(FINDING.model_copy(update={"subset": "a", "difference": -0.01}),),
)
HASH: Final = content_hash(b"")
MANIFEST: Final = Manifest(
    version=2,
    parent=1,
    parent_manifest_hash=HASH,
    week="2026-11-16",
    weeks=("2026-11-09", "2026-11-16"),
    newest_week="2026-11-16",
    as_of=dt.date(2026, 11, 23),
    canary="eval-pipeline-canary",
    files={"items.parquet": FileEntry(sha256=HASH, bytes=0, rows=1)},
    counts=Counts(
        items=1,
        fresh=1,
        per_subset={"a": 1},
        per_kind={},
        per_label_source={},
        per_annotator_kind={},
    ),
    admitted=(ItemChange(item_id="i1", reason="new"),),
    retired=(),
    revised=(),
    left_out={"stale": 2},
    deficits=(DeficitEntry(of="subset", name="a", required=2, found=1),),
    provenance=Provenance(
        salt="s",
        anonymiser_fingerprint="f",
        judges={"j": ("m",)},
        agreement={"alpha": 0.5, "lower": None},
        code_version="1",
        run_id=None,
    ),
    content_fingerprint=HASH,
)
TARGET: Final = Target(
    name="golden_manifest",
    run=run,
    structure="json",
    examples=80,
    seeds=(
        manifest_bytes(MANIFEST),
        DECISION.to_json().encode(),
        b"[" * 2_000,
        b'{"a":' * 2_000,
        b"{}",
        b'{"seal": "\\ud800"}',
    ),
    words=(
        *Manifest.model_fields,
        *Decision.model_fields,
        *SubsetFinding.model_fields,
        SEAL,
        HASH,
        "2026-11-16",
        "item_id",
        "reason",
        "rows",
        "sha256",
    ),
)
