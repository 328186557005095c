"""Companies, authorities, schools, clubs and bands, for the texts that the model learns from."""

import random
from collections.abc import Mapping
from typing import Final

from eval_pipeline.anonymisation.names.invention import invented_brand
from eval_pipeline.anonymisation.names.people import People
from eval_pipeline.anonymisation.names.places import Places
from eval_pipeline.anonymisation.names.sources import frequent_words
from eval_pipeline.settings import Language

_WELL_KNOWN: Final = tuple(
    """
    Google|Microsoft|Apple|Amazon|Facebook|Meta|IBM|Intel|Nvidia|Oracle|SAP|Samsung|Sony|Nokia|
    Toyota|Honda|Ford|BMW|Volkswagen|Tesla|Boeing|Airbus|Siemens|Bosch|Philips|Nestlé|Unilever|
    Coca-Cola|Pepsi|McDonald's|Starbucks|Burger King|KFC|Subway|Walmart|Target|Costco|IKEA|Tesco|
    Aldi|Lidl|Carrefour|Zara|Nike|Adidas|Puma|Gucci|Disney|Netflix|HBO|Warner Bros|Paramount|
    Universal|BBC|CNN|NBC|ABC News|Reuters|Associated Press|AP|AFP|Bloomberg|The New York Times|
    The Guardian|Washington Post|Wall Street Journal|The Economist|Der Spiegel|Le Monde|El País|
    Visa|Mastercard|American Express|PayPal|Citibank|HSBC|Barclays|Deutsche Bank|BNP Paribas|UBS|
    Santander|JPMorgan|Goldman Sachs|Morgan Stanley|Wells Fargo|Bank of America|ING|Revolut|
    Lufthansa|Delta|United Airlines|Ryanair|easyJet|British Airways|Emirates|KLM|FedEx|UPS|DHL|
    Uber|Lyft|Airbnb|Booking.com|Expedia|Spotify|Twitter|Instagram|TikTok|YouTube|WhatsApp|
    LinkedIn|Reddit|Zoom|Slack|Salesforce|Adobe|Cisco|Dell|HP|Lenovo|Huawei|Xiaomi|AT&T|Verizon|
    T-Mobile|Vodafone|Orange|Telefónica|NASA|FBI|CIA|NSA|FDA|CDC|WHO|UN|UNESCO|UNICEF|NATO|EU|
    European Commission|IMF|World Bank|WTO|OPEC|FIFA|UEFA|NBA|NFL|NHL|MLB|IOC|Greenpeace|
    Red Cross|Amnesty International|Harvard|Yale|MIT|Stanford|Oxford University|Cambridge|
    Manchester United|Real Madrid|FC Barcelona|Bayern Munich|Chelsea|Arsenal|Liverpool|Juventus|
    Lakers|Yankees|Patriots|Cowboys|Packers|Red Sox|Steelers|Celtics|Warriors|Broncos|
    The Beatles|Pink Floyd|Metallica|Coldplay|Radiohead|One Direction|Queen|U2|Nirvana|ABBA|
    Congress|Senate|Supreme Court|Parliament|Labour|Republicans|Democrats|Tories|Pentagon|
    Scotland Yard|Interpol|Deloitte|KPMG|PwC|McKinsey|Accenture|Ernst & Young|Pfizer|Novartis|
    Roche|Bayer|Merck|Johnson & Johnson|GSK|AstraZeneca|Moderna|Shell|BP|ExxonMobil|Chevron|Total
    """.replace("\n", "")
    .replace("    ", "")
    .split("|")
)
_ENDS: Final = (
    "Inc", "Inc.", "LLC", "Ltd", "Ltd.", "Corp", "Corp.", "Group", "GmbH", "AG", "S.A.", "PLC",
    "plc", "Limited", "Corporation", "Holdings", "& Co", "& Sons", "Partners", "Company", "SE",
    "BV", "SpA", "S.L.", "SARL", "Pty", "KG", "e.V.", "SAS", "Oy", "AB", "A/S",
)  # fmt: skip
_TRADES: Final = (
    "Technologies", "Solutions", "Consulting", "Analytics", "Systems", "Software", "Media",
    "Bank", "Insurance", "Pharmacy", "Hospital", "Clinic", "University", "College", "School",
    "Labs", "Industries", "Logistics", "Foods", "Motors", "Airlines", "Airways", "Energy",
    "Capital", "Studios", "Records", "Press", "Times", "News", "Post", "Foundation", "Institute",
    "Institution", "Association", "Society", "Club", "Council", "Academy", "Center", "Services",
    "Research", "Networks", "Health", "Healthcare", "Pharmaceuticals", "Properties", "Realty",
    "Law", "Legal", "Architects", "Design", "Digital", "Interactive", "Entertainment", "Travel",
    "Hotels", "Resort", "Restaurant", "Bakery", "Cafe", "Bar", "Gym", "Fitness", "Dental",
    "Schools", "Advisors", "Economics", "Economic Consulting", "Data", "Intelligence", "Security",
    "Financial", "Finance", "Investments", "Ventures", "Trust", "Mutual", "Credit Union", "Global",
    "International", "Worldwide", "Federation", "Union", "Party", "Orchestra", "Theatre",
)  # fmt: skip
_PUBLIC: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": (
        "University of {place}", "{place} University", "{place} State University", "Bank of {place}",
        "{place} General Hospital", "{place} City Council", "{place} Police Department",
        "Ministry of {word}", "Department of {word}", "Office of {word}", "{place} High School",
        "St. {first}'s Hospital", "{last} High School", "{last} College", "{place} United",
        "{place} City", "{place} Tigers", "FC {place}", "{place} Chamber of Commerce", "The {place} Times",
        "{place} Gazette", "{place} Airport Authority", "Church of {first}", "The {word} Group",
        "The {word} Company", "The {word}s", "National {word} Association", "{place} {word} Society",
        "{last}'s {trade}", "Institute of {word}", "Royal {word} Society", "{place} Dynamo",
    ),
    "de": (
        "Universität {place}", "Stadtwerke {place}", "Sparkasse {place}", "Klinikum {place}",
        "Amtsgericht {place}", "Finanzamt {place}", "FC {place}", "TSV {place}", "Volksbank {place}",
        "{last}-Gymnasium", "Bäckerei {last}", "Autohaus {last}", "{last} & Söhne", "Kanzlei {last}",
        "Praxis Dr. {last}", "Landratsamt {place}", "SV {place}", "Apotheke {place}", "Hotel {last}",
        "Bundesamt für {word}", "Ministerium für {word}", "Verein für {word}", "Stadt {place}",
    ),
    "fr": (
        "Université de {place}", "Mairie de {place}", "CHU de {place}", "Lycée {last}",
        "Collège {last}", "Banque de {place}", "Hôpital {last}", "Préfecture de {place}", "FC {place}",
        "Olympique de {place}", "Boulangerie {last}", "Cabinet {last}", "Garage {last}",
        "Ministère de {word}", "Institut {last}", "Hôtel de {place}", "Pharmacie {last}",
        "Association des {word}", "Établissements {last}", "{last} et Fils", "Tribunal de {place}",
    ),
    "es": (
        "Universidad de {place}", "Ayuntamiento de {place}", "Hospital de {place}", "Real {place}",
        "Deportivo {place}", "Atlético {place}", "Banco de {place}", "Colegio {last}", "Instituto {last}",
        "Farmacia {last}", "Talleres {last}", "Ministerio de {word}", "Juzgado de {place}",
        "Hermanos {last}", "{last} e Hijos", "Restaurante {last}", "Hotel {place}", "Clínica {last}",
        "Asociación de {word}", "Grupo {last}", "Panadería {last}", "Club {place}",
    ),
}  # fmt: skip
ORGANISATION_WORDS: Final = (
    *_ENDS,
    *_TRADES,
    "Ministry",
    "Department",
    "University",
    "Universität",
)
"""Words that tell an organisation."""

