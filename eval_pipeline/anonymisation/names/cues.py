"""Names of people, by the words around them and by a gazetteer; never by capitals alone."""

import re
from collections.abc import Iterator
from typing import Final

from eval_pipeline.anonymisation.names.word_lists import (
    AMBIGUOUS,
    PARTICLES,
    WORDS,
    WORDS_AND_NAMES,
    Gazetteer,
    gazetteer,
)
from eval_pipeline.anonymisation.spans import Span, lowered_in_place

_TOKEN: Final = re.compile(
    r"[^\W\d_](?:[^\W\d_]|(?<=\w)['\u2019\-](?=[^\W\d_])|\.(?=[^\W\d_]\.))*\.?"
)
_GAP: Final = re.compile(r"[ \t]{1,3}|(?<=\.)")
_CAPITALISED: Final = re.compile(
    r"(?<![\w@./\\\-'\u2019\[])[^\W\d_a-z][^\W\d_]+(?:[\-'\u2019][^\W\d_]+)*"
)
_NAMED: Final = re.compile(
    r"(?:names?(?:'s|\u2019s| is| was| are|[ ]?[:=])"
    r"|(?<!\w)(?:called|named|call me|known as|goes by|aka|signed by)\b"
    r"|(?<!\w)(?:user|recipient|passenger|patient|cardholder|attn|customer|contact|guest):)"
    r"\s{1,3}[\"“]?"
)
_NAMED_HINTS: Final = (
    "name", "call", "known as", "goes by", "aka", "signed", "user:", "recipient:", "passenger:",
    "patient:", "cardholder:", "attn:", "customer:", "contact:", "guest:",
)  # fmt: skip
_OWN: Final = re.compile(
    r"(?<!\w)(?:(?:my|your|his|her|their)(?: (?:full|first|last|given|family|middle|real))?[ ]"
    r"|^[ \t]*(?:(?:full|first|last|customer|patient|sur|given|family)[ _]?)?)$"
)
_INTRODUCED: Final = re.compile(
    r"(?<!\w)(?:(?P<own>i['\u2019]?m|i am|this is"
    r"|(?:my|his|her|our) (?:wife|husband|son|daughter|brother"
    r"|sister|mother|father|mom|mum|dad|friend|partner|boss|colleague|uncle|aunt|cousin"
    r"|neighbou?r|girlfriend|boyfriend|fianc[ée]e?|grandmother|grandfather|doctor|manager"
    r"|assistant)(?:,| is| was)?)|(?P<other>it['\u2019]s|it is|here is|hi|hello|hey|dear"
    r"|good (?:morning|afternoon|evening)|(?:speak|talk|spoke|met|meet|chat)(?:ing)?(?: with| to)?"
    r"|(?:on behalf|in the name|under the name|account) of|care of|c/o)"
    r"|(?P<closing>(?:(?:kind|best|warm) )?regards|sincerely|cheers|yours(?: truly)?|love|signed"
    r"|thanks(?: again)?|thank you|best))[,:!.]?[ \t]{0,3}\n{0,2}[ \t\-\u2013\u2014]{0,4}$"
)
_SIGN_OFF: Final = re.compile(
    r"(?<!\w)(?:(?:kind|best|warm|many) (?:regards|wishes)|regards|(?:yours )?sincerely"
    r"|yours (?:truly|faithfully)|signed(?: by)?)[,:!.]?[ \t]{0,3}\n{0,2}[ \t\-\u2013\u2014]{0,4}"
)
_SIGN_OFF_HINTS: Final = ("regards", "wishes", "sincerely", "yours", "signed")
_DEPARTMENTS: Final = frozenset(
    {
        "team", "support", "service", "services", "department", "desk", "office", "staff",
        "management", "centre", "center", "crew", "pharmacy", "bank", "shop", "store", "helpdesk",
    }
)  # fmt: skip
_HONORIFIC: Final = re.compile(
    r"(?<!\w)(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Herr|Frau|Señora?|Sra?|Mme|Mlle"
    r"|Monsieur|Madame|MR|MRS|MS|DR|mr|mrs|ms|dr)(?:\. ?| )(?=\S)"
)
_NOT_PEOPLE: Final = frozenset(
    {
        "pepper",
        "strange",
        "who",
        "seuss",
        "dre",
        "bean",
        "robot",
        "martens",
        "scholl",
        "oetker",
        "potato",
        "president",
        "chairman",
        "speaker",
    }
)
_LONGEST_NAME: Final = 5
_LINE_END: Final = re.compile(r"[ \t.!]*(?:\n|$)")


