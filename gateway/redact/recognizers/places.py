"""Postal addresses, without a model: streets with numbers, post boxes, postcodes with their towns, coordinates.

A model for names finds towns; what stands around them (number, flat, postcode) is found by the forms in which addresses
are written in the languages here.
"""

from __future__ import annotations

import re

from gateway.redact.recognizers.streets import (
    CA_POSTCODE,
    ENDING,
    FLAT,
    JOIN,
    NAME,
    NUMBER,
    POSTCODE,
    POSTCODE_TOWN,
    STATE,
    TOWN,
    UK_POSTCODE,
    WORD,
    streets,
)
from gateway.redact.recognizers.table import LABEL_GAP, Row, after, keyed

LOCATION = "LOCATION"
_MONTHS = (
    "january|february|march|april|may|june|july|august|september|october|november|december|januar"
    "|februar|märz|mai|juni|juli|oktober|dezember"
)
_CAPTION = re.compile(
    rf"(?i)[ ](?:1[89]\d\d|20[0-3]\d),?[ ]\D|\b(?:{_MONTHS})[ ]\d{{1,2}}\b|\b(?:section|figure|fig"
    rf"|table|chapter|page|version|step|part|volume|issue|item|line|level|grade|iphone"
    r"|python|java|windows|ios|android|iso|formula|model|phase|day|week|year|question|example"
    r"|listing|appendix|article|rule|error|code|class|type|group|team|room|gate|flight|train)[ ]\d"
)
_ADDRESS_WORDS = (
    r"address(?: is| to the same| to| at)?|(?:offices?|house|home|restaurant|shop"
    r"|apartment) (?:are|is)(?: located)? at|(?:lives?|living|resid(?:es?|ing)|located|ship"
    r"|shipped|deliver|delivered|mail|mailed"
    r"|sent|send (?:it|one|a new one)|arrived|return) (?:at|to)|adresse|anschrift|wohnhaft(?: in)?"
    r"|wohnt in|direcci[óo]n|domicilio|indirizzo|residente in|morada|endere[çc]o|adres"
    r"|woonachtig(?: te| in)?"
    r"|zamieszka[łl][ya](?: w| przy)?|\bzam\."
)
_POSTCODE_WORDS = (
    r"zip(?:[ \-]?code)?|post(?:al)?[ \-]?code|postleitzahl|\bplz\b|code postal|c[óo]digo postal"
    r"|\bc\.?p\.?(?=[:.]? ?\d{5})|(?-i:\bCAP\b)(?=:? ?\d{5})"
    r"|(?-i:\bCEP\b)|kod pocztowy|pin ?code(?=[: ]{1,2}\d{6})|postnummer|eircode"
)
_COORDINATE_WORDS = (
    r"\blat(?:itude)?|\blng|\blong?(?:itude)?|\bgps|coord(?:inate|onnée|enada|inata)?s?"
    r"|koordinaten?|standort|geo(?:loc(?:ation)?)?"
)


def _is_address(value: str) -> bool:
    """Whether a name, a number, a postcode and a town are not a caption, a version or a date."""
    return _CAPTION.search(value) is None


def _is_numbered_address(value: str) -> bool:
    return any(sign.isdigit() for sign in value) and _is_address(value)


def rows() -> list[Row]:
    """Addresses, from whole ones to single postcodes."""
    whole = [Row(LOCATION, name, pattern, 0.7) for name, pattern in streets()]
    return [*whole, *_addresses(), *_postcodes(), *_coordinates()]


def _addresses() -> list[Row]:
    """What is an address as a whole."""
    return [
        Row(
            LOCATION,
            "name, number, postcode and town",
            rf"(?<![\p{{L}}.'’\-])(?:(?:via|viale|calle|rue|rua"
            rf"|ul\.)[ ])?{NAME},?[ ]{NUMBER}(?:(?:{JOIN}){FLAT})?(?:{JOIN}){POSTCODE}"
            rf",?[ ]{TOWN}",
            0.7,
            _is_address,
            False,
        ),
        Row(LOCATION, "flat", r"\b(?-i:Apt|Apartment|Suite|Ste)\b\.?[ ](?:No\.?[ ]|#)?\d{1,4}[A-Z]?\b", 0.6),
        Row(
            LOCATION,
            "address after its name",
            keyed(
                _ADDRESS_WORDS,
                rf"(?:\d{{1,5}},?[ ]){{0,2}}{NAME}(?:[ ]\d{{1,5}}[a-z]?\b\.?)?(?:(?:{JOIN}){POSTCODE_TOWN})?",
                r"[ \t:]{1,8}\n{0,2}[ >]{0,2}",
            ),
            0.7,
            _is_numbered_address,
            False,
        ),
        Row(
            LOCATION,
            "corner of streets",
            rf"(?:the )?corner of (?:\d{{1,5}} )?[\p{{L}}'’.\-]{{2,25}}(?: [\p{{L}}\d'’.\-]+){{0,3}} (?:and"
            rf"|&) {WORD}(?: {WORD}){{0,2}}(?: \d{{1,4}}\b)?",
            0.6,
        ),
        Row(
            LOCATION,
            "post box",
            rf"\b(?:P\.?[ ]?O\.?[ ]?Box|post office box|Postfach|Postbus|postboks|skrytka pocztowa"
            rf"|apartado(?: de correos)?|apdo\.?|casella postale|C\.?P\.|caixa postal|apartado postal"
            rf"|boîte postale|B\.P\.|GPO Box)[ ]#?\d[\d ]{{0,8}}(?<=\d){ENDING}",
            0.7,
        ),
        Row(
            LOCATION,
            "military address",
            r"(?-i:(?:PSC|CMR|Unit)[ ]\d{1,5},?[ \n](?:Box[ ]\d{1,5})(?:,?[ \n]{1,2}(?:APO|FPO"
            r"|DPO)[ ,]{1,2}A[AEP][ ]\d{5}(?:-\d{4})?)?)",
            0.7,
        ),
    ]


