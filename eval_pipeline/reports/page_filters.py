"""What the templates of decision and week say figures with."""

from collections.abc import Mapping
from typing import Any, Final

import jinja2
from markupsafe import Markup

from eval_pipeline.reports import wording
from eval_pipeline.reports.templating import page_environment

MINUS: Final = "\N{MINUS SIGN}"
BRIEF: Final = 240


def report_environment() -> jinja2.Environment:
    """The templates with the filters that say figures, states and names."""
    environment = page_environment()
    environment.filters.update(
        points=lambda share: wording.points(share).replace("-", MINUS),
        interval=lambda row: wording.interval(row).replace("-", MINUS),
        tolerance=wording.tolerance,
        share=share,
        number=number,
        measured=_measured,
        minus=minus,
        clean=wording.printable,
        brief=_brief,
        breakable=_breakable,
        coded=_coded,
    )
    environment.globals.update(
        verdict_words=wording.VERDICT_WORDS,
        state_words=wording.STATE_WORDS,
        state_symbols=wording.STATE_SYMBOLS,
    )
    return environment


def share(value: float | None) -> str:
    """A share in per cent, or a dash."""
    return "—" if value is None else f"{100 * value:.1f} %"


def number(value: float | None) -> str:
    """Four digits and thousands with commas, or a dash."""
    if value is None:
        return "—"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"  # noqa: PLR2004 - four digits


def minus(text: str) -> str:
    """With minus signs before figures; the hyphens of names and dates stay."""
    told = text.replace(" -", f" {MINUS}").replace("(-", f"({MINUS}")
    return MINUS + told[1:] if told.startswith("-") else told


def _brief(sentence: str) -> str:
    """On one line, and short enough for a first screen."""
    return wording.clipped(wording.one_line(sentence), BRIEF)


def _breakable(name: str) -> Markup:
    """The escaped text, which may break after the underscores of its names."""
    return Markup("_<wbr>").join(wording.printable(name).split("_"))


def _coded(sentence: str) -> Markup:
    """The escaped sentence, what stands between backticks as code; names may break."""
    parts = sentence.split("`")
    if len(parts) % 2 == 0:
        return _breakable(sentence)
    code = Markup("<code>{}</code>")
    return Markup("").join(
        code.format(_breakable(part)) if place % 2 else _breakable(part)
        for place, part in enumerate(parts)
    )


def _measured(row: Mapping[str, Any]) -> str:
    """'1.9 (1.7 to 2.2)', the figure alone where it has no interval, or a dash."""
    value, lower, upper = (row.get(name) for name in ("value", "lower", "upper"))
    if value is None or lower is None or upper is None:
        return number(value)
    return f"{number(value)} ({number(lower)} to {number(upper)})"