def people(text: str) -> Iterator[Span]:
    """Names after a cue, after an honorific, or a known first name with what follows it."""
    names = gazetteer()
    lowered = lowered_in_place(text)
    if any(hint in lowered for hint in _NAMED_HINTS):
        yield from _after_cues(text, lowered, names)
    if any(hint in lowered for hint in _SIGN_OFF_HINTS):
        yield from _after_sign_offs(text, lowered, names)
    yield from _after_honorifics(text, names)
    yield from _known_first_names(text, lowered, names)


def _after_cues(text: str, lowered: str, names: Gazetteer) -> Iterator[Span]:
    """After "my name is" any word may be a name; after "called" only a known one."""
    for cue in _NAMED.finditer(lowered):
        before = lowered[max(0, cue.start() - 41) : cue.start()]
        line = before.rpartition("\n")[2]
        is_field = cue.group().rstrip(' \t\n"“').endswith((":", "="))
        own = _OWN.search(line) is not None and (is_field or line.strip() != "")
        own = own and "name" in cue.group()
        span = _name_at(text, cue.end(), lower=own and not is_field, names=names)
        if span is not None and (own or _holds_known_name(text, span, names=names)):
            yield span


def _after_sign_offs(text: str, lowered: str, names: Gazetteer) -> Iterator[Span]:
    """Two or more capitalised words that end a line after "kind regards": nobody signs otherwise.

    Departments do sign too, and are let through.
    """
    for closing in _SIGN_OFF.finditer(lowered):
        span = _name_at(text, closing.end(), lower=False, names=names)
        if span is None or _LINE_END.match(text, span.end) is None:
            continue
        words = [_bare(word).casefold() for word in text[span.start : span.end].split()]
        if len(words) > 1 and not _DEPARTMENTS.intersection(words):
            yield span


def _holds_known_name(text: str, span: Span, *, names: Gazetteer) -> bool:
    parts = list(name_parts(text[span.start : span.end]))
    return bool(parts) and (
        names.is_first(parts[0])
        or (len(parts) > 1 and names.is_last(parts[-1]) and names.may_be_first(parts[0]))
    )


def _after_honorifics(text: str, names: Gazetteer) -> Iterator[Span]:
    for cue in _HONORIFIC.finditer(text):
        token = _TOKEN.match(text, cue.end())
        if token is None:
            continue
        word = token.group().rstrip(".")
        if word.casefold() in _NOT_PEOPLE or word.casefold() in WORDS:
            continue
        if word[0].isupper():
            span = _name_at(text, cue.end(), lower=False, names=names)
            if span is not None:
                yield span
        elif cue.group()[0].islower() and (names.is_last(word) or names.is_first(word)):
            yield Span(cue.end(), cue.end() + len(word), "PERSON", cued=True)


def _known_first_names(text: str, lowered: str, names: Gazetteer) -> Iterator[Span]:
    position = 0
    for match in _CAPITALISED.finditer(text):
        start = match.start()
        word = _bare(match.group())
        if start < position or not (names.may_be_first(word) or names.is_last(word)):
            continue
        end = _extended(text, start)
        if _is_person(text, lowered, start, end, names=names):
            position = end
            yield Span(start, end, "PERSON")


