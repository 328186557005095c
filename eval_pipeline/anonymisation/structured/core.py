"""The structured core: every rule of the chosen recognisers behind one gate."""

import importlib.util
from collections.abc import Sequence
from typing import Final, Literal

from eval_pipeline.anonymisation.spans import Span
from eval_pipeline.anonymisation.structured.addresses import STREET_RULES
from eval_pipeline.anonymisation.structured.ages import age_rules
from eval_pipeline.anonymisation.structured.births import birth_rules
from eval_pipeline.anonymisation.structured.cards import CARD_RULES, IBAN_RULES
from eval_pipeline.anonymisation.structured.coordinates import COORDINATES_RULES
from eval_pipeline.anonymisation.structured.dates import date_rules
from eval_pipeline.anonymisation.structured.emails import EMAIL_RULES
from eval_pipeline.anonymisation.structured.gate import Gate, HyperscanGate, PlainGate
from eval_pipeline.anonymisation.structured.handles import HANDLE_RULES
from eval_pipeline.anonymisation.structured.national_ids import NATIONAL_ID_RULES
from eval_pipeline.anonymisation.structured.network import IP_RULES, MAC_RULES, UUID_RULES
from eval_pipeline.anonymisation.structured.phones import PHONE_RULES
from eval_pipeline.anonymisation.structured.postal_codes import postal_code_rules
from eval_pipeline.anonymisation.structured.rule import Rule
from eval_pipeline.anonymisation.structured.secrets import SECRET_RULES
from eval_pipeline.anonymisation.structured.urls import URL_RULES
from eval_pipeline.anonymisation.structured.years import year_rules
from eval_pipeline.settings import Language, RecogniserName

Engine = Literal["hyperscan", "re"]


def rules_of(recogniser: RecogniserName, languages: tuple[Language, ...]) -> tuple[Rule, ...]:
    """The rules of a recogniser; none for what only names tell, such as people and places."""
    match recogniser:
        case "address":
            return (*STREET_RULES, *postal_code_rules(languages))
        case "date":
            return (*date_rules(languages), *year_rules(languages))
        case "date_of_birth":
            return birth_rules(languages)
        case "age":
            return age_rules(languages)
    return _RULES.get(recogniser, ())


_RULES: Final[dict[RecogniserName, tuple[Rule, ...]]] = {
    "email": EMAIL_RULES,
    "phone": PHONE_RULES,
    "card": CARD_RULES,
    "iban": IBAN_RULES,
    "ip": IP_RULES,
    "mac": MAC_RULES,
    "uuid": UUID_RULES,
    "secret": SECRET_RULES,
    "url": URL_RULES,
    "handle": HANDLE_RULES,
    "coordinates": COORDINATES_RULES,
    "national_id": NATIONAL_ID_RULES,
}


class StructuredCore:
    """Finds by form what names a person or opens a door; holds no text between calls.

    `engine` "auto" takes Hyperscan where it is installed. What is found is the same with either.
    """

    def __init__(
        self,
        recognisers: Sequence[RecogniserName],
        *,
        languages: Sequence[Language] = ("en",),
        engine: Literal["auto", "hyperscan", "re"] = "auto",
    ) -> None:
        self.engine: Engine = _chosen(engine)
        rules = [rule for name in recognisers for rule in rules_of(name, tuple(languages))]
        self._finders = [rule.find for rule in rules]
        self._gate: Gate = (
            HyperscanGate(rules) if self.engine == "hyperscan" and rules else PlainGate(rules)
        )

    def find(self, text: str) -> list[Span]:
        """What the rules see in the text, in their order, overlaps included."""
        spans: list[Span] = []
        for number, starts in self._gate.fired(text):
            spans.extend(self._finders[number](text, starts))
        return spans


def _chosen(engine: Literal["auto", "hyperscan", "re"]) -> Engine:
    if engine != "auto":
        return engine
    return "hyperscan" if importlib.util.find_spec("hyperscan") else "re"
