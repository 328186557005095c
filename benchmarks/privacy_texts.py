"""Texts as production logs hold them: support chats, seeded, of a mean length, with few values.

Plain texts hold about one personal value each, dense ones about one a sentence. The values are
Faker's; nobody's.
"""

import random
from collections.abc import Callable, Iterator
from typing import Final

from faker import Faker

MEAN_CHARACTERS: Final = 623
_PLAIN: Final = (
    "Thanks for getting in touch, let me have a look at that for you.",
    "The parcel was meant to arrive on Tuesday and the tracking page has not moved since.",
    "I have already tried to restart the app and it shows the same error again.",
    "Could you tell me how long a refund usually takes?",
    "It costs 24.90 a month and you can cancel at any time before the next bill.",
    "Please open the settings, choose Privacy, and switch off the second option.",
    "Version 4.2.1 fixed this for most people, so an update may be all it needs.",
    "Our team replies within 2 business days, often sooner.",
    "That is odd, because the discount of 15% should apply to every item in the basket.",
    "No worries, I understand that this is frustrating.",
    "The order holds 3 items and the total comes to $148.20.",
    "If nothing has changed by 5 pm, write to us here and we will send a new one.",
    "I would like to change the size from medium to large, if that is still possible.",
    "The meeting room on the second floor seats 12 people and has a large screen.",
    "You can export the table as CSV; the file has one row per product and week.",
    "What is the difference between the basic plan and the one for teams?",
    "We measured 1,284 requests an hour at the peak, with a latency of 310 ms.",
    "Step 3 says to hold the button for 10 seconds until the light turns green.",
)
_VALUED: Final = (
    ("My name is {}, by the way.", "name"),
    ("You can reach me at {} if anything else is needed.", "email"),
    ("My phone number is {} and I am free after lunch.", "phone_number"),
    ("I paid with the card {} last week.", "credit_card_number"),
    ("Please send it to {} instead.", "street_address"),
    ("The transfer should go to IBAN {}.", "iban"),
    ("It came from the address {} according to the log.", "ipv4"),
    ("I was born on {} and cannot change it in my profile.", "date"),
    ("For the form, the social security number is {}.", "ssn"),
    ("The page {} does not load for me.", "url"),
)


def texts(count: int, *, dense: bool, seed: int = 2026) -> Iterator[str]:
    """`count` texts, equal on every machine; lengths are spread as in logs, by a log-normal law."""
    rng = random.Random(seed)
    values = Faker("en_US")
    values.seed_instance(seed)
    for _ in range(count):
        # exp(0.5 * 0.6 ** 2) is by how much the mean of this law lies above its median.
        length = MEAN_CHARACTERS / 1.197 * rng.lognormvariate(0, 0.6)
        yield _text(rng, values, length=length, dense=dense)


def _text(rng: random.Random, values: Faker, *, length: float, dense: bool) -> str:
    sentences: list[str] = []
    size = 0.0
    mean_sentences = max(length / 70, 1)
    share = 0.8 if dense else min(1 / mean_sentences, 1)
    while True:
        sentence = _valued(rng, values) if rng.random() < share else rng.choice(_PLAIN)
        # A sentence that would pass the length is taken or left so that lengths stay as drawn.
        if sentences and size + len(sentence) / 2 > length:
            return " ".join(sentences)
        sentences.append(sentence)
        size += len(sentence) + 1


def _valued(rng: random.Random, values: Faker) -> str:
    sentence, kind = rng.choice(_VALUED)
    make: Callable[[], object] = getattr(values, kind)
    return sentence.format(make())
