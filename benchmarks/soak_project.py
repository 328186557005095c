"""The soak's project folder: a small configuration, a year of Mondays, logs and candidates."""

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

from eval_pipeline.cli.session import shipped_file
from eval_pipeline.demo.logs import planted_canaries, write_logs
from eval_pipeline.settings_file import DEFAULT_CONFIG

FIRST_WEEK: Final = dt.date(2025, 1, 6)
SEED: Final = 20250106
CANDIDATE_EVERY: Final = 5
CANDIDATE_FROM: Final = 2
"""Weeks 2, 7, 12, ... 52 have a candidate, so that the two weeks compared both do."""

CHANGE_AT: Final = 26
"""In this week the provider changes the baseline's model without a word."""

SILENT: Final = "2026-10-12"
BEFORE: Final = "2026-09-07"
"""The demo provider's epochs after and before its silent change."""

EXAMPLES: Final = ("steady", "sharper-on-average")
SECRETS: Final = {
    "EVAL_PIPELINE_KEY": "soak-pseudonym-key-7b1f0f6f3f1d4c0a",
    "SOAK_PROVIDER_KEY": "soak-provider-key-93ad0c5e11b84f7e",
    "SOAK_WEBHOOK": "soak-webhook-path-5c2e8d7a90b14e36",
}
"""What must stand in no file; the webhook's is the secret part of its URL."""


@dataclass(frozen=True)
class Size:
    """How much a week holds; what does not grow with the weeks is set here once."""

    conversations: int = 90
    budget: int = 60
    reserve: int = 60
    golden: int = 60


@dataclass(frozen=True)
class SoakProject:
    """A folder like a team's own, made small."""

    folder: Path
    size: Size

    @property
    def config(self) -> Path:
        return self.folder / DEFAULT_CONFIG

    @property
    def source_logs(self) -> Path:
        """The only place where raw text may be."""
        return self.folder / "demo-logs"

    @property
    def home(self) -> Path:
        return self.folder / "dagster"

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    @property
    def marker(self) -> Path:
        """Says that a soak made the folder, which another one may empty then."""
        return self.folder / ".eval-pipeline-soak"

    @property
    def measured(self) -> Path:
        """One JSON object a line and finished week."""
        return self.folder / "weeks.jsonl"

    def monday(self, number: int) -> dt.date:
        """Of week `number`, from 1."""
        return FIRST_WEEK + dt.timedelta(weeks=number - 1)

    def week(self, number: int) -> str:
        return self.monday(number).isoformat()

    def epoch(self, number: int) -> str:
        """The provider's idea of now in that week."""
        return SILENT if number >= CHANGE_AT else BEFORE

    def candidate(self, number: int) -> str | None:
        """The candidate that arrives in that week."""
        if number % CANDIDATE_EVERY != CANDIDATE_FROM:
            return None
        return f"{EXAMPLES[number // CANDIDATE_EVERY % 2]}-{number:02}"

    def prepare(self, *, provider_url: str) -> None:
        """The configuration, written anew: the provider and its port live as long as a process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.marker.touch()
        (self.folder / "candidates").mkdir(exist_ok=True)
        yaml = YAML(typ="safe", pure=True)
        with shipped_file(DEFAULT_CONFIG) as file:
            tree = yaml.load(file.read_text(encoding="utf-8"))
        _make_small(tree, self.size, provider_url=provider_url)
        with self.config.open("w", encoding="utf-8") as written:
            yaml.dump(tree, written)
        self.home.mkdir(exist_ok=True)
        with shipped_file("dagster.yaml") as settings:
            shutil.copyfile(settings, self.home / "dagster.yaml")

    def arrive(self, number: int) -> None:
        """The week's logs, and its candidate's file, where there is one."""
        write_logs(
            self.source_logs,
            weeks=[self.monday(number)],
            seed=SEED,
            conversations_per_week=self.size.conversations,
        )
        candidate = self.candidate(number)
        if candidate is not None:
            self._propose(candidate, number)

    def planted(self, weeks: int) -> list[str]:
        """Every personal string in the logs of so many weeks, and every secret."""
        canaries = planted_canaries(
            weeks=[self.monday(number) for number in range(1, weeks + 1)],
            seed=SEED,
            conversations_per_week=self.size.conversations,
        )
        return sorted({*canaries, *SECRETS.values()})

    def _propose(self, candidate: str, number: int) -> None:
        """A candidate of its own: the release in its prompt makes it a system not asked before."""
        example = candidate.rpartition("-")[0]
        yaml = YAML(typ="safe", pure=True)
        with shipped_file(f"examples/candidates/{example}.yaml") as file:
            tree = yaml.load(file.read_text(encoding="utf-8"))
        tree["prompt"] += f" This is release {number}."
        with (self.folder / "candidates" / f"{candidate}.yaml").open("w") as written:
            yaml.dump(tree, written)


def _make_small(tree: Any, size: Size, *, provider_url: str) -> None:
    tree["contract"]["minimum_interactions"] = size.conversations
    tree["sampling"].update(budget=size.budget, reserve=size.reserve, minimum_per_stratum=5)
    provider = tree["providers"]["pharmacy-cloud"]
    provider.update(base_url=provider_url, key_variable="SOAK_PROVIDER_KEY")
    tree["review"].update(weekly_budget=16, minimum_agreement=-1.0)
    tree["golden"].update(
        minimum_items=size.golden // 2,
        maximum_items=size.golden,
        minimum_per_subset=0,
        minimum_fresh_share=0.0,
        # A version is full in its first week and turns over within six.
        maximum_age_days=42,
    )
    tree["golden"]["mix"]["tolerance"] = 1.0
    tree["golden"]["adversarial"].update(weekly_items=4)
    # Two versions, so that the second week has as many to ask again as every later one.
    tree["drift"].update(versions=2, maximum_items=40, reference_items=40)
    tree["judge_checks"] = {"retest_items": 10, "rationale_items": 10, "pairs": 5, "anchors": 12}
    tree["watch"] = {"prompts": 20}
    tree["gate"].update(looks=[20, 40], minimum_judge_agreement=0.01)
    tree["gate"]["tolerances"]["invented_drug_interactions"] = 0.08
    tree["alerts"] = {"webhook_variable": "SLACK_WEBHOOK"}
    tree["automation"]["first_week"] = FIRST_WEEK