def _is_person(text: str, lowered: str, start: int, end: int, *, names: Gazetteer) -> bool:
    """Whether the capitalised words from start to end are somebody's name."""
    words = [_bare(word.rstrip(".")) for word in text[start:end].split()]
    first, last = words[0], words[-1]
    cue = _INTRODUCED.search(lowered, max(0, start - 40), start)
    own = cue is not None and cue["own"] is not None
    if len(words) == 1:
        closes = cue is not None and cue["closing"] is not None and _LINE_END.match(text, end)
        return _is_lone_name(first, cued=cue is not None, certain=own or bool(closes)) or (
            names.is_first(first) and _speaks(text, start, end)
        )
    if all(word.isupper() for word in words):
        return names.is_first(first) and names.is_last(last)
    if names.is_first(first):
        return True
    known_last = names.is_last(last) and (own or last.casefold() not in AMBIGUOUS)
    return known_last and (names.may_be_first(first) or cue is not None)


def _is_lone_name(first: str, *, cued: bool, certain: bool) -> bool:
    """Whether one capitalised word alone names somebody."""
    names = gazetteer()
    if certain and names.may_be_first(first):
        return True
    return names.is_common(first) or (cued and names.is_first(first))


def _speaks(text: str, start: int, end: int) -> bool:
    """Whether this is the name of a speaker: alone on its line's start, with a colon."""
    starts_line = start == 0 or text[start - 1] == "\n"
    return starts_line and text[end : end + 1] == ":" and text[end + 1 : end + 2] in {" ", "\n"}


def _bare(word: str) -> str:
    for ending in ("'s", "\u2019s", "'S", "\u2019S"):
        if word.endswith(ending):
            return word[: -len(ending)]
    return word


def _name_at(text: str, position: int, *, lower: bool, names: Gazetteer) -> Span | None:
    """The name that starts here: capitalised words, or, if `lower`, words that could be one."""
    token = _TOKEN.match(text, position)
    if token is None:
        return None
    word = _bare(token.group().rstrip(".") if len(token.group()) > 2 else token.group())  # noqa: PLR2004 - an initial
    folded = word.rstrip(".").casefold()
    if folded in WORDS and not (word[0].isupper() and folded in WORDS_AND_NAMES):
        return None
    if word[0].isupper():
        return Span(position, _extended(text, position), "PERSON", cued=True)
    if not lower or (len(folded) < 2 and not word.isalpha()):  # noqa: PLR2004
        return None
    return Span(
        position, _extended_lower(text, position + len(word), names=names), "PERSON", cued=True
    )


def _extended(text: str, position: int) -> int:
    """Where the run of capitalised words, initials and particles that starts here ends."""
    end = position
    tokens = 0
    pending = position
    while tokens < _LONGEST_NAME and (token := _TOKEN.match(text, pending)) is not None:
        word = token.group()
        initial = len(word.rstrip(".")) == 1 and word[0].isupper() and word[0] != "I"
        initial = initial or (word[0].isupper() and word.count(".") > 1)
        plain = word if initial else word.rstrip(".")
        bare = _bare(plain)
        particle = tokens > 0 and plain.casefold() in PARTICLES
        capital = plain[0].isupper() and (tokens == 0 or bare.casefold() not in WORDS)
        if not (initial or particle or capital):
            break
        if not particle or plain[0].isupper():
            end = pending + len(bare)
        tokens += 1
        if bare != plain or (word.endswith(".") and not initial):
            break
        gap = _GAP.match(text, pending + len(plain))
        if gap is None:
            break
        pending = gap.end()
    return end


def _extended_lower(text: str, end: int, *, names: Gazetteer) -> int:
    for _ in range(2):
        gap = _GAP.match(text, end)
        token = _TOKEN.match(text, gap.end()) if gap else None
        if gap is None or token is None:
            break
        word = _bare(token.group().rstrip("."))
        if not (names.is_last(word) or names.is_first(word)):
            break
        end = gap.end() + len(word)
    return end


def name_parts(value: str) -> Iterator[str]:
    """The words of a name that stand for the person alone."""
    for token in _TOKEN.finditer(value):
        word = _bare(token.group().rstrip("."))
        folded = word.casefold()
        if len(word) > 1 and folded not in WORDS and folded not in PARTICLES and "." not in word:
            yield word
