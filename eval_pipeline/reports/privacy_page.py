"""The privacy page of a week: self-contained HTML for whoever answers for personal data."""

from collections.abc import Mapping
from typing import Any, Final

import jinja2
import polars as pl
from markupsafe import Markup

from eval_pipeline.reports import privacy_wording as wording
from eval_pipeline.reports.privacy_plots import recall_chart
from eval_pipeline.reports.templating import page_environment
from eval_pipeline.reports.wording import one_line, printable
from eval_pipeline.settings import AnonymisationSettings

MAXIMUM_ROUTES: Final = 100
_NO_ROW: Final[Mapping[str, Any]] = dict.fromkeys(("value", "lower", "upper", "cases", "limit"))


class _Report:
    """One week's rows of `anonymisation_report`, by measure and what they are of."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = {
            (row["measure"], row["dimension"], row["about"]): row
            for row in rows.iter_rows(named=True)
        }

    def of(self, measure: str, dimension: str = "week", about: str = "all") -> Mapping[str, Any]:
        return self._rows.get((measure, dimension, about), _NO_ROW)

    def value(self, measure: str) -> float | None:
        """Of the whole week."""
        found: float | None = self.of(measure)["value"]
        return found

    def by(self, measure: str, dimension: str) -> list[Mapping[str, Any]]:
        """The rows of one dimension, by name."""
        return [row for key, row in sorted(self._rows.items()) if key[:2] == (measure, dimension)]


def privacy_page(until_now: pl.DataFrame, *, week: str, settings: AnonymisationSettings) -> str:
    """The page from `anonymisation_report` rows with `week`, those of `week` and before.

    Holds figures, names of routes and the policy; no text of a log. The same rows give the same
    bytes.
    """
    report = _Report(until_now.filter(pl.col("week") == week))
    own = until_now.filter(pl.col("week") == week).row(0, named=True)
    return (
        _environment()
        .get_template("privacy.html.jinja")
        .render(
            week=week,
            settings=settings,
            told_settings=wording.settings_told(settings),
            **_verdict(report, settings),
            figures={name: report.value(name) for name in _FIGURES},
            recall=report.of("canary_recall"),
            leak=report.of("leak_share"),
            spans=_largest_first(report.by("masked_spans", "kind")),
            unestimated=report.by("unestimated_spans", "kind"),
            residual=report.of("residual_hits"),
            known=report.of("known_value_hits"),
            kinds=_canaries(report, "kind", limit=settings.minimum_canary_recall),
            fields=_canaries(report, "field", limit=settings.minimum_canary_recall),
            **_groups(report),
            trend=Markup(recall_chart(until_now)),  # noqa: S704 - our own SVG, its texts escaped
            weeks=until_now["week"].n_unique(),
            provenance=[
                ("Week", week),
                ("Versions", own["versions"]),
                ("Fingerprint of the policy and its recognisers", own["anonymiser_fingerprint"]),
            ],
        )
    )


_FIGURES: Final = (
    "interactions",
    "texts",
    "masked_texts",
    "characters",
    "masked_characters",
    "masked_spans",
    "known_values",
    "leaked_canaries",
    "groups",
    "small_groups",
    "smallest_group",
)


def _verdict(report: _Report, settings: AnonymisationSettings) -> dict[str, str]:
    """The state of the page and its first sentence, the worst first."""
    hits = (report.value("residual_hits") or 0) + (report.value("known_value_hits") or 0)
    if hits:
        told = f"{hits:.0f} personal values stand in the texts that are stored"
        return {"state": "block", "verdict": "Personal data found", "headline": told}
    recall = report.of("canary_recall")
    if recall["value"] is None:
        told = "The scans found nothing; how much masking misses was not measured"
        return {"state": "inconclusive", "verdict": "Not measured", "headline": told}
    told = f"{_share(recall['value'])} of {recall['cases']} planted personal values were masked"
    low = [row for row in report.by("canary_recall", "kind") if _is_low(row, settings)]
    if recall["lower"] >= settings.minimum_canary_recall and not low:
        return {"state": "pass", "verdict": "Within the policy", "headline": told}
    kinds = ""
    if low:
        counted = "1 kind is" if len(low) == 1 else f"{len(low)} kinds are"
        kinds = f"; {counted} surely below the limit"
    return {"state": "inconclusive", "verdict": "Below the policy", "headline": told + kinds}


def _is_low(row: Mapping[str, Any], settings: AnonymisationSettings) -> bool:
    return bool(row["upper"] < settings.minimum_canary_recall)


def _canaries(report: _Report, dimension: str, *, limit: float) -> list[dict[str, Any]]:
    """Rows of recall with what was still readable, the worst first."""
    rows = [
        {
            **row,
            "leaked": report.of("leaked_canaries", dimension, row["about"])["value"],
            "low": row["upper"] < limit,
        }
        for row in report.by("canary_recall", dimension)
    ]
    return sorted(rows, key=lambda row: (row["value"], row["about"]))


def _groups(report: _Report) -> dict[str, Any]:
    counted_as = "people" if report.value("people") is not None else "conversations"
    routes = [
        {
            "route": row["about"],
            "groups": report.of("groups", "route", row["about"])["value"],
            "small": report.of("small_groups", "route", row["about"])["value"],
            "smallest": row["value"],
        }
        for row in report.by("smallest_group", "route")
    ]
    return {
        "counted_as": counted_as,
        "one_of": {"people": "person", "conversations": "conversation"},
        "counted": report.value(counted_as),
        "routes": sorted(routes, key=lambda row: (row["smallest"], row["route"]))[:MAXIMUM_ROUTES],
        "unlisted_routes": max(0, len(routes) - MAXIMUM_ROUTES),
        "suppressed": [row for row in report.by("suppressed_values", "identifier") if row["value"]],
        "absent": [
            row["about"] for row in report.by("present_values", "identifier") if not row["value"]
        ],
    }


def _largest_first(rows: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(rows, key=lambda row: (-row["value"], row["about"]))


def _environment() -> jinja2.Environment:
    environment = page_environment()
    environment.filters.update(
        kind=wording.kind,
        field=wording.field,
        sentence=lambda words: words[:1].upper() + words[1:],
        share=_share,
        part=lambda value, whole: _share(None if value is None or not whole else value / whole),
        interval=lambda row: "—" if row["lower"] is None else _interval(row),
        count=lambda value: "—" if value is None else f"{value:,.0f}",
        clean=lambda text: printable(one_line(text)),
    )
    return environment


def _share(value: float | None) -> str:
    return "—" if value is None else f"{100 * value:.1f} %"


def _interval(row: Mapping[str, Any]) -> str:
    return f"{100 * row['lower']:.1f} to {100 * row['upper']:.1f} %"
