"""How every page's template is filled: escaped, and failing on a name that is not there."""

from pathlib import Path
from typing import Final

import jinja2

_TEMPLATES: Final = Path(__file__).parent / "templates"


def page_environment() -> jinja2.Environment:
    """A new environment over the templates; a page adds its own filters."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
