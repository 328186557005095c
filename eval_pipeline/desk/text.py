"""Hostile text made safe to look at: what is invisible or reorders a line is shown as a sign.

After Boucher and Anderson, "Trojan Source" (USENIX Security 2023), and the tag characters that hide
instructions from people. Joiners of emoji and of Indic and Arabic script stay as they are.
"""

import re
from typing import Final

from markupsafe import Markup, escape

_HIDDEN: Final = re.compile(
    "(["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, DEL, C1
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\ud800-\udfff"  # halves of pairs, which no encoding can carry
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "])\\1*"
)
_LONG_WORD: Final = re.compile(r"(\S{100})(?=\S)")
_HALVES: Final = re.compile("[\ud800-\udfff]")
_NAMES: Final = {
    "\x7f": "DEL", "\xad": "SHY", "\u061c": "ALM", "\u200b": "ZWSP", "\u200e": "LRM",
    "\u200f": "RLM", "\u2028": "LS", "\u2029": "PS", "\u202a": "LRE", "\u202b": "RLE",
    "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO", "\u2060": "WJ", "\u2066": "LRI",
    "\u2067": "RLI", "\u2068": "FSI", "\u2069": "PDI", "\ufeff": "BOM",
}  # fmt: skip
_C0: Final = (  # noqa: SIM905 - a list of 32 strings reads worse
    "NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI "
    "DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US"
).split()
_TAGS: Final = range(0xE0020, 0xE007F)
_TAG_OFFSET: Final = 0xE0000
_LONG_CHARACTERS: Final = 1500
_LONG_LINES: Final = 20


def visible(text: str) -> str:
    """The text with a sign in place of each hidden character; a run of one becomes one sign."""
    return _HIDDEN.sub(lambda found: _sign(found.group(0)), text.replace("\r\n", "\n"))


def visible_markup(text: str) -> Markup:
    """As `visible`, escaped, with each sign in an `<i>`, so that it cannot pass for the text.

    Long words get places to break: Chromium lays out a word of 200,000 letters in 13 s without.
    """
    shown = _HIDDEN.sub(
        lambda found: f"\x01{_sign(found.group(0))}\x02", text.replace("\r\n", "\n")
    )
    # What the text had of these three was replaced just now, so they can stand for tags.
    marked = str(escape(_LONG_WORD.sub("\\1\x03", shown)))
    for mark, tag in (("\x01", "<i>"), ("\x02", "</i>"), ("\x03", "<wbr>")):
        marked = marked.replace(mark, tag)
    return Markup(marked)  # noqa: S704 - escaped above


def encodable(text: str) -> Markup:
    """Escaped and otherwise unchanged, for a field that is sent back; half pairs are replaced."""
    return escape(_HALVES.sub("�", text))


def is_long(text: str) -> bool:
    """Whether a text gets a window of its own to scroll in."""
    return len(text) > _LONG_CHARACTERS or text.count("\n") > _LONG_LINES


def _sign(run: str) -> str:
    character, times = run[0], len(run)
    code = ord(character)
    if "\ud800" <= character <= "\udfff":
        sign = "�"
    elif code < len(_C0):
        sign = f"⟨{_C0[code]}⟩"
    elif code in _TAGS:
        sign = f"⟨TAG {chr(code - _TAG_OFFSET)}⟩"
    else:
        sign = f"⟨{_NAMES.get(character, f'U+{code:04X}')}⟩"
    return sign if times == 1 else f"{sign}×{times}"  # noqa: RUF001 - a sign for people
