"""When a candidate may become the baseline, and what is said while the configuration lags."""

import datetime as dt
from dataclasses import dataclass, field, replace

import pytest

from eval_pipeline.adapters.policy_records import PolicyRecord
from eval_pipeline.evaluation.decision import Decision, SubsetFinding, Waiver
from eval_pipeline.fingerprint import fingerprint
from eval_pipeline.flows.candidates import Candidate, configured_fingerprint
from eval_pipeline.flows.promotion import obstacles, promotion_sentences
from eval_pipeline.settings import GateSettings, SystemSettings

NOON = dt.datetime(2026, 10, 1, 12, tzinfo=dt.UTC)
NEW = SystemSettings(provider="cloud", model="new", prompt="Be brief.")
OLD = SystemSettings(provider="cloud", model="old", prompt="Be brief.")
POLICY = GateSettings()
CANDIDATE = Candidate("sharper", NEW, "steady", OLD)
WHOLE = SubsetFinding(
    subset="all", state="certified", baseline_mean=1.0, candidate_mean=1.0, difference=0.0,
    lower=0.0, upper=0.0, margin=0.05, items=9, effective_items=9.0, clusters=9, wins=0, losses=0,
    p_noninferior=0.0, p_harm=1.0, missing_baseline=0, missing_candidate=0, looks=1,
    items_needed=None, method="tango",
)  # fmt: skip
PASSED = Decision(
    decision_id="d", candidate="sharper", baseline="steady", golden_version=1, confidence=0.95,
    policy_fingerprint=fingerprint(POLICY.model_dump(mode="json", by_alias=True)), verdict="pass",
    reasons=(), judge_only=False, aggregate=WHOLE, subsets=(),
    candidate_fingerprint=CANDIDATE.fingerprint,
    baseline_fingerprint=CANDIDATE.baseline_fingerprint,
)  # fmt: skip
WAIVED_UNTIL = Waiver(
    record_id="r", subsets=("all",), waived_by="ada", waived_at=NOON, until=NOON.date(), reason="x"
)


def told(decision: Decision = PASSED, *, candidate: Candidate = CANDIDATE, **more: object) -> str:
    usual = {"policy": POLICY, "today": NOON.date()}
    return " ".join(obstacles(candidate, decision, **{**usual, **more}))


def test_a_pass_on_just_this_candidate_lets_it_be_promoted():
    assert told() == ""


def test_a_waived_decision_does_through_the_last_day_of_its_waivers():
    waived = PASSED.model_copy(
        update={"verdict": "inconclusive", "waived": True, "waivers": (WAIVED_UNTIL,)}
    )
    assert told(waived) == ""
    assert "has ended" in told(waived, today=NOON.date() + dt.timedelta(days=1))


@pytest.mark.parametrize("verdict", ["block", "inconclusive", "invalid"])
def test_no_other_verdict_does(verdict):
    found = told(PASSED.model_copy(update={"verdict": verdict}))
    assert found == f"The decision is {verdict}, and what is open is not waived."


@pytest.mark.parametrize(
    ("candidate", "problem"),
    [
        (replace(CANDIDATE, system=NEW.model_copy(update={"prompt": "Be kind."})), "was changed"),
        (replace(CANDIDATE, baseline=NEW), "as it is configured now"),
        (replace(CANDIDATE, baseline_id="other"), "the baseline is 'other'"),
        (replace(CANDIDATE, recorded_week="2026-09-21"), "a provider's change"),
    ],
)
def test_a_decision_on_other_systems_does_not(candidate, problem):
    assert problem in told(candidate=candidate)


def test_a_decision_under_another_policy_does_not():
    assert "under another policy" in told(policy=GateSettings(confidence=0.9))


TOLD = "ada promoted 'sharper' on 2026-10-01"


@dataclass(frozen=True)
class Records:
    promotion: PolicyRecord | None

    def newest_promotion(self) -> PolicyRecord | None:
        return self.promotion


@dataclass(frozen=True)
class Configured:
    baseline: str
    systems: dict[str, SystemSettings] = field(default_factory=lambda: {"steady": OLD})


@dataclass(frozen=True)
class Project:
    policy_records: Records
    settings: Configured


PROMOTION = PolicyRecord(
    action="promote", candidate_id="sharper", candidate_fingerprint=configured_fingerprint(NEW),
    baseline_id="steady", baseline_fingerprint="b", decision_id="d", decided_by="ada",
    reason="x", decided_at=NOON,
)  # fmt: skip


@pytest.mark.parametrize(
    ("promotion", "configured", "sentences"),
    [
        (None, Configured("steady"), []),
        (
            PROMOTION,
            Configured("steady"),
            [f"{TOLD}, and `baseline` still names 'steady'."],
        ),
        (PROMOTION, Configured("sharper", {"sharper": NEW}), []),
        (
            PROMOTION,
            Configured("sharper", {"sharper": OLD}),
            [f"{TOLD}, and the system of this name is configured otherwise today."],
        ),
    ],
)
def test_what_is_said_while_configuration_and_promotion_differ(promotion, configured, sentences):
    assert promotion_sentences(Project(Records(promotion), configured)) == sentences
