"""The paper that every chart is drawn on: one style, and SVG with the same bytes every time.

Text and axes take the colour of the page that shows them, light or dark. Matplotlib takes most of
a second to import and few commands draw: it is imported here alone, by what makes its objects.
"""

from __future__ import annotations

import html
import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

INK: Final = "#010203"
"""Stands for the page's own text colour, which replaces it in the finished SVG."""

SYSTEM_COLOURS: Final = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
SYSTEM_MARKERS: Final = ("o", "s", "^", "D", "v", "P")
"""Okabe and Ito's colours, which colour-blind readers can tell apart, and a shape with each."""

STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "eval-pipeline",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
}
# Matplotlib's parameters are one global dictionary: one chart at a time.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class Mark:
    """How a state or a finding is drawn."""

    colour: str
    marker: str


@contextmanager
def drawing() -> Iterator[None]:
    """The style holds inside, the caller's own outside."""
    import matplotlib as mpl  # noqa: PLC0415 - slow

    with _ONE_AT_A_TIME, mpl.rc_context(STYLE):
        yield


def sheet(width: float, height: float) -> Figure:
    """An empty figure of this size in inches."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow

    return Figure(figsize=(width, height))


def key(label: str, mark: Mark) -> Line2D:
    """A legend entry of a mark."""
    return line_key(label, color=mark.colour, marker=mark.marker, linestyle="none")


def line_key(label: str, **look: Any) -> Line2D:
    """A legend entry with the properties of a line, as matplotlib names them."""
    from matplotlib.lines import Line2D  # noqa: PLC0415 - slow

    return Line2D([], [], label=label, **look)


def height_of(figure: Figure) -> float:
    """In inches."""
    return float(figure.get_size_inches()[1])


def room(
    figure: Figure, *, left: float, right: float, bottom: float, top: float
) -> tuple[float, float, float, float]:
    """The axes' place in the figure, given its borders in inches."""
    width, height = figure.get_size_inches()
    return (
        left / width,
        bottom / height,
        (width - left - right) / width,
        (height - bottom - top) / height,
    )


def svg(figure: Figure, description: str, *, name: str) -> str:
    """The figure as one `<svg>` element that can stand in a page or alone in a file.

    Its ids begin with `name`, so that charts of several names can share a page.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415 - slow

    FigureCanvasSVG(figure)
    figure.patch.set_alpha(0)
    for axes in figure.axes:
        axes.patch.set_alpha(0)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = text.replace(INK, "currentColor")
    kept = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    text = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in kept else "", text)
    text = re.sub(r'(href="#|url\(#| id=")', rf"\g<1>{name}-", text)
    label = html.escape(description, quote=True)
    return text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
