"""How an alert writes figures: every number with its interval, in points."""


def points(share: float | None) -> str:
    """A difference of shares in points, signed; 'not measured' for null."""
    return "not measured" if share is None else f"{100 * share:+.1f}"


def with_interval(value: float | None, lower: float | None, upper: float | None) -> str:
    """A difference in points with its interval."""
    if value is None:
        return "not measured"
    if lower is None or upper is None:
        return f"{points(value)} points, interval not known"
    return f"{points(value)} points ({points(lower)} to {points(upper)})"


def measured(value: float | None, lower: float | None, upper: float | None) -> str:
    """A value in its own unit with its interval."""
    if value is None:
        return "not measured"
    if lower is None or upper is None:
        return f"{value:.4g}"
    return f"{value:.4g} ({lower:.4g} to {upper:.4g})"


def counted(count: int, noun: str, plural: str = "") -> str:
    """The count with its noun, in the singular where it is one."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def listed(names: list[str], *, at_most: int = 6) -> str:
    """Names with commas; the rest as a count."""
    rest = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {rest} more" if rest > 0 else "")