def _postcodes() -> list[Row]:
    """Postcodes, with their towns where these stand beside them."""
    return [
        Row(
            LOCATION,
            "town, state and ZIP code",
            rf"(?<![\p{{L}}.'’\-]){TOWN},?[ \n]{STATE},?[ ]\d{{5}}(?:-\d{{4}})?\b",
            0.7,
        ),
        Row(LOCATION, "town and British postcode", rf"(?:(?<![\p{{L}}.'’\-]){TOWN},?[ ])?\b{UK_POSTCODE}\b", 0.65),
        Row(
            LOCATION,
            "Canadian postcode",
            rf"(?:(?<![\p{{L}}.'’\-]){TOWN},?[ ]{STATE},?[ ])?\b(?-i:[ABCEGHJ-NPRSTVXY]"
            rf"\d[ABCEGHJ-NPRSTV-Z][ ]\d[ABCEGHJ-NPRSTV-Z]\d)\b",
            0.65,
        ),
        Row(
            LOCATION,
            "Dutch postcode and town",
            rf"\b[1-9]\d{{3}}[ ]?(?-i:(?!AD|AM|BC|CE|CM|[MGKT]B|HP|HZ|K[GMW]|M[LM]|OK|PM"
            rf"|S[ADS])[A-Z]{{2}})[ ]{{1,2}}{TOWN}",
            0.6,
        ),
        Row(
            LOCATION,
            "Polish or Portuguese postcode and town",
            rf"(?<![\d\-.])(?:\d{{2}}-\d{{3}}|\d{{4}}-\d{{3}}|\d{{5}}-\d{{3}})[ ]{TOWN}",
            0.6,
        ),
        Row(
            LOCATION,
            "postcode with its country",
            rf"\b(?-i:DE?|AT?|CH|BE?|FR?|IT?|ES?|L|NL|PL|PT|DK|SE|NO)-\d{{4,5}}[ ]{TOWN}",
            0.6,
        ),
        after(
            LOCATION,
            "postcode after its name",
            _POSTCODE_WORDS,
            rf"{UK_POSTCODE}|{CA_POSTCODE}|\d{{4}}[ ]?(?-i:[A-Z]{{2}})|\d{{2,5}}-\d{{3,4}}"
            rf"|\d{{3}}[ ]\d{{2,3}}|\d{{3,8}}",
            None,
            LABEL_GAP,
        ),
        Row(
            LOCATION,
            "town in Germany after wohnhaft",
            rf"\b(?:wohnhaft(?: in)?|plz/ort:?|wohnort:?)[ ]\K\d{{4,5}}[ ]{TOWN}",
            0.7,
        ),
    ]


def _coordinates() -> list[Row]:
    """Places on the globe."""
    return [
        Row(
            LOCATION,
            "degrees",
            r"\b\d{1,3}°[ ]?(?:\d{1,2}['’′][ ]?(?:\d{1,2}(?:\.\d{1,3})?(?:\"|''|”"
            r"|″)[ ]?)?)?[NSOEW],?[ ]{0,2}\d{1,3}°[ ]?(?:\d{1,2}['’′][ ]?(?:\d{1,2}(?:\.\d{1,3})?(?:\"|''"
            r"|”|″)[ ]?)?)?[NSOEW]\b",
            0.7,
        ),
        Row(
            LOCATION,
            "decimal degrees with directions",
            r"\b\d{1,2}\.\d{2,8}°?[ ]?[NS],?[ ]{1,2}\d{1,3}\.\d{2,8}°?[ ]?[EWO]\b",
            0.7,
        ),
        after(
            LOCATION,
            "coordinates",
            _COORDINATE_WORDS,
            r"-?\d{1,3}\.\d{3,9}°?(?:[ ]?[,;/][ ]?-?\d{1,3}\.\d{3,9})?",
            None,
            r"(?:es|itude)?[\"']?[ \t]{0,3}(?:[:=(]|is|are|at|ist|sind)?[ \t(\[\"']{0,4}",
        ),
        Row(
            LOCATION,
            "coordinates of six decimals",
            r"(?<![\d.\-,\[(] )(?<![\d.,\[(])-?\b[1-8]\d?\.\d{5,7},[ ]?-?(?:1[0-7]\d"
            r"|\d{1,2})\.\d{5,7}\b(?!,[ ]?-?\d|[\])])",
            0.5,
        ),
    ]
