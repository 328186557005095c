"""The sentences through which personal data enter the demo's logs, each with what it planted."""

import random
from dataclasses import dataclass
from typing import Final

from eval_pipeline.demo.people import KINDS, Customer

_MENTIONS: Final[dict[str, tuple[str, ...]]] = {
    "name": (
        "My name is {name}.",
        "Kind regards, {name}",
        "The account holder is Mrs {name}.",
        "The patient is Mr {name}, my father.",
    ),
    "email": (
        "Please write to {email} about it.",
        "My e-mail address is {email}.",
        "(registered as {email})",
    ),
    "phone": (
        "I am reachable on {phone} after work.",
        "Phone: {phone}",
        "Ring {phone} if anything is unclear.",
    ),
    "address": (
        "I live at {address}, {city}.",
        "Deliver to {address}, {city} instead.",
        "My new address: {address}, {city}",
    ),
    "date_of_birth": (
        "My date of birth is {date_of_birth}.",
        "DOB: {date_of_birth}",
        "The patient was born on {date_of_birth}.",
    ),
    "card": (
        "I paid with credit card {card} by the way.",
        "Card number {card}, just so you find the payment.",
    ),
    "iban": ("My bank account is IBAN {iban}.", "Wire it to {iban} please."),
    "ip": ("The app log says blocked from {ip} again.", "My router shows IP {ip}."),
    "api_key": (
        "Our integration sends api_key={api_key} and fails.",
        "Debug output: Authorization: Bearer {api_key}",
    ),
    "jwt": ("The browser console prints token {jwt} over and over.",),
    "customer_number": (
        "My customer number is {customer_number}.",
        "Customer {customer_number} speaking.",
    ),
}
_UNCUED_NAME: Final = ("{name} will collect the parcel.", "Ask {name}, who paid the invoice.")
"""A name without any cue, only for names that every list of names holds."""

_CLOSINGS: Final[dict[str, tuple[str, ...]]] = {
    "name": ("All the best, Mrs {name}.", "I have noted this in the file of Mrs {name}."),
    "email": ("A copy went to {email}.",),
    "phone": ("We will send a text message to {phone}.",),
    "address": ("We have {address}, {city} on file.",),
}
_ERRORS: Final = (
    "UpstreamTimeout: no answer within 30 s for user {email} from {ip}",
    "ConnectionReset: session of {email}, callback {phone}, Authorization: Bearer {api_key}",
)


@dataclass(frozen=True)
class Planted:
    """A text and the personal strings in it, exactly as they stand there."""

    text: str
    canaries: tuple[str, ...]


def mention(person: Customer, *, draws: random.Random) -> Planted:
    """One sentence in which a customer gives away one thing."""
    kind = draws.choice(KINDS)
    templates = _MENTIONS[kind]
    if kind == "name" and person.common_name:
        templates = (*templates, *_UNCUED_NAME)
    return _fill(draws.choice(templates), person)


def closing(person: Customer, *, draws: random.Random) -> Planted:
    """One sentence in which the assistant repeats what it knows of a customer."""
    return _fill(draws.choice(_CLOSINGS[draws.choice(tuple(_CLOSINGS))]), person)


def error_text(person: Customer, *, draws: random.Random) -> Planted:
    """What a careless service writes into its error field."""
    return _fill(draws.choice(_ERRORS), person)


def device_attributes(person: Customer) -> tuple[dict[str, str], tuple[str, ...]]:
    """Attributes that carry a customer's e-mail, IP and delivery note, and what they planted."""
    note = _fill("Deliver to Mrs {name}, {address}, {city}; call {phone}", person)
    attributes = {
        "customer_email": person.value("email"),
        "client_ip": person.value("ip"),
        "delivery_note": note.text,
    }
    return attributes, (person.value("email"), person.value("ip"), *note.canaries)


def _fill(template: str, person: Customer) -> Planted:
    values = dict(person.personal)
    named = [kind for kind in values if f"{{{kind}}}" in template and kind != "city"]
    return Planted(template.format(**values), tuple(values[kind] for kind in named))
