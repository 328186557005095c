"""One configured pipeline: every adapter built once, on first use, from a project."""

import datetime as dt
from collections.abc import Callable
from functools import cached_property

from eval_pipeline.adapters.alerting.channels import Sender
from eval_pipeline.adapters.alerting.deliveries import Deliveries
from eval_pipeline.adapters.decision_records import DecisionRecords
from eval_pipeline.adapters.golden_versions import GoldenVersions
from eval_pipeline.adapters.lake import Lake
from eval_pipeline.adapters.logs.sources import LogSource
from eval_pipeline.adapters.model_calls.in_process import InProcessRunner
from eval_pipeline.adapters.model_calls.journal import CallJournal
from eval_pipeline.adapters.model_calls.runner import HttpModelRunner
from eval_pipeline.adapters.name_models import name_models
from eval_pipeline.adapters.policy_records import PolicyRecords
from eval_pipeline.adapters.presidio import configured_recognisers
from eval_pipeline.adapters.review.desk import Desk
from eval_pipeline.adapters.review.people import People
from eval_pipeline.adapters.review.sign_in import SignIn
from eval_pipeline.adapters.review.store import ReviewStore
from eval_pipeline.adapters.sightings import SightingStore
from eval_pipeline.adapters.store import Store
from eval_pipeline.adapters.withdrawals import WithdrawalStore
from eval_pipeline.anonymisation.anonymiser import Anonymiser
from eval_pipeline.judging.rubrics import Rubric, rubrics_from
from eval_pipeline.ports import ModelRunner, ProgressReport
from eval_pipeline.settings import Settings
from eval_pipeline.settings_file import Project


def utc_now() -> dt.datetime:
    """The only clock; it is passed down, never called from a stage."""
    return dt.datetime.now(tz=dt.UTC)


class Pipeline:
    """The adapters of one project; nothing is opened before it is needed."""

    def __init__(
        self,
        project: Project,
        *,
        report: ProgressReport | None = None,
        clock: Callable[[], dt.datetime] = utc_now,
    ) -> None:
        self.project = project
        self.report = report
        self.clock = clock

    @property
    def settings(self) -> Settings:
        """The configuration."""
        return self.project.settings

    @cached_property
    def key(self) -> bytes:
        """The key of the pseudonyms."""
        variable = self.settings.anonymisation.key_variable
        return self.project.secret(variable, "the key of the pseudonyms").encode()

    @cached_property
    def lake(self) -> Lake:
        """The Parquet lake."""
        return Lake(self.project.lake_url)

    @cached_property
    def erasure_ledger(self) -> Lake | None:
        """Where the record of erasures is copied to, apart from the lake; None where nowhere."""
        url = self.project.ledger_url
        return None if url is None else Lake(url)

    @cached_property
    def golden(self) -> GoldenVersions:
        """The published golden versions."""
        return GoldenVersions(self.lake)

    @cached_property
    def decision_records(self) -> DecisionRecords:
        """What decisions were made of."""
        return DecisionRecords(self.lake)

    @cached_property
    def store(self) -> Store:
        """The operational store, migrated to the present schema."""
        automatic = self.settings.storage.upgrades == "automatic"
        return Store.open(self.project.store_url, migrate=automatic)

    @cached_property
    def review(self) -> ReviewStore:
        """Review tasks, labels and adjudications."""
        return ReviewStore(self.store)

    @cached_property
    def people(self) -> People:
        """Who is at the review desk, and on which terms."""
        return People(self.store)

    @cached_property
    def desk(self) -> Desk:
        """Who holds which task, and what they answer under a lease."""
        return Desk(self.store)

    @cached_property
    def sign_in(self) -> SignIn:
        """Tokens and sessions of the people at the desk."""
        return SignIn(self.store)

    @cached_property
    def withdrawals(self) -> WithdrawalStore:
        """Golden items that people took out of the set, or put back."""
        return WithdrawalStore(self.store)

    @cached_property
    def policy_records(self) -> PolicyRecords:
        """Waivers, approvals and promotions of candidates."""
        return PolicyRecords(self.store)

    @cached_property
    def sightings(self) -> SightingStore:
        """What the provider watch has seen so far."""
        return SightingStore(self.store)

    @cached_property
    def deliveries(self) -> Deliveries:
        """What was told to which channel."""
        return Deliveries(self.store)

    @cached_property
    def sender(self) -> Sender:
        """Sends messages to channels."""
        return Sender(
            secret=lambda variable: self.project.secret(variable, "a channel's secret"),
            clock=self.clock,
            locate=self.project.locate,
            network=self.settings.network,
        )

    @cached_property
    def anonymiser(self) -> Anonymiser:
        """The only door for text."""
        settings = self.settings.anonymisation
        return Anonymiser(
            settings,
            key=self.key,
            models=name_models(settings, locate=self.project.locate),
            extra=configured_recognisers(settings.presidio),
        )

    @cached_property
    def logs(self) -> LogSource:
        """The production logs."""
        return LogSource(
            self.settings.logs,
            locate=self.project.locate,
            strata=self.settings.sampling.strata,
        )

    @cached_property
    def journal(self) -> CallJournal:
        """Every paid call."""
        return CallJournal(self.store.engine)

    @cached_property
    def runner(self) -> ModelRunner:
        """Answers model calls over HTTP, each paid at most once."""
        return HttpModelRunner(
            self.settings.providers,
            journal=self.journal,
            redact=self.anonymiser.mask_texts,
            secret=lambda variable: self.project.secret(variable, "a provider's API key"),
            clock=self.clock,
            report=self.report,
            spending=self.settings.spending,
            version_headers=self.settings.watch.headers,
            network=self.settings.network,
        )

    @cached_property
    def in_process(self) -> InProcessRunner:
        """Answers calls of systems without a model, and journals what each took."""
        return InProcessRunner(
            journal=self.journal,
            redact=self.anonymiser.mask_texts,
            clock=self.clock,
            report=self.report,
        )

    @cached_property
    def rubrics(self) -> tuple[Rubric, ...]:
        """The rubrics, identified by their text."""
        return rubrics_from(self.settings.rubrics)

    def close(self) -> None:
        """Closes the store if it was opened."""
        if "store" in self.__dict__:
            self.store.close()
