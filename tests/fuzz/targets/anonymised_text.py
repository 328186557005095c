"""Free text through the only door: every recogniser, the names model, propagation, surrogates."""

from functools import cache
from typing import Final

from eval_pipeline.anonymisation.anonymiser import Anonymiser
from eval_pipeline.anonymisation.finding import Passage
from eval_pipeline.anonymisation.spans import PLACEHOLDER
from eval_pipeline.settings import AnonymisationSettings
from tests.fuzz.target import Target, promise, text_of, variant_of

VARIANTS: Final = ("placeholders", "realistic", "two turns", "whole")
CANARIES: Final = (
    "kai.canary@example.org", "+44 20 7946 0958", "GB82 WEST 1234 5698 7654 32",
    "4111 1111 1111 1111", "sk-canaryabcdefghijklmnopqrstuv", "460-89-9847", "192.168.77.13",
)  # fmt: skip
"""What the structured recognisers find wherever it stands apart, by its cue or its shape."""


@cache
def _anonymiser(surrogates: str) -> Anonymiser:
    settings = AnonymisationSettings.model_validate({"surrogates": surrogates})
    return Anonymiser(settings, key=b"fuzz")


def run(data: bytes) -> object:
    """The text masked alone, with each canary beneath it, and as two turns of a conversation."""
    variant, rest = variant_of(data, VARIANTS)
    text = text_of(rest)
    match variant:
        case "realistic":
            return _realistic(text)
        case "two turns":
            return _turns(text)
        case "whole":
            return _masked_whole(text)
        case _:
            return _placeholders(text)


def _placeholders(text: str) -> str:
    anonymiser = _anonymiser("placeholders")
    spans = anonymiser.find(text)
    reach = 0
    for span in spans:
        promise(reach <= span.start < span.end <= len(text), "a span out of order or bounds")
        reach = span.end
    masked = anonymiser.mask_text(text)
    promise(anonymiser.mask_text(masked) == masked, "masked again, the text changes")
    promise(not anonymiser.residual([masked]), "the second scan finds what the first left")
    promise(_same_around(text, masked), "text outside of what was masked is lost or changed")
    canary = CANARIES[len(text) % len(CANARIES)]
    planted = anonymiser.mask_text(f"{text}\n\nReach me: {canary} \n\n{text}")
    promise(canary not in planted, "a planted canary stands in masked text")
    return masked


def _same_around(text: str, masked: str) -> bool:
    """Whether the masked text is the text with something put in the places of placeholders."""
    pieces = PLACEHOLDER.split(masked)[::3]
    if len(pieces) == 1:
        return masked == text
    first, last = pieces[0], pieces[-1]
    if not text.startswith(first) or not text.endswith(last):
        return False
    position, end = len(first), len(text) - len(last)
    for piece in pieces[1:-1]:
        found = text.find(piece, position, end)
        if found < 0:
            return False
        position = found + len(piece)
    return position <= end


def _realistic(text: str) -> str:
    anonymiser = _anonymiser("realistic")
    passages = [[Passage(f"{text}\n\nReach me: {CANARIES[0]} \n\n{text}")]]
    masked = anonymiser.mask_conversations(passages, identities=["c1"], explain=True)[0]
    promise(CANARIES[0] not in masked.texts[0], "a planted canary stands beside stand-ins")
    promise(not masked.residual[0], "the scan before writing found something left")
    return masked.texts[0]


def _turns(text: str) -> tuple[str, ...]:
    """What one turn gives away is masked in the other, and conversations are apart."""
    anonymiser = _anonymiser("placeholders")
    middle = len(text) // 2
    turns = [Passage(text[:middle]), Passage(text[middle:])]
    alone = anonymiser.mask_conversations([turns])[0]
    beside = anonymiser.mask_conversations([[Passage(f"Call Ana: {CANARIES[1]}")], turns])[1]
    promise(alone.texts == beside.texts, "another conversation changed what is masked")
    for turn, masked in zip(turns, alone.texts, strict=True):
        promise(_same_around(turn.text, masked), "text outside of what was masked is lost")
    return alone.texts


def _masked_whole(text: str) -> str:
    """A value under a sensitive key: nothing of it stays."""
    masked = _anonymiser("placeholders").mask_conversations([[Passage(text, whole="SECRET")]])
    left = PLACEHOLDER.sub("", masked[0].texts[0])
    outside = PLACEHOLDER.split(text)[::3]
    promise(
        not any(letter.isalnum() for letter in left) or len(outside) > 1,
        "a value under a sensitive key was left in part",
    )
    return masked[0].texts[0]


TARGET: Final = Target(
    name="anonymised_text",
    run=run,
    structure="text",
    variants=VARIANTS,
    examples=12,
    seeds=(
        b"placeholders\nmy name is Maria Lopez, mail m@x.com. Thanks Maria, born on 2/8/1935.",
        b"two turns\nI am Ana Ruiz of 12 Main Street, Springfield, IL 62701. Ana Ruiz, call Ruiz!",
        b"realistic\nDr. Jan de Vries, Bahnhofstra\xc3\x9fe 12a, 10115 Berlin, +49 30 123456, 45",
        b'placeholders\n{"name": "Maria", "api_key": "x9-2k", "note": "call O\'Neil on 5/12"}',
        b"whole\nhunter2 [PERSON_1] and more",
        b"placeholders\nhttps://x.com/a?b=c www.x.co.uk 40.7128, -74.0060 ::1 fe80::1ff",
        b"placeholders\nAuthorization: Bearer abcdefgh12345678\nCookie: sid=abcdef12; b=2",
        b"realistic\n[PERSON_1] wrote to [EMAIL_2] \xef\xbc\x91\xef\xbc\x92\xef\xbc\x93 e\xcc\x81",
    ),
    words=(
        *CANARIES, "Maria Lopez", "Dr.", "O'Neil", "m@x.com", "[PERSON_1]", "[EMAIL_99]", "born on",
        "DOB:", "aged 61", "I'm 45", "12 Main Street", "PO Box 123", "SW1A 1AA", "Berlin",
        "Acme Ltd",
        "https://", "www.", "postgres://u:p@h/x", "Bearer ", "password: ", "api key", "pin is",
        "-----BEGIN RSA PRIVATE KEY-----", "passport X1234567", "2026-11-16T10:30:45Z",
        "3. M\xe4rz",
        "\u212aey", "\u0131", "\ufb01", "\u0663\u0664", "\uff11\uff12", "\U0001f4de", "\u202f",
        "@mia_li",
        " (at) ", " dot ", "\\n", "\\u0041", "%40", '"name":', "'", "\u2019", "my name is",
        "user-17",
    ),
)  # fmt: skip
