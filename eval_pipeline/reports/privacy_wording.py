"""The words of the privacy page: for people who answer for personal data and read no code."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from eval_pipeline.reports.wording import one_line
from eval_pipeline.settings import AnonymisationSettings

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "person": "name of a person",
        "unlisted_person": "name of a person, in no public list",
        "email": "e-mail address",
        "phone": "phone number",
        "card": "payment card",
        "iban": "bank account (IBAN)",
        "ip": "IP address",
        "ipv4": "IP address, version 4",
        "ipv6": "IP address, version 6",
        "mac": "device address (MAC)",
        "uuid": "random identifier (UUID)",
        "national_id": "national identity number",
        "secret": "password, key or token",
        "url": "web address",
        "handle": "user name in posts",
        "user": "user name or number",
        "address": "postal address",
        "coordinates": "place by its coordinates",
        "date": "date",
        "date_of_birth": "date of birth",
        "age": "age",
        "place": "town, region or country",
        "organisation": "company or other organisation",
        "group": "nationality or belief",
        "title": "title or occupation",
        "value": "value under a sensitive key",
    }
)
FIELDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "system": "instructions to the assistant",
        "user": "what the user wrote",
        "assistant": "earlier answers",
        "tool": "results of tools",
        "tool_call": "calls of tools (nested JSON)",
        "response": "the answer",
        "error": "error messages",
        "attributes": "attributes of the log",
    }
)


_STAND_INS: Final = {
    "placeholders": "placeholders, such as [PERSON_1]",
    "realistic": "invented values of the same form",
}


def kind(name: str) -> str:
    """A kind of personal data in words; the organisation's own by its name."""
    return KINDS.get(name, one_line(name.replace("_", " ")))


def field(name: str) -> str:
    """A part of an interaction in words."""
    return FIELDS.get(name, one_line(name))


def settings_told(settings: AnonymisationSettings) -> list[tuple[str, str]]:
    """The policy, as pairs of what and how; no pattern and no word of a list is quoted."""
    known = settings.known_values
    allowed = sum(len(words) for words in settings.allow.values())
    return [
        ("Looked for", ", ".join(kind(name) for name in settings.recognisers) or "nothing"),
        ("Languages of the texts", ", ".join(settings.languages)),
        (
            "How probable a name must be to be masked",
            ", ".join(f"{one_line(name)} {limit:.0%}" for name, limit in settings.tau.items()),
        ),
        ("What stands for a value", _STAND_INS[settings.surrogates]),
        ("Rewritten by a model of your own", "no" if settings.rewriter is None else "yes"),
        (
            "Patterns of the organisation",
            ", ".join(one_line(own.name) for own in settings.custom_patterns) or "none",
        ),
        ("Words let through on purpose", str(allowed)),
        ("Keys whose values are always masked", str(len(settings.sensitive_keys))),
        (
            "Known values",
            f"looked for from {known.minimum_length} letters and digits on"
            if known.file is not None
            else "none configured",
        ),
        ("Canaries a week", str(settings.canaries) if settings.canaries else "switched off"),
        ("Recall that the lower bound must reach", f"{settings.minimum_canary_recall:.0%}"),
        ("Quasi-identifiers", ", ".join(map(one_line, settings.quasi_identifiers)) or "none"),
        ("Fewest people in a group", str(settings.minimum_group)),
    ]
