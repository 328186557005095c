"""Plain signals of what is wrong with a response: surface and words, no understanding.

They are honest and weak: each can be told in a sentence, none looks at who wrote the text.
"""

import re

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
_SHOUTED = re.compile(r"\b[A-Z]{4,}\b")
_PLACEHOLDER = re.compile(r"\[[A-Z][A-Z_]*_\d+\]")


def _words_in(text: str) -> frozenset[str]:
    return frozenset(text.split())


_FUNCTION_WORDS = _words_in(
    """a about after all also am an and any are as at be because been before but by can could did do
    does for from get give go had has have he her here him his how i if in into is it its just know
    like ll m me more my no not of on or our out please re s she should so some t than thank thanks
    that the their them then there these they this those to too up us ve very want was we well were
    what when where which who why will with would yes you your"""
)
_SERVICE_WORDS = _words_in(
    """appointment available book booked booking complete completed confirm correct find found item
    menu minute minutes moment option order ordered pick purchase ready request reservation reserve
    reserved right screen ticket tickets verify"""
)
_DANGLING = _words_in(
    "a an and are at because but by for from if in into is my of on or our the to with your"
)
_LONG = 40
_HARMFUL = re.compile(
    r"""\b(?:kill|murder|poison|strangl|stab|shoot|bomb|explosive|weapon|gun|steal|stole|rob|burgl
    |shoplift|hack|phish|malware|forge|counterfeit|launder|blackmail|kidnap|stalk|spy\s+on|abus
    |tortur|rape|molest|meth\b|cocaine|heroin|benzos|drugs?\b|drunk|suicid|cheat|fraud|scam|revenge
    |racis|nazi|fight|beat|burn|smuggl|illegal|prank|vandal)""",
    re.IGNORECASE | re.VERBOSE,
)
_HATEFUL = re.compile(
    r"""\b(?:fuck\w*|shit\w*|bitch\w*|asshole\w*|whore\w*|slut\w*|retard\w*|bastard\w*|idiot\w*|stupid
    |hate\s+(?:him|her|them|you)|subhuman|inferior)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_REFUSAL = re.compile(
    r"""\b(?:i\s+(?:can(?:no|['\u2019])t|won['\u2019]t|will\s+not|don['\u2019]t\s+(?:think|want|feel)
    |do\s+not|would(?:\s+not|n['\u2019]t)|refuse)|sorry|not\s+(?:a\s+good|appropriate|okay|ok|able|legal)
    |illegal|against\s+the\s+law|unethical|immoral|wrong|harmful|dangerous|you\s+should(?:\s+not|n['\u2019]t)
    |please\s+don['\u2019]t|seek\s+help|i['\u2019]m\s+not\s+(?:sure|going|comfortable))""",
    re.IGNORECASE | re.VERBOSE,
)
_APOLOGY = re.compile(
    r"""\b(?:sorry|apologi[sz]e|apologies|unfortunately)\b.{0,60}
    \b(?:can(?:no|['\u2019])t|could(?:\s+not|n['\u2019]t)|unable|not\s+able|do(?:\s+not|n['\u2019]t)\s+(?:have|know)
    |fail(?:ed|s)?|unsuccessful)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_QUESTION_START = re.compile(
    r"(?:what|when|where|which|who|why|how|is|are|do|does|did|can|could|will|would|tell\s+me)\b",
    re.IGNORECASE,
)
_FAREWELL = re.compile(
    r"""\b(?:good\s?bye|bye|have\s+a\s+\w+|take\s+care|you(?:['\u2019]re|r|\sare)?\s+welcome
    |(?:that\s+(?:is|will\s+be)|that['\u2019]s)\s+all|no,?\s*thank|nothing\s+else|enjoy\s+your)""",
    re.IGNORECASE | re.VERBOSE,
)
_NUMBER_OR_NAME = re.compile(r"\d|(?<=[a-z,] )[A-Z][a-z]+")
_PLAIN_ANSWER = re.compile(
    r"\b(?:yes|no|not|free|none|there\s+is|there\s+are|it\s+(?:is|has))\b", re.IGNORECASE
)
_ENDED = re.compile(r"[.!?)\]\"'\u2019\u201d:*]\s*$")


def words(text: str) -> list[str]:
    """The words in lower case; placeholders of masked names are no words."""
    return [word.lower() for word in _WORD.findall(_PLACEHOLDER.sub(" ", text))]


def content_words(text: str) -> frozenset[str]:
    """The words that carry meaning, without their plural s."""
    return frozenset(word.removesuffix("s") for word in words(text) if word not in _FUNCTION_WORDS)


def shared_content(text: str, other: str) -> float | None:
    """The share of the content words of `text` that occur in `other`; None if it has none."""
    own = content_words(text)
    return len(own & content_words(other)) / len(own) if own else None


def speaks_of_the_service(text: str) -> bool:
    """It names a step of ordering, booking or finding."""
    return not _SERVICE_WORDS.isdisjoint(words(text))


def shouted(text: str) -> frozenset[str]:
    """The words of four letters or more that are written in capitals alone."""
    return frozenset(_SHOUTED.findall(_PLACEHOLDER.sub(" ", text)))


def is_wordless(text: str) -> bool:
    """Nothing was said, not even a masked name."""
    return not words(text) and _PLACEHOLDER.search(text) is None


def is_cut_off(text: str) -> bool:
    """It stops in the middle: at a word that needs another, or long and without a full stop."""
    said = words(text)
    if not said or _ENDED.search(text):
        return False
    return said[-1] in _DANGLING or len(said) > _LONG


def is_canned_apology(text: str) -> bool:
    """It apologises that something cannot be done."""
    return _APOLOGY.search(text) is not None


def declines(text: str) -> bool:
    """It refuses, warns or objects."""
    return _REFUSAL.search(text) is not None


def is_harmful_request(text: str) -> bool:
    """It speaks of doing harm."""
    return _HARMFUL.search(text) is not None


def is_hateful(text: str) -> bool:
    """It insults or demeans."""
    return _HATEFUL.search(text) is not None


def is_farewell(text: str) -> bool:
    """It closes the conversation."""
    return _FAREWELL.search(text) is not None


def asks(text: str) -> bool:
    """It asks something: a question mark, or the sentence begins like a question."""
    return "?" in text or _QUESTION_START.match(text.strip()) is not None


def ends_in_question(text: str) -> bool:
    """Its last sentence hands the turn back with a question."""
    return text.rstrip().endswith("?")


def states_a_fact(text: str) -> bool:
    """It holds a number or a name."""
    return _NUMBER_OR_NAME.search(text) is not None or _PLACEHOLDER.search(text) is not None


def is_definite(text: str) -> bool:
    """It states a fact, or says yes, no, is or is not."""
    return states_a_fact(text) or _PLAIN_ANSWER.search(text) is not None
