"""What masking a file came to, told in the terminal, as JSON and as a page."""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typer

from eval_pipeline.adapters.text_files.streams import STANDARD, opened_output
from eval_pipeline.cli.session import err, out
from eval_pipeline.flows.anonymise_files import AnonymisedFile
from eval_pipeline.reports.anonymised_file import anonymised_file_page


def report_of(done: AnonymisedFile, *, seconds: float) -> dict[str, Any]:
    """The counts, what made them and how long it took."""
    tally = done.tally
    by_field: dict[str, dict[str, int]] = {}
    for (field, kind), count in sorted(tally.masked_by_field.items()):
        by_field.setdefault(field, {})[kind] = count
    return {
        "schema_version": 1,
        "format": done.file_format,
        "records": tally.records,
        "texts": tally.texts,
        "characters": tally.characters,
        "characters_masked": tally.characters_masked,
        "masked": dict(sorted(tally.masked.items())),
        "masked_by_field": by_field,
        "residual": tally.residual.total(),
        "bad_lines_left_out": dict(sorted(tally.bad_lines.items())),
        "values_made_null": tally.blanked,
        "personal_keys_kept": dict(sorted(tally.keys.items())),
        "anonymiser_fingerprint": done.anonymiser_fingerprint,
        "versions": {
            "eval-pipeline": version("eval-pipeline"),
            "python": ".".join(map(str, sys.version_info[:3])),
        },
        "seconds": round(seconds, 2),
    }


def write_report(report: Path, told: dict[str, Any]) -> None:
    """Writes it whole, as JSON or by its ending as a page."""
    as_page = report.suffix.lower() == ".html"
    text = anonymised_file_page(told) if as_page else json.dumps(told, indent=2) + "\n"
    with opened_output(str(report)) as output:
        output.stream.write(text.encode("utf-8"))
        output.keep()


def tell(told: dict[str, Any], *, target: str, as_json: bool) -> None:
    """Says it in the terminal."""
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    kinds = ", ".join(f"{kind} {count}" for kind, count in told["masked"].items()) or "nothing"
    lines = [
        (
            f"Masked {kinds} in {told['records']:,} records "
            f"({told['characters_masked']:,} of {told['characters']:,} characters)."
        ),
        "A second scan of the result found nothing.",
    ]
    if left_out := sum(told["bad_lines_left_out"].values()):
        lines.append(f"{left_out} lines that are no JSON were left out.")
    if told["values_made_null"]:
        lines.append(
            f"{told['values_made_null']} values under sensitive keys are no text and became null."
        )
    if kept := told["personal_keys_kept"]:
        lines.append(f"Kept in keys of objects: {_counted(kept.items())}.")
    for line in lines:
        # Standard output may be the masked file itself.
        (err if target == STANDARD else out).print(line, markup=False, soft_wrap=True)


def _counted(counts: Any) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in counts)
