"""How well the week was masked: scans before writing, canaries, the report and its page."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from eval_pipeline import __version__
from eval_pipeline.anonymisation.anonymiser import libraries_of
from eval_pipeline.anonymisation.checks import canaries
from eval_pipeline.anonymisation.checks.findings import Finding, canary_finding, group_finding
from eval_pipeline.anonymisation.checks.known_values import KnownValueScan
from eval_pipeline.anonymisation.checks.quasi_identifiers import Suppression, suppress_small_groups
from eval_pipeline.anonymisation.checks.report import Evidence, anonymisation_report
from eval_pipeline.anonymisation.checks.residual import Residual
from eval_pipeline.anonymisation.checks.scans import Scans, require_clean, scan
from eval_pipeline.anonymisation.interactions import mask_interactions
from eval_pipeline.errors import (
    AnonymisationError,
    EvalPipelineError,
    KnownValuesFileError,
    ResidualTextError,
)
from eval_pipeline.flows.wiring import Pipeline
from eval_pipeline.reports.privacy_page import privacy_page
from eval_pipeline.settings import AnonymisationSettings
from eval_pipeline.tables import ANONYMISATION_REPORT, ANONYMISED_INTERACTIONS


@dataclass(frozen=True)
class Anonymised:
    """A week's masked interactions, not yet written, and what the scans found in them.

    `suppression` is null where masking itself found that personal data was left.
    """

    suppression: Suppression | None
    scans: Scans
    rewriting: str = "no text was sent to a rewriter"

    @property
    def interactions(self) -> pl.DataFrame:
        """What may be written; raises `ResidualTextError` or `KnownValueError` if nothing may."""
        require_clean(self.scans)
        if self.suppression is None:
            raise ResidualTextError(self.scans.residual.interactions, {})
        return self.suppression.interactions

    @property
    def told_suppression(self) -> str:
        """In words, what was taken out for being shared by too few."""
        values = {} if self.suppression is None else self.suppression.values
        told = [f"{name} in {count} interactions" for name, count in values.items() if count]
        return ", ".join(told) or "nothing"


@dataclass(frozen=True)
class Reported:
    """A week's report, not yet written, what its checks say, and the weeks up to it with `week`."""

    report: pl.DataFrame
    recall: Finding
    groups: Finding
    until_now: pl.DataFrame

    @property
    def shown(self) -> pl.DataFrame:
        """The report without what is the same in all its rows."""
        return self.report.drop("anonymiser_fingerprint", "versions")


def known_value_scan(pipeline: Pipeline) -> KnownValueScan | None:
    """The configured known values, ready to look for; none if no file is configured.

    Raises `KnownValuesFileError`.
    """
    known = pipeline.settings.anonymisation.known_values
    if known.file is None:
        return None
    path = pipeline.project.locate(known.file)
    try:
        with Path(path).open(encoding="utf-8") as lines:
            return KnownValueScan(lines, key=pipeline.key, minimum_length=known.minimum_length)
    except OSError as error:
        raise KnownValuesFileError(path, type(error).__name__) from None
    except UnicodeDecodeError:
        raise KnownValuesFileError(path, "it is not UTF-8 text") from None
    except ValueError as error:
        raise KnownValuesFileError(path, str(error)) from None


def checked(
    pipeline: Pipeline, masked: pl.DataFrame, *, known: KnownValueScan | None, rewriting: str
) -> Anonymised:
    """Suppresses what too few share, and scans the result; `rewriting` is only passed on."""
    settings = pipeline.settings.anonymisation
    suppression = suppress_small_groups(
        masked,
        identifiers=settings.quasi_identifiers,
        minimum=settings.minimum_group,
    )
    scans = scan(suppression.interactions, masker=pipeline.anonymiser, known=known)
    return Anonymised(suppression, scans, rewriting)


def stopped(left: ResidualTextError) -> Anonymised:
    """What masking says when its own scan stopped it."""
    return Anonymised(None, Scans(Residual.of(left.kinds, interactions=left.interactions)))


def report_week(pipeline: Pipeline, *, week: str) -> Reported:
    """Scans what lies in the lake, masks the week's canaries in memory, and counts; writes nothing.

    A failure of the masking itself is told by its class alone: its message could quote the text.
    """
    settings = pipeline.settings.anonymisation
    known = known_value_scan(pipeline)
    interactions = pipeline.lake.read(ANONYMISED_INTERACTIONS, partition=week)
    try:
        evidence = Evidence(
            scan(interactions, masker=pipeline.anonymiser, known=known),
            _measured_canaries(pipeline, week=week),
        )
    except EvalPipelineError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it was, its message may hold text
        raise AnonymisationError(week, type(error).__name__) from None
    report = anonymisation_report(
        interactions,
        evidence,
        settings=settings,
        anonymiser_fingerprint=pipeline.anonymiser.fingerprint,
        versions=versions(settings),
    )
    return Reported(
        report,
        canary_finding(report, settings=settings),
        group_finding(report, settings=settings),
        _until(pipeline, report, week=week),
    )


def write_privacy_page(pipeline: Pipeline, reported: Reported, *, week: str) -> str:
    """Writes the page for data protection to the lake; returns where it is."""
    path = f"privacy/week={week}.html"
    settings = pipeline.settings.anonymisation
    page = privacy_page(reported.until_now, week=week, settings=settings)
    pipeline.lake.write_bytes(path, page.encode())
    return f"{pipeline.project.lake_url}/{path}"


def versions(settings: AnonymisationSettings) -> str:
    """This program's version and those of the libraries that decide what is written."""
    libraries = [f"{name} {release}" for name, release in libraries_of(settings).items()]
    return ", ".join([f"eval-pipeline {__version__}", *libraries])


def _until(pipeline: Pipeline, report: pl.DataFrame, *, week: str) -> pl.DataFrame:
    """The reports of all weeks up to this one, with their `week`."""
    known = pipeline.lake.partitions(ANONYMISATION_REPORT)
    earlier = pipeline.lake.read_all(
        ANONYMISATION_REPORT,
        partitions=[one for one in known if one < week],
        partition_column="week",
    )
    return pl.concat([earlier, report.with_columns(week=pl.lit(week))])


def _measured_canaries(pipeline: Pipeline, *, week: str) -> pl.DataFrame:
    settings = pipeline.settings.anonymisation
    planted = canaries.plant(
        canaries.kinds_looked_for(settings.recognisers),
        count=settings.canaries,
        week=week,
        key=pipeline.key,
        languages=settings.languages,
    )
    mask = partial(mask_interactions, anonymiser=pipeline.anonymiser)
    return canaries.measure(planted, mask=mask, week=week)
