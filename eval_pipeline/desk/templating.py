"""How the desk's templates are filled: escaped, hidden characters shown, no unknown names."""

import functools
import hashlib
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from eval_pipeline.desk import wording
from eval_pipeline.desk.text import encodable, is_long, visible, visible_markup
from eval_pipeline.desk.views import Frame

STATIC: Final = Path(__file__).parent / "static"
_TEMPLATES: Final = Path(__file__).parent / "templates"


def render(name: str, *, frame: Frame, view: object = None, fragment: bool = False) -> str:
    """The page `name`, or with `fragment` what stands in its `<main>`.

    A fragment ends with `<template>`s that hold what changes outside of it: title and progress.
    """
    template = desk_templates().get_template(f"{name}.html.jinja")
    return template.render(frame=frame, view=view, fragment=fragment)


@functools.cache
def desk_templates() -> jinja2.Environment:
    """The environment of the desk's pages, made once."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_finalize,
    )
    environment.filters |= {
        "visible": visible_markup,
        "as_typed": encodable,
        "number": wording.number,
        "share": wording.share,
        "interval": wording.interval,
        "seconds": wording.seconds,
        "instant": wording.instant,
        "role": wording.role,
    }
    environment.tests["long"] = is_long
    environment.globals |= {
        "asset_version": _asset_version(),
        "labels": wording.LABELS,
        "states": wording.STATES,
        "purposes": wording.PURPOSES,
        "measure_names": wording.MEASURES,
        "panel_reasons": wording.PANEL_REASONS,
        "skip_reasons": wording.SKIP_REASONS,
        "seconds_left": wording.seconds_left,
        "scale": wording.scale,
    }
    return environment


def _finalize(value: Any) -> Any:
    """No text reaches a page unseen: also a name is stripped of what could reorder its line."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _asset_version() -> str:
    """Changes with style or script, so that a browser keeps neither beyond a new version."""
    digest = hashlib.blake2b(digest_size=6)
    for file in sorted(STATIC.iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()
