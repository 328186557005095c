"""Nationalities, peoples and beliefs, and what people do for a living."""

from collections.abc import Mapping
from typing import Final

from eval_pipeline.settings import Language

_ENGLISH: Final = """
Afghan Albanian Algerian American Andorran Angolan Arab Argentine Argentinian Armenian Australian
Austrian Azerbaijani Bahamian Bahraini Bangladeshi Barbadian Basque Belarusian Belgian Belizean
Beninese Bhutanese Bolivian Bosnian Botswanan Brazilian British Bruneian Bulgarian Burmese
Burundian Cambodian Cameroonian Canadian Catalan Chadian Chilean Chinese Colombian Congolese
Corsican Croatian Cuban Cypriot Czech Danish Dominican Dutch Ecuadorian Egyptian Emirati English
Eritrean Estonian Ethiopian European Fijian Filipino Finnish Flemish French Gabonese Gambian
Georgian German Ghanaian Greek Greenlandic Grenadian Guatemalan Guinean Guyanese Haitian Hawaiian
Honduran Hungarian Icelandic Indian Indonesian Iranian Iraqi Irish Israeli Italian Ivorian Jamaican
Japanese Jordanian Kazakh Kenyan Korean Kosovar Kurdish Kuwaiti Kyrgyz Laotian Latvian Lebanese
Liberian Libyan Lithuanian Luxembourgish Macedonian Malagasy Malawian Malaysian Maldivian Malian
Maltese Maori Mauritanian Mauritian Mexican Moldovan Mongolian Montenegrin Moroccan Mozambican
Namibian Nepalese Nepali Nicaraguan Nigerian Nigerien Norwegian Omani Pakistani Palestinian
Panamanian Paraguayan Persian Peruvian Polish Portuguese Qatari Romanian Russian Rwandan Salvadoran
Samoan Saudi Scottish Senegalese Serbian Serb Singaporean Slovak Slovakian Slovene Slovenian Somali
Spanish Sudanese Surinamese Swedish Swiss Syrian Taiwanese Tajik Tanzanian Thai Tibetan Togolese
Tongan Trinidadian Tunisian Turkish Turkmen Ugandan Ukrainian Uruguayan Uzbek Venezuelan Vietnamese
Welsh Yemeni Zambian Zimbabwean Scandinavian Asian African Latino Hispanic Caribbean Balkan Nordic
Christian Catholic Protestant Orthodox Muslim Islamic Jewish Hindu Buddhist Sikh Mormon Lutheran
Anglican Methodist Baptist Presbyterian Evangelical Quaker Shia Sunni Jain Amish Atheist Republican
Democrat Californian Texan Londoner Parisian Berliner Sicilian Bavarian Caucasian Latina Cherokee
Navajo Zulu Tamil Bengali Punjabi Cantonese Mandarin Hebrew Arabic Latin Swahili Urdu Hindi Yiddish
"""
_GERMAN: Final = """
Deutsch Österreichisch Schweizer Französisch Spanisch Italienisch Englisch Britisch Türkisch Polnisch
Russisch Ukrainisch Griechisch Kroatisch Serbisch Ungarisch Rumänisch Bulgarisch Tschechisch Slowakisch
Slowenisch Dänisch Schwedisch Norwegisch Finnisch Isländisch Niederländisch Belgisch Portugiesisch
Amerikanisch Kanadisch Mexikanisch Brasilianisch Argentinisch Chinesisch Japanisch Koreanisch Indisch
Vietnamesisch Thailändisch Syrisch Irakisch Iranisch Afghanisch Marokkanisch Tunesisch Ägyptisch
Nigerianisch Ghanaisch Kenianisch Türke Türkin Pole Polin Russe Russin Grieche Griechin Franzose
Französin Spanier Spanierin Italiener Italienerin Engländer Engländerin Brite Britin Amerikaner
Amerikanerin Österreicher Österreicherin Schweizerin Deutscher Deutsche Kroate Kroatin Serbe Serbin
Ungar Ungarin Rumäne Rumänin Bulgare Tscheche Däne Dänin Schwede Schwedin Norweger Finne Niederländer
Niederländerin Belgier Portugiese Portugiesin Chinese Chinesin Japaner Japanerin Inder Inderin Syrer
Syrerin Iraker Iraner Afghane Afghanin Marokkaner Ägypter Nigerianer Kurde Kurdin Albaner Bosnier
Katholik Katholikin Protestant Protestantin Muslim Muslimin Jude Jüdin Hindu Buddhist Buddhistin Christ
Christin Atheist katholisch evangelisch muslimisch jüdisch buddhistisch orthodox Bayer Sachse Berliner
"""
_FRENCH: Final = """
français française allemand allemande espagnol espagnole italien italienne anglais anglaise britannique
belge suisse néerlandais néerlandaise portugais portugaise polonais polonaise russe ukrainien
ukrainienne grec grecque turc turque roumain roumaine bulgare hongrois hongroise tchèque slovaque croate
serbe danois danoise suédois suédoise norvégien norvégienne finlandais finlandaise irlandais irlandaise
américain américaine canadien canadienne québécois québécoise mexicain mexicaine brésilien brésilienne
argentin argentine chinois chinoise japonais japonaise coréen coréenne indien indienne vietnamien
vietnamienne marocain marocaine algérien algérienne tunisien tunisienne égyptien égyptienne sénégalais
sénégalaise malien malienne ivoirien ivoirienne camerounais camerounaise congolais congolaise syrien
syrienne libanais libanaise iranien iranienne afghan afghane israélien israélienne catholique protestant
protestante musulman musulmane juif juive bouddhiste hindou chrétien chrétienne orthodoxe athée breton
bretonne corse basque alsacien alsacienne parisien parisienne lyonnais marseillais
"""
_SPANISH: Final = """
español española alemán alemana francés francesa italiano italiana inglés inglesa británico británica
portugués portuguesa polaco polaca ruso rusa ucraniano ucraniana griego griega turco turca rumano rumana
búlgaro búlgara húngaro húngara checo checa croata serbio serbia danés danesa sueco sueca noruego noruega
finlandés finlandesa irlandés irlandesa holandés holandesa belga suizo suiza estadounidense
norteamericano canadiense mexicano mexicana brasileño brasileña argentino argentina chileno chilena
colombiano colombiana peruano peruana venezolano venezolana ecuatoriano ecuatoriana boliviano boliviana
uruguayo uruguaya paraguayo paraguaya cubano cubana dominicano dominicana guatemalteco hondureño
salvadoreño nicaragüense costarricense panameño puertorriqueño chino china japonés japonesa coreano
coreana indio hindú vietnamita filipino filipina marroquí argelino tunecino egipcio egipcia nigeriano
senegalés sirio siria libanés iraní iraquí afgano israelí palestino católico católica protestante
musulmán musulmana judío judía budista cristiano cristiana ortodoxo ateo evangélico catalán catalana
vasco vasca gallego gallega andaluz andaluza madrileño madrileña
"""
GROUPS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": tuple(_ENGLISH.split()),
    "de": tuple(_GERMAN.split()),
    "fr": tuple(_FRENCH.split()),
    "es": tuple(_SPANISH.split()),
}
"""Names of peoples and beliefs, and of their languages, as each language writes them."""

