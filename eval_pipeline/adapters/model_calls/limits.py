"""What a provider's reply says about its rate limits: how long nothing is worth sending.

Read are the headers of OpenAI's style (durations such as 1s, 6m0s or 120ms), of Anthropic's
(instants), and of the IETF drafts `RateLimit-Remaining`, `RateLimit-Reset` and `RateLimit`.
"""

import datetime as dt
import math
import re
from collections.abc import Iterator, Mapping

UNIT_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
EARLIEST_EPOCH_SECONDS = 1e9
EARLIEST_EPOCH_MILLISECONDS = 1e12
PAIRS = (
    *((f"x-ratelimit-remaining{of}", f"x-ratelimit-reset{of}") for of in ("", "-requests")),
    ("ratelimit-remaining", "ratelimit-reset"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
)
TOKEN_PAIRS = (
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    *(
        (f"anthropic-ratelimit-{of}tokens-remaining", f"anthropic-ratelimit-{of}tokens-reset")
        for of in ("", "input-", "output-")
    ),
)
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|us|[dhms]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|[dhms])")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_REMAINING = re.compile(r"(?:^|[\s,;])(?:r|remaining)=(\d{1,300})")
_RESET = re.compile(r"(?:^|[\s,;])(?:t|reset)=(\d{1,300})")


def seconds_until_room(headers: Mapping[str, str], *, now: dt.datetime, tokens: int = 1) -> float:
    """Seconds until an exhausted limit is reset; 0 where there is room or nothing usable is said.

    `headers` has lower-case names. `tokens` is what a call takes: a limit on tokens with fewer
    left than that is exhausted. Of several exhausted limits the one that lasts longest counts.
    """
    waits = (_seconds(reset, now=now) for reset in _resets(headers, tokens=tokens))
    return max((wait for wait in waits if wait is not None), default=0.0)


def _resets(headers: Mapping[str, str], *, tokens: int) -> Iterator[str]:
    for pairs, needed in ((PAIRS, 1), (TOKEN_PAIRS, max(1, tokens))):
        for remaining, reset in pairs:
            left = _number(headers.get(remaining))
            if left is not None and left < needed and reset in headers:
                yield headers[reset]
    # One field for a policy each, the old draft's `remaining=0, reset=5` or the new `"a";r=0;t=5`.
    for policy in re.split(r",(?=\s*\")", headers.get("ratelimit", "")):
        left_here, until = _REMAINING.search(policy), _RESET.search(policy)
        if left_here and until and int(left_here[1]) < 1:
            yield until[1]


def _number(text: str | None) -> float | None:
    if text is None or not _NUMBER.fullmatch(text.strip()):
        return None
    return float(text)


def _seconds(text: str, *, now: dt.datetime) -> float | None:
    """Seconds from a bare number, a duration, an epoch or an RFC 3339 instant."""
    text = text.strip()
    number = _number(text)
    if number is not None:
        if number >= EARLIEST_EPOCH_MILLISECONDS:
            number /= 1000
        since = now.timestamp() if number >= EARLIEST_EPOCH_SECONDS else 0.0
        return max(0.0, number - since) if math.isfinite(number) else None
    if _DURATION.fullmatch(text):
        return sum(float(count) * UNIT_SECONDS[unit] for count, unit in _PART.findall(text))
    try:
        until = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=dt.UTC)
    return max(0.0, (until - now).total_seconds())
