"""Streets with numbers, by word order and by language, and post boxes."""

import re
from typing import Final

_PLAIN_STREET: Final = (
    r"(?i:street|streets|avenue|ave|road|rd|boulevard|blvd|lane|highway|parkway|pkwy)"
)
_CAPITAL_STREET: Final = (
    r"(?:Street|Str|St|Avenue|Ave|Av|Road|Rd|Drive|Dr|Lane|Ln|Boulevard|Blvd|Court|Ct|Circle|Cir"
    r"|Place|Pl|Way|Terrace|Ter|Parkway|Pkwy|Square|Squares|Sq|Highway|Hwy|Trail|Trl|Crescent|Cres"
    r"|Close|Gardens|Grove|Loop|Alley|Row|Mews|Plaza|Pike|Freeway|Fwy|Expressway|Turnpike|Tpke|Motorway|Bypass|Bend|Branch|Brook"
    r"|Canyon|Causeway|Common|Corner|Cove|Creek|Crest|Crossing|Crossroad|Curve|Dale|Estates?|Falls"
    r"|Ferry|Fields?|Forest|Fork|Garden|Gateway|Glen|Green|Groves|Harbor|Haven|Heights|Hills?"
    r"|Hollow|Island|Isle|Junction|Knolls?|Lakes?|Landing|Manor|Meadows?|Mills?|Mount|Mountain"
    r"|Orchard|Oval|Park|Passage|Path|Pines?|Plains?|Ports?|Prairie|Ranch|Ridge|Shores?|Springs"
    r"|Spur|Station|Stream|Summit|Trace|Track|Trafficway|Valley|Viaduct|View|Village|Vista|Walks?"
    r"|Wells|Parade|Esplanade|ST|AVE|RD|DR|LN|BLVD|CT|WAY|STREET)"
)
_NOT_STREET: Final = (
    r"(?!(?i:minutes?|mins?|hours?|hrs?|miles?|mi|km|days?|weeks?|months?|years?|stars?|more|other"
    r"|people|persons?|adults?|guests?|inch(?:es)?|percent|bed(?:room)?s?|bath(?:room)?s?|times?"
    r"|am|pm|of|or|and|to|on|in|at|for|items?|pieces?|lanes?|way)\b)"
)
_UNIT: Final = (
    r"(?:[ \t]*,?\s{0,3}(?i:apt|apartment|suite|ste|unit|flat|floor|puerta|piso|bât|étage|#|room"
    r"|rm)\.?[ ]?#?[ ]?\w{1,6})?"
)
_ZIP: Final = (
    r"(?:[0-9]{5}(?:-[0-9]{4})?|[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}"
    r"|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9])"
)
_WORD: Final = r"[^\W\d_][\w.'\u2019\-]{1,30}"
_TOWN: Final = (
    rf"(?:[ \t]*,?\s{{1,3}}{_WORD}(?:[ ]{_WORD}){{0,2}}[ ]?,?\s{{1,3}}"
    rf"(?:[A-Z]{{2}}|[^\W\d_]{{4,20}})?,?\s{{0,3}}{_ZIP}(?!\w))?"
)
_NUMBERED: Final = (
    r"[0-9](?<![\w.$€£#\-][0-9])[0-9]{0,5}(?:[A-Za-z]|-[0-9]{1,4})?,?[ ]+"
    r"(?:(?:[NSEW]|(?i:north|south|east|west))\.?[ ]+)?"
)
_ORDINAL: Final = r"[0-9]{1,4}(?i:st|nd|rd|th)"
PLAIN: Final = re.compile(
    rf"{_NUMBERED}(?:{_NOT_STREET}"
    rf"(?:[^\W\d_]{{1,3}}\.|[^\W\d_][\w'\u2019\-]{{0,30}}|{_ORDINAL})[ ]+){{1,3}}?"
    rf"{_PLAIN_STREET}\b\.?{_UNIT}{_TOWN}"
)
CAPITAL: Final = re.compile(
    rf"{_NUMBERED}"
    rf"(?:(?:[^\W\d_a-z]{{1,3}}\.|[^\W\d_a-z][\w'\u2019\-]{{0,30}}|{_ORDINAL})[ ]+){{1,3}}"
    rf"{_CAPITAL_STREET}\b\.?(?![ ]+of\b){_UNIT}{_TOWN}"
)
_NUMBER: Final = r"[0-9]{1,5}(?: ?[a-zA-Z](?!\w))?(?:[\-/][0-9]{1,4})?"
COMPOUND_WORDS: Final = (
    "-ring", "straße", "strasse", "str.", "gasse", "weg", "platz", "allee", "chaussee", "ufer",
    "damm", "gatan", "gata", "vägen", "vej", "veien", "vegen", "gade", "gaten", "vænget", "katu",
    "tie", "kuja", "utca", "ulica", "straat", "laan", "plein", "stien", "stræde",
)  # fmt: skip
"""Ends of street names that are written together with the name; "ring" ends other words too."""
COMPOUND_END: Final = re.compile(
    "(?:"
    + "|".join(word.replace(".", r"\.") for word in COMPOUND_WORDS)
    + rf")\.?[ ]+{_NUMBER}(?!\w){_UNIT}",
    re.IGNORECASE,
)
COMPOUND_START: Final = re.compile(
    r"(?<![\w.\-])(?:[0-9]{1,6}[ ]+)?(?:[^\W\d_a-z][\w'\u2019\-]{0,25}[ ])?[^\W\d_][\w\-]{0,30}$"
)
SEPARATE_START: Final = re.compile(
    r"(?<![\w.\-])(?:[^\W\d_a-z][\w'\u2019\-]{1,25}[ ](?:(?:der|den|dem|van|de|von)[ ])?){1,3}$"
)
"""Before an end that stands alone with a capital: "Lange Straße 12"."""
PREFIX_WORDS: Final = (
    "Rua", "Rue", "Via", "Viale", "Calle", "Avenida", "Av.", "Ulica", "ul.", "Plaza", "Piazza",
    "Boulevard", "Avenue", "Corso", "Largo", "Travessa", "Paseo", "Camino", "Carrer", "Chemin",
    "Allée", "Quai", "Impasse", "Place", "Cours", "Carretera", "Ronda", "C/",
    "Alameda", "Urbanización", "Callejón", "Rambla", "Glorieta", "Pasaje", "Cuesta", "Acceso",
    "Vial", "Cañada", "Pasadizo",
)  # fmt: skip
PREFIXED: Final = re.compile(
    "(?<!\\w)(?:"
    + "|".join(word.replace(".", r"\.") for word in PREFIX_WORDS)
    + rf")[ ]+{_WORD}(?:[ ]{_WORD}){{0,4}},?[ ]+(?:n[º°.]?[ ]?)?{_NUMBER}(?!\w){_UNIT}"
)
NUMBER_BEFORE: Final = re.compile(
    r"(?<!\w)[0-9]{1,6}(?:[ ]?(?:bis|ter|quater|[A-Za-z]))?,?[ ]+(?:(?:de la|du|de)[ ]+)?$"
)
NUMBER_FIRST: Final = re.compile(
    r"(?:Rue|Avenue|Boulevard|Place|Chemin|Allée|Quai|Impasse|Cours|rue|avenue|boulevard|place"
    rf"|chemin|allée|quai|impasse|cours)[ ]+(?:(?:de|du|des|la|le|les|l'|d')[ ]?){{0,2}}{_WORD}"
    rf"(?:[ ](?:(?:de|du|des|la|le|les)[ ]){{0,2}}[^\W\d_a-z][\w'\u2019\-]{{1,30}}){{0,3}}"
)
"""What follows the number in France: "12 bis, rue de la Paix"."""
MULTIWORD: Final = re.compile(
    r"(?<![\w.\-])(?:[^\W\d_a-z][\w'\u2019\-]{1,30}[ ](?:és |and |e |y )?){1,3}"
    rf"(?:u\.|utca|út|tér|köz|krt\.|ulice|cesta)[ ]+{_NUMBER}\.?(?!\w)"
)
POST_BOX: Final = re.compile(
    r"\b(?:p\.?[ ]?o\.?[ ]?box|post office box|psc|unit)[ ]+[0-9]{1,6}"
    r"(?:,?\s{1,3}box[ ]+[0-9]{1,6})?(?:\s{1,3}(?:APO|FPO|DPO)\s+A[AEP]\s+[0-9]{5})?"
    r"|\b(?:APO|FPO|DPO)\s{1,3}A[AEP]\s{1,3}[0-9]{5}\b",
    re.IGNORECASE,
)