_ENGLISH_PLURALS: Final[Mapping[str, str]] = {
    "English": "English", "French": "French", "Dutch": "Dutch", "Irish": "Irish", "Danish": "Danes",
    "Spanish": "Spaniards", "Polish": "Poles", "Turkish": "Turks", "Swedish": "Swedes",
    "Finnish": "Finns", "Scottish": "Scots", "British": "Brits", "Jewish": "Jews",
    "Icelandic": "Icelanders", "Kurdish": "Kurds", "Greenlandic": "Greenlanders",
}  # fmt: skip


def plural_of(group: str, *, language: Language) -> str:
    """The people of this group, as many of them: Canadians, Chinese, Polen."""
    if language == "en":
        if group in _ENGLISH_PLURALS:
            return _ENGLISH_PLURALS[group]
        return group if group.endswith(("ese", "ss", "sh", "ch")) else f"{group}s"
    if language == "de":
        return (
            f"{group}n" if group.endswith("e") else f"{group}en" if group.endswith("in") else group
        )
    return (
        group
        if group.endswith(("s", "x", "í"))
        else f"{group}{'es' if group.endswith(('l', 'n', 'z', 'r')) and language == 'es' else 's'}"
    )


OCCUPATIONS: Final[Mapping[Language, tuple[str, ...]]] = {
    "en": tuple(
        """
        accountant|actor|actress|architect|artist|astronaut|attorney|author|baker|banker|barber|
        bartender|biologist|bricklayer|bus driver|butcher|carpenter|cashier|chef|chemist|civil engineer|
        cleaner|coach|comedian|composer|cook|dancer|data scientist|dentist|designer|detective|director|
        doctor|drummer|economist|editor|electrician|engineer|farmer|filmmaker|firefighter|fisherman|
        flight attendant|florist|footballer|forklift operator|gardener|geologist|graphic designer|
        guitarist|hairdresser|head of marketing|historian|janitor|journalist|judge|lawyer|lecturer|
        librarian|lifeguard|locksmith|machine operator|managing director|marketing manager|mason|
        mathematician|mayor|mechanic|midwife|minister|model|musician|novelist|nurse|nurse practitioner|
        office clerk|optician|painter|paralegal|paramedic|pharmacist|photographer|physician|physicist|
        physiotherapist|pilot|plumber|poet|police officer|politician|porter|postman|president|priest|
        prime minister|principal|producer|professor|programmer|project manager|psychologist|
        quarterback|real estate agent|receptionist|reporter|researcher|sailor|sales assistant|
        sales manager|school teacher|scientist|sculptor|secretary|security guard|senator|shop assistant|
        singer|social worker|software engineer|soldier|solicitor|songwriter|spokesman|spokeswoman|
        spokesperson|statistician|student|surgeon|tailor|tax adviser|taxi driver|teacher|technician|
        train conductor|translator|travel agent|truck driver|tutor|vet|veterinarian|vice president|
        waiter|waitress|warehouse worker|web developer|welder|window cleaner|writer|CEO|CFO|CTO|COO|
        chairman|chief executive|founder|co-founder|Secretary of State|Attorney General|governor|
        crane operator|elevator mechanic|dock worker|tower crane driver|textile worker|machinist
        """.replace("\n", "").replace("    ", "").split("|")
    ),
    "de": tuple(
        """
        Arzt|Ärztin|Lehrer|Lehrerin|Ingenieur|Ingenieurin|Bäcker|Bäckerin|Krankenschwester|Krankenpfleger|
        Polizist|Polizistin|Anwalt|Anwältin|Rechtsanwältin|Tischler|Maurer|Elektriker|Koch|Köchin|Kellner|
        Kellnerin|Verkäufer|Verkäuferin|Buchhalter|Buchhalterin|Schauspieler|Schauspielerin|Sänger|Sängerin|
        Journalist|Journalistin|Bürgermeister|Bürgermeisterin|Minister|Ministerin|Professor|Professorin|
        Student|Studentin|Rentner|Rentnerin|Landwirt|Pfarrer|Richter|Richterin|Friseur|Friseurin|
        Busfahrer|Lkw-Fahrer|Pilot|Pilotin|Architekt|Architektin|Zahnarzt|Zahnärztin|Apotheker|
        Apothekerin|Hausmeister|Softwareentwickler|Softwareentwicklerin|Geschäftsführer|
        Geschäftsführerin|Sachbearbeiter|Sachbearbeiterin|Erzieher|Erzieherin|Steuerberater|
        Physiotherapeutin|Fotograf|Fotografin|Schriftsteller|Schriftstellerin|Trainer|Trainerin|Sprecher|
        Sprecherin|Vorsitzender|Vorsitzende|Mechaniker|Mechatroniker|Dachdecker|Hebamme|Bundeskanzler
        """.replace("\n", "").replace("    ", "").split("|")
    ),
    "fr": tuple(
        """
        médecin|infirmier|infirmière|professeur|enseignant|enseignante|ingénieur|boulanger|boulangère|avocat|
        avocate|policier|policière|menuisier|maçon|électricien|cuisinier|cuisinière|serveur|serveuse|vendeur|
        vendeuse|comptable|acteur|actrice|chanteur|chanteuse|journaliste|maire|ministre|étudiant|étudiante|
        retraité|retraitée|agriculteur|agricultrice|curé|juge|coiffeur|coiffeuse|chauffeur de bus|routier|
        pilote|architecte|dentiste|pharmacien|pharmacienne|concierge|développeur|développeuse|directeur|
        directrice|secrétaire|assistante sociale|éducateur|éducatrice|kinésithérapeute|photographe|écrivain|
        romancière|entraîneur|porte-parole|président|présidente|mécanicien|couvreur|sage-femme|député|
        députée|notaire|plombier|chef de projet|chef d'entreprise|chercheur|chercheuse|gendarme|pompier
        """.replace("\n", "").replace("    ", "").split("|")
    ),
    "es": tuple(
        """
        médico|médica|enfermero|enfermera|profesor|profesora|maestro|maestra|ingeniero|ingeniera|panadero|
        panadera|abogado|abogada|policía|carpintero|albañil|electricista|cocinero|cocinera|camarero|camarera|
        vendedor|vendedora|contable|contador|actor|actriz|cantante|periodista|alcalde|alcaldesa|ministro|
        ministra|estudiante|jubilado|jubilada|agricultor|cura|juez|jueza|peluquero|peluquera|conductor|
        camionero|piloto|arquitecto|arquitecta|dentista|farmacéutico|farmacéutica|conserje|programador|
        programadora|director|directora|secretario|secretaria|trabajadora social|fisioterapeuta|fotógrafo|
        fotógrafa|escritor|escritora|novelista|entrenador|entrenadora|portavoz|presidente|presidenta|
        mecánico|fontanero|comadrona|diputado|diputada|notario|jefe de proyecto|gerente|investigador|
        investigadora|bombero|taxista|empresario|empresaria|futbolista|torero
        """.replace("\n", "").replace("    ", "").split("|")
    ),
}  # fmt: skip
