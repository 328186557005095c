"""Great Expectations itself: imported on first use, one context kept, nothing reported or quoted.

It takes seconds to import. No other module imports it.
"""

import functools
import importlib
import math
import os
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

import polars as pl

from eval_pipeline.adapters.contracts.promises import Promise

_RESULT_FORMAT: Final = {"result_format": "BASIC", "partial_unexpected_count": 0}
_CONTEXT_LOCK: Final = threading.Lock()


def validated(frame: pl.DataFrame, promises: Sequence[Promise]) -> list[dict[str, Any]]:
    """The library's result for each promise, in the promises' order, as plain JSON values.

    The same inputs give the same values: what names a run, a batch or a place in the code is left
    out. An expectation that could not be evaluated is a broken one.
    """
    with quiet(), _CONTEXT_LOCK:
        gx = library()
        batch = _whole_frame().get_batch({"dataframe": frame.to_arrow().to_pandas()})
        expectations = [
            getattr(gx.expectations, promise.expectation)(
                **promise.arguments,
                description=promise.claim,
                severity="critical" if promise.blocking else "warning",
                meta={"promise": index},
            )
            for index, promise in enumerate(promises)
        ]
        suite = gx.ExpectationSuite(name="contract", expectations=expectations)
        results = batch.validate(suite, result_format=_RESULT_FORMAT).results
    by_place = {result.expectation_config.meta["promise"]: result for result in results}
    return [_plain(by_place[index].to_json_dict()) for index in range(len(promises))]


def library() -> ModuleType:
    """The library, without its reporting of usage to its maker."""
    # Read once, at import.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    return importlib.import_module("great_expectations")


@contextmanager
def quiet() -> Iterator[None]:
    """Hides the warnings that Great Expectations itself gives, and no others."""
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore",
            message="module 'sre_(constants|parse)' is deprecated",
            category=DeprecationWarning,
        )
        # It imports whatever engine is installed, wanted or not.
        warnings.filterwarnings(
            "ignore",
            message="PySpark does not yet fully support pandas",
            category=FutureWarning,
        )
        yield


@functools.cache
def _whole_frame() -> Any:
    """A batch definition of an ephemeral context; the context is kept, no frame is."""
    gx = library()
    context = gx.get_context(mode="ephemeral")
    settings = importlib.import_module("great_expectations.data_context.types.base")
    context.variables.progress_bars = settings.ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole")


def _plain(result: dict[str, Any]) -> dict[str, Any]:
    config = result["expectation_config"]
    for of_one_run in ("id", "rendered_content"):
        config.pop(of_one_run, None)
    config["kwargs"].pop("batch_id", None)
    found = {name: _finite(value) for name, value in result["result"].items()}
    return {
        "success": bool(result["success"]),
        "expectation_config": config,
        "result": found,
        "meta": {},
        "exception_info": {
            "raised_exception": False,
            "exception_message": None,
            "exception_traceback": None,
        },
    }


def _finite(value: Any) -> Any:
    """JSON knows no infinity, and what is not a number was not observed."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
