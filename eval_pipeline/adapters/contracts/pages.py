"""A contract's result as Great Expectations' own page: one HTML file that loads nothing.

The library's renderer makes the tables; the frame around them is ours, because its own loads
styles and scripts from elsewhere and names the time of rendering.
"""

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from eval_pipeline.adapters.contracts.great_expectations_library import library, quiet
from eval_pipeline.adapters.contracts.results import ContractResult

_TEMPLATES: Final = Path(__file__).parent / "templates"


def contract_page(result: ContractResult, *, week: str) -> str:
    """The page of one result; the same result gives the same bytes on any machine.

    Particulars are left out, for they name strata.
    """
    outcomes = [_readable(outcome) for outcome in json.loads(result.validation or "[]")]
    with quiet():
        document = _document(result, outcomes)
        view = importlib.import_module("great_expectations.render.view")
        page: str = view.DefaultJinjaPageView(custom_views_directory=str(_TEMPLATES)).render(
            document,
            template="contract_page.html",
            contract=result.contract,
            subject=f"Week of {week}",
            **_verdict(result),
        )
    return page


def _document(result: ContractResult, outcomes: list[dict[str, Any]]) -> Any:
    """The library's document without its header, which links elsewhere, and without the run."""
    library()
    core = importlib.import_module("great_expectations.core")
    renderers = importlib.import_module("great_expectations.render.renderer.page_renderer")
    kept = sum(outcome["success"] for outcome in outcomes)
    total = len(outcomes)
    validation = core.expectationSuiteValidationResultSchema.load(
        {
            "success": kept == total,
            "suite_name": result.contract,
            "results": outcomes,
            "suite_parameters": {},
            "statistics": {
                "evaluated_expectations": total,
                "successful_expectations": kept,
                "unsuccessful_expectations": total - kept,
                "success_percent": 100 * kept / total if total else None,
            },
            "meta": {},
        }
    )
    renderer = renderers.ValidationResultsPageRenderer(run_info_at_end=True)
    document = renderer.render(validation)
    overview, *of_measures, _run_info = document.sections
    overview.content_blocks = overview.content_blocks[1:]
    document.sections = [overview, *of_measures]
    return document


def _readable(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """The outcome as the page shows it: warnings say so, and names of measures are counted."""
    config = dict(outcome["expectation_config"])
    found = dict(outcome["result"])
    if config["severity"] == "warning":
        config["description"] += " (warning)"
    if isinstance(found.get("observed_value"), list):
        found["observed_value"] = len(found["observed_value"])
    return {**outcome, "expectation_config": config, "result": found}


def _verdict(result: ContractResult) -> dict[str, Any]:
    lists = [
        ("What breaks the contract", result.failures),
        ("Warnings, which stop nothing", result.warnings),
        ("Wanted, and not met yet", result.shortfalls),
    ]
    if result.failures:
        return {"state": "broken", "verdict": "broken", "lists": lists}
    if result.warnings:
        return {"state": "warned", "verdict": "kept, with warnings", "lists": lists}
    return {"state": "kept", "verdict": "kept", "lists": lists}
