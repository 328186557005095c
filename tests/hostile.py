"""Texts that would do harm if a page, a terminal or a database took them for more than texts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, cycle, islice
from typing import Final

PWN: Final = "window.__pwned=1"
SCRIPTS: Final = (
    f"<script>{PWN}</script>",
    f"</script><script>{PWN}</script>",
    f"<img src=x onerror={PWN}>",
    f"<svg onload={PWN}>",
    f"<svg><script>{PWN}</script></svg>",
    f"<math><mtext></form><form><mglyph><style></math><img src onerror={PWN}>",
    f'"><script>{PWN}</script>',
    f"'><script>{PWN}</script>",
    f'" onfocus="{PWN}" autofocus="',
    f"' onmouseover='{PWN}",
    f"` onclick=`{PWN}",
    f"x onpointerenter={PWN} y",
    f'<a href="javascript:{PWN}">here</a>',
    f"<a href='java\tscript:{PWN}'>here</a>",
    f"<iframe srcdoc='<script>parent.{PWN}</script>'></iframe>",
    f"<iframe src=javascript:{PWN}></iframe>",
    f"<object data=javascript:{PWN}></object>",
    f"<details open ontoggle={PWN}>",
    f"<body onload={PWN}>",
    "<style>body{display:none}</style>",
    '<link rel=stylesheet href="//evil.example/x.css">',
    '<meta http-equiv="refresh" content="0;url=//evil.example">',
    '<base href="//evil.example/">',
    "<form action=//evil.example><button>Pass</button></form>",
    '<input name="csrf" value="stolen">',
    f"</textarea><script>{PWN}</script>",
    f"</title><script>{PWN}</script>",
    f"</template><script>{PWN}</script>",
    f"<!--><script>{PWN}</script-->",
    f"]]><script>{PWN}</script>",
    f'<noscript><p title="</noscript><img src=x onerror={PWN}>">',
    f"&lt;script&gt;{PWN}&lt;/script&gt;",
    f"\\u003cscript\\u003e{PWN}\\u003c/script\\u003e",
    f"%3Cscript%3E{PWN}%3C/script%3E",
    f"<scr\0ipt>{PWN}</script>",
    f"\ufeff<script>{PWN}</script>",
    f"\uff1cscript\uff1e{PWN}\uff1c/script\uff1e",
)
TEMPLATES: Final = (
    "{{ 7*7 }}", "{% raw %}{{ 7*7 }}", "{{ config.__class__.__mro__ }}", "{% endblock %}",
    "${7*7}", "#{7*7}", "<%= 7*7 %>", "%(x)s", "{0.__class__}", "{{ frame.csrf_token }}",
)  # fmt: skip
QUERIES: Final = (
    "'; DROP TABLE labels; --", "1' OR '1'='1", '"; DELETE FROM review_tasks; --',
    "' UNION SELECT secret_hash FROM desk_tokens --", "%_%", "\\'; --",
)  # fmt: skip
TERMINALS: Final = (
    "\x1b[2J\x1b[H\x1b[31mred", "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07", "a\rb\x08c\x07",
    "\x9b31m", "\x1bP+q\x1b\\",
)  # fmt: skip
CHARACTERS: Final = (
    "\u202egnp.exe", "\u2066\u2067a\u2069", "a\u200bb\u200dc\u2060d", "\ud800", "a\udfffb", "\0",
    "\x00\x01\x02\x1f\x7f\x85", "\U0001f469\u200d\U0001f52c\U0001f3f4\U000e0067\U000e007f",
    "Z\u0301\u0302\u0303" * 40, "\ufeff", "\ufffe\uffff", "\U0010ffff", "\u2028\u2029",
    "A" * 255, "\u0600\u06dd" * 20, "\u0130\u0131\u017f",
)  # fmt: skip
SHAPES: Final = (
    "", " ", "\n\n\n", "<div>" * 3_000, "(" * 5_000, "[" * 2_000 + "]" * 2_000,
    '{"a":' * 500 + "1" + "}" * 500, "- " * 2_000, "```\n" * 200, "&" * 3_000,
)  # fmt: skip
LONG_LINE: Final = "A" * 1_000_000
MANY_TURNS: Final = 1_500
POOL: Final = SCRIPTS + TEMPLATES + QUERIES + TERMINALS + CHARACTERS + SHAPES

STRIDES: Final = (1, 5, 7, 11, 13, 17)
"""They share no factor with the pool's size: each place walks all of it, in an order of its own."""


@dataclass(frozen=True)
class HostileItem:
    """One task's texts and what is answered to it; `marker` is the only harmless part."""

    marker: str
    route: str
    criteria: tuple[str, ...]
    turns: tuple[tuple[str, str], ...]
    response: str
    rationale: str

    @property
    def subject(self) -> dict[str, object]:
        """As a task holds it."""
        return {
            "route": self.route,
            "criteria": self.criteria,
            "messages": [{"role": role, "content": content} for role, content in self.turns],
            "response": self.response,
        }


def hostile_items(number: int) -> list[HostileItem]:
    """So many items; every text of the pool stands in every place, in turn and in combinations."""
    return [_item(index) for index in range(number)]


def _item(index: int) -> HostileItem:
    # Strides that share no factor with the pool's size walk all of it, each place in its own order.
    texts = [
        POOL[(index * stride + place) % len(POOL)]
        for place, stride in enumerate((1, 5, 7, 11, 13, 17))
    ]
    marker = f"item-{index:04d}"
    return HostileItem(
        marker=marker,
        route=texts[1][:300],
        criteria=(texts[2], "Is it right?"),
        turns=_turns(index, texts),
        response=f"{marker} {texts[0]}{LONG_LINE if index % 250 == 99 else ''}",
        rationale=f"{texts[5]} why-{marker}"[-3_900:],
    )


def _turns(index: int, texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    if index % 250 == 149:
        return tuple(
            islice(zip(cycle(("user", "assistant")), cycle(texts), strict=False), MANY_TURNS)
        )
    return (("user", texts[3]), (texts[4][:60], texts[3] + texts[4]), ("assistant", texts[1]))


def hostile_names(number: int) -> list[str]:
    """Names that the desk takes: printable, at most 80 characters, each different."""
    tidy = (
        text.strip()[:70] for text in cycle(SCRIPTS + TEMPLATES + QUERIES) if text.isprintable()
    )
    serial: Callable[[], int] = count().__next__
    return [f"{text} {serial()}" for text in islice(tidy, number)]