_CONTENT_WORDS_FROM: Final = 300


class Organisations:
    """Draws organisations: well-known, named after people or places, invented, by initials."""

    def __init__(
        self, language: Language, *, people: People, places: Places, draws: random.Random
    ) -> None:
        self._draws = draws
        self._people = people
        self._places = places
        self._public = _PUBLIC[language]
        words = frequent_words(language, 6000)[_CONTENT_WORDS_FROM:]
        self._words = tuple(word for word in words if len(word) > 3)

    def organisation(self) -> str:
        """An organisation."""
        draws = self._draws
        roll = draws.random()
        if roll < 0.16:
            return draws.choice(_WELL_KNOWN)
        if roll < 0.36:
            return self._ended(invented_brand(self._words, draws=draws), often=0.35)
        if roll < 0.5:
            return f"{self._stem()} {draws.choice(_TRADES)}"
        if roll < 0.58:
            return self._ended(f"{self._stem()} {draws.choice(_TRADES)}", often=1.0)
        if roll < 0.66:
            return f"{self._people.last()}{draws.choice((' Group', ' Ltd', ' Inc', ', Inc.', ' LLC', ' PLC', ' GmbH'))}"
        if roll < 0.73:
            first, second = self._people.last(), self._people.last()
            return draws.choice(
                (
                    f"{first}-{second}",
                    f"{first} and {second}",
                    f"{first} & {second}",
                    f"{first}, {second} and {self._people.last()}",
                )
            )
        if roll < 0.88:
            return draws.choice(self._public).format(
                place=self._places.town(), word=draws.choice(self._words).title(),
                first=self._people.first(), last=self._people.last(), trade=draws.choice(_TRADES),
            )  # fmt: skip
        if roll < 0.94:
            return self._initials()
        return self._phrase()

    def _stem(self) -> str:
        draws = self._draws
        return draws.choice(
            (
                draws.choice(self._words).title(),
                invented_brand(self._words, draws=draws),
                self._people.last(),
                self._places.town(),
                f"{draws.choice(self._words).title()} {draws.choice(self._words).title()}",
            )
        )

    def _phrase(self) -> str:
        """Two or three plain words in capitals, as many firms and bands are called."""
        draws = self._draws
        words = [draws.choice(self._words).title() for _ in range(draws.choice((2, 2, 3)))]
        joined = " ".join(words)
        return f"The {joined}" if draws.random() < 0.3 else joined

    def _initials(self) -> str:
        draws = self._draws
        letters = "".join(
            draws.choice("ABCDEFGHIKLMNOPRSTUVW") for _ in range(draws.choice((2, 3, 3, 4)))
        )
        return self._ended(letters, often=0.3)

    def _ended(self, name: str, *, often: float) -> str:
        if self._draws.random() >= often:
            return name
        return f"{name}{self._draws.choice((' ', ', '))}{self._draws.choice(_ENDS)}"
