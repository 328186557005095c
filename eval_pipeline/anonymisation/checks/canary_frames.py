"""The sentences around canaries, and the parts of an interaction that they are put into.

Written for these checks alone: what recognisers learn from must not be what they are measured by.
They are in English; values are of the configured languages.
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

_PERSON: Final = (
    "Could {} be called back on the landline?",
    "I am {} and my parcel never came.",
    "Hello, this is {}. The lid of the jar was broken.",
    "The order was signed for by {} at the door.",
    "According to {} the refund was agreed last spring.",
    "On behalf of my neighbour {} I ask for a second copy.",
    "Thanks a lot\n{}",
    "cc: {}; subject: delivery refused",
    "Spoke with {}, wants the blue one instead.",
    "My daughter is registered as {}.",
)
_NUMBER: Final = (
    "You have {} on file, please keep it.",
    "It says {} at the top of the page.",
    "Please change it to {} from now on.",
    "Old entry: {}",
    "({})",
    "See {}, then tell me what went wrong.",
)
_BIRTH: Final = (
    "I was born on {}.",
    "Birthday: {}",
    "My date of birth is {}, as on the card.",
    "DOB {} for verification.",
    "He was born {} in a small village.",
)
_DATE: Final = (
    "The operation was on {}.",
    "I moved in on {} with my sister.",
    "She was admitted to the ward on {}.",
    "Appointment: {}",
    "Since {} the pain is back.",
)
_AGE: Final = (
    "I am {} years old and live alone.",
    "My mother, {}, takes it with water.",
    "Patient aged {}, no allergies.",
    "She is a {}-year-old teacher.",
    "Age: {}",
)
_ADDRESS: Final = (
    "I live at {} now.",
    "Please deliver to {} instead.",
    "Shipping address: {}",
    "The courier went to {} by mistake.",
    "Moved from {} last year.",
)
_PLACE: Final = (
    "I live in {} near the church.",
    "The branch in {} was shut.",
    "We moved to {} in spring.",
    "Place of birth: {}",
    "Coming from {}, I need a parking space.",
)
_ORGANISATION: Final = (
    "I work for {} as an accountant.",
    "My employer {} pays the invoice.",
    "Bill it to {} please.",
    "Company: {}",
    "I was let go by {} in winter.",
)
_SECRET: Final = (
    "The key {} stopped working.",
    "It prints {} and then fails.",
    "export TOKEN={}",
    "Authorization: Bearer {}",
    "I pasted {} into the settings.",
)
_IP: Final = (
    "Blocked when I come from {} at home.",
    "client={} status=denied",
    "The router shows {} now.",
    "Access from {} was logged twice.",
    "peer {} closed the connection",
)
_ONLINE: Final = (
    "Reach me under {} in the evening.",
    "I wrote from {} before.",
    "Contact: {}",
    "It was sent to {} and never arrived.",
    "Find me as {} there.",
)
_CALL: Final = (
    "Ring me on {} after work.",
    "Tel. {}",
    "My new number is {} by the way.",
    "Nobody answers at {} any more.",
    "Call {} and ask for the pharmacy desk.",
)

SENTENCES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "person": _PERSON,
        "unlisted_person": _PERSON,
        "email": _ONLINE,
        "phone": _CALL,
        "card": (*_NUMBER, "I paid with card {} at the till."),
        "iban": (*_NUMBER, "Wire the refund to {} today."),
        "ipv4": _IP,
        "ipv6": _IP,
        "mac": _IP,
        "uuid": _NUMBER,
        "national_id": (*_NUMBER, "My social security number is {}.", "National insurance: {}"),
        "secret": _SECRET,
        "url": _ONLINE,
        "handle": _ONLINE,
        "address": _ADDRESS,
        "date_of_birth": _BIRTH,
        "date": _DATE,
        "age": _AGE,
        "place": _PLACE,
        "organisation": _ORGANISATION,
    }
)
"""By kind, sentences with one place for the value."""


def _said(role: str, content: str) -> dict[str, Any]:
    return {
        "messages": [
            {"role": "user", "content": "Where is it?"},
            {"role": role, "content": content},
        ]
    }


def _tool_call(sentence: str) -> dict[str, Any]:
    """Arguments as providers log them: JSON in a string in JSON."""
    arguments = json.dumps({"ticket": {"remarks": [{"body": sentence}]}})
    call = {"type": "function", "function": {"name": "open_ticket", "arguments": arguments}}
    return _said("assistant", json.dumps([call]))


FIELDS: Final[Mapping[str, Callable[[str], dict[str, Any]]]] = MappingProxyType(
    {
        "system": lambda sentence: _said("system", f"You help customers. Context: {sentence}"),
        "user": lambda sentence: _said("user", sentence),
        "assistant": lambda sentence: _said("assistant", sentence),
        "tool": lambda sentence: _said("tool", json.dumps({"found": [{"body": sentence}]})),
        "tool_call": _tool_call,
        "response": lambda sentence: {"response": sentence},
        "error": lambda sentence: {"error": f"HandlerError: cannot process: {sentence}"},
        "attributes": lambda sentence: {"attributes": [{"key": "remark", "value": sentence}]},
    }
)
"""By name, how a sentence stands in the columns of an interaction."""
