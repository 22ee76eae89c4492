"""The forms of streets with numbers, by language, and what may follow them: flat, postcode, town.

Case counts in most of them: it tells a street's name from the words before it. Sources: the addressing guides of the
Universal Postal Union by country, and Royal Mail's forms of postcodes.
"""

from __future__ import annotations

UPPER = r"(?-i:\p{Lu})"
WORD = rf"{UPPER}[\p{{L}}'’.\-]+"
NEXT = (
    rf"[ ](?:{WORD}|\d{{1,2}}\.|(?:d|l)['’]{WORD}|(?:de|del|della|delle|dei|degli|di|da|do|dos"
    rf"|das|du|des|la|le|les|los|las|el|der|den|dem|des|van|von|zum|zur|am|an|im|in|den|het|ten|ter"
    rf"|y|e|et|und|of|the|i)\b)"
)
NAME = rf"{WORD}(?:{NEXT}){{0,4}}"
TOWN = (
    rf"{UPPER}[\p{{L}}'’\-]+(?:(?:[ \-]|[ ](?:am|an der|im|de|la|le|sur|en|di|do|da"
    rf"|del)[ ]){UPPER}[\p{{L}}'’\-]+){{0,2}}"
)
JOIN = r"[ ]?[,;\n·|][ \n>]{0,2}|[ ]"

POSTCODE = (
    r"(?:(?:DE?|A|AT|CH|B|BE|F|FR|I|IT|E|ES|L|NL|PL|P|PT|DK|S|SE|N|NO|FIN?)-)?"
    r"(?:\d{4}[ ]?(?-i:[A-Z]{2})\b|\d{5}-\d{3}|\d{4}-\d{3}|\d{2}-\d{3}|\d{3}[ ]\d{2}|\d{5}|\d{4})"
)
UK_POSTCODE = (
    r"(?-i:(?:A[BL]|B[ABDHLNRST]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]"
    r"|I[GMPV]|JE|K[ATWY]|L[ADELNSU]?"
    r"|M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB|W[ACDFNRSV]?|YO"
    r"|ZE)\d[A-Z\d]?[ ]\d[ABD-HJLNP-UW-Z]{2})"
)
CA_POSTCODE = r"(?-i:[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z][ \-]?\d[ABCEGHJ-NPRSTV-Z]\d)"
STATE = (
    r"(?-i:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI"
    r"|S[CD]|T[NX]|UT|V[AT]|W[AIVY]|A[AEP]|PR|GU|VI"
    r"|NSW|VIC|QLD|TAS|ACT|ON|QC|BC|AB|MB|SK|NS|NB|NL|PE|YT)"
)
FLAT = (
    r"(?:(?:ap|su|st|un|fl|ro|rm|b|lot|étage|p|es|int|sc|m\.|lok|w|top"
    r"|huis)\p{L}*\.?[ ]?(?:\d[\w\-]{0,5}|(?-i:[A-Z])\d{0,3})\b|#[ ]?\w{1,6}"
    r"|\d{1,2}(?:[ºª°]|st|nd|rd|th|\.)[ ]?(?:\p{L}+\b\.?)?)"
)
"""A flat, a floor or a staircase: what may stand between the number and the town."""
_ANY_UK_POSTCODE = r"(?-i:[A-Z]{1,2}\d[A-Z\d]?[ ]\d[A-Z]{2})"
FLATS = rf"(?:(?:[ ]{WORD}){{1,2}}(?=\n[ >]{{0,2}}(?:apt|suite|ste|unit)\b))?(?:(?:{JOIN}){FLAT}){{0,2}}"
POSTCODE_TOWN = rf"{POSTCODE},?[ ]{TOWN}(?:[ ]\(?(?-i:[A-Z]{{2}})\b\)?)?"
_TOWN_STATE = rf"{TOWN}[ ]?[\-/–,][ ]?(?-i:[A-Z]{{2}})\b(?:,?[ ]\d{{5}}-?\d{{3}})?"
_CONTINENTAL_ENDING = rf"{FLATS}(?:(?:{JOIN})(?:{POSTCODE_TOWN}|{_TOWN_STATE}))?"
ENDING = (
    rf"{FLATS}(?:(?:{JOIN})(?:{TOWN},?[ ](?:{TOWN},?[ ])?(?:(?-i:[A-Z]{{2,3}}),?[ ]"
    rf"(?:\d{{5}}(?:-\d{{4}})?|\d{{4}}|{CA_POSTCODE})|{_ANY_UK_POSTCODE})\b"
    rf"|{_ANY_UK_POSTCODE}\b|{POSTCODE_TOWN}|{TOWN}[\n,][ \n]?{TOWN}[ ]\d{{4,6}}\b))?"
)
NUMBER = r"\d{1,5}(?:[ ]?[a-zA-Z]\b(?![ ]?['’]))?(?:[ ]?[\-/–][ ]?\d{1,4}[a-zA-Z]?)?(?:/\d{1,4}[a-z]?)?\b"

_SUFFIXES = (
    r"(?:stra(?:ß|ss)en?|str\.|weg|gasse|platz|allee|damm|ufer|steig|pfad|chaussee|promenade"
    r"|straat|laan|plein|kade|gracht|dijk|singel|steenweg"
    r"|gatan|gata|vägen|gränd|gade|vej|vejen|veien|gaten|katu|kuja|kaari|utca)"
)
_NO_STREET = (
    r"(?!(?:arbeits|park|stell|sitz|steh|studien|speicher|steck|lager)platz|(?:aus|um|lösungs"
    r"|rechts|über)weg|brigade|blockade|kaskade|dekade|barrikade)"
)
_GERMAN_TYPES = r"(?:Stra(?:ß|ss)e|Str\.|Platz|Allee|Gasse|Weg|Damm|Ring|Ufer|Chaussee|Straat|Laan|Plein)"
_FRENCH_SPANISH_TYPES = (
    r"(?:rue|avenue|av\.|ave\.?|boulevard|bd\.?|blvd|place|all[ée]e|chemin|impasse|quai|cours"
    r"|passage|ruelle|faubourg|route de"
    r"|calle|c/|avda\.?|avenida|plaza|pza\.?|paseo|pº|camino|carretera|ctra\.?|ronda|travesía"
    r"|glorieta|carrer|passeig|plaça)"
)
_ITALIAN_PORTUGUESE_POLISH_TYPES = (
    r"(?:viale|v\.le|piazza|p\.zza|corso|c\.so|largo|vicolo|piazzale|lungomare|strada"
    r"|rua|r\.|travessa|praça|alameda|estrada|rodovia|beco|ulica|ul\.|aleja|al\.|aleje|plac|pl\.|osiedle|os\.)"
)
_ROMANCE_NAME = (
    rf"(?=[^\d\n,]{{0,40}}{UPPER})(?:(?:[ ]|(?<=[./]))"
    rf"(?:{WORD}|\d{{1,2}}(?=[ ]d[eio]\b)|(?:d|l)['’]\p{{L}}{{2,}}|[adeilsy]\p{{L}}{{0,4}})(?=[ ,.\d'’\-])){{1,4}}"
)
_NUMBER_SIGN = r"[ ]?(?:,[ ]?)?(?:(?:n|nº|n°|n\.º|núm|num|nr|no|numero|número)\.?[ ]?)?"

_ENGLISH_TYPES = (
    r"(?:Street|St|Avenue|Ave|Av|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Court|Ct|Terrace|Ter"
    r"|Place|Pl|Square|Sq|Way|Parkway|Pkwy|Circle|Cir|Highway|Hwy"
    r"|Close|Crescent|Cres|Gardens|Gdns|Grove|Mews|Hill|Row|Walk|Trail|Trl|Alley|Plaza|Quay|Rise"
    r"|Green|Loop|Pike|Turnpike|Parade|Embankment|Wharf|Expressway|Point|Ridge|Run|Heights"
    r"|Estates?|Broadway)\b\.?"
)
_DIRECTION = (
    r"(?:[NSEW]|[NS][EW]|North|South|East|West|Northeast|Northwest|Southeast|Southwest|Old|New"
    r"|Upper|Lower|Great|Little)\b\.?"
)
_NO_NAME = (
    r"(?!(?:way|lane|min|minutes?|hours?|days?|miles?|km|m|years?|people|persons?|men|cars?|or|and"
    r"|of|in|on|the|to|x|feet|ft|am|pm|more|different|best|easy|good|other|only|right|wrong|better"
    r"|top|first)\b)"
)
_ENGLISH_NAME = (
    rf"{_NO_NAME}(?:{_DIRECTION}[ ])?(?:{UPPER}[\p{{L}}'’\-]*\.?|\d{{1,3}}(?:st|nd|rd"
    rf"|th))(?:[ ]{UPPER}[\p{{L}}'’\-]+){{0,3}}?[ ]"
)


_HOUSE = r"(?<![\d.,/\-$€£#])(?:\d{1,5}[ ])?\d{1,5}(?:[ ]?(?:bis|ter|quater|[A-Z])\b)?(?:[\-/]\d{1,4})?"


def streets() -> list[tuple[str, str]]:
    """Names and patterns, each with the rest of the address."""
    return [*_name_first(), *_number_first()]


def _name_first() -> list[tuple[str, str]]:
    """Where the number stands after the name, and whole addresses."""
    return [
        (
            "street with its kind in its name",
            rf"(?<![\p{{L}}.'’\-]){_NO_STREET}{UPPER}[\p{{L}}\-]+{_SUFFIXES}[ ]{NUMBER}" + _CONTINENTAL_ENDING,
        ),
        (
            "address with a flat",
            r"(?<![\w.])\d{1,5}[ ](?:[\p{L}\d.'’\-]+[ ]){0,5}[\p{L}\d.'’\-]+(?:[ ]?[,\n][ \n>]{0,2}|[ ])"
            rf"(?:Apt|Apartment|Suite|Ste)\b\.?[ ]\d{{1,4}}{FLATS}(?:(?:{JOIN}){TOWN}){{0,2}}"
            r"(?:(?:[ ]|\n?,[ ])(?-i:[A-Z]{2}\b|nan\b))?(?:[ ]\d{4,6}\b)?",
        ),
        (
            "Hungarian street",
            rf"(?:\d{{1,5}}[ ])?{WORD}(?:[ ]{WORD})?[ ](?:u\.|utca|útja?|tér|rkp\.|krt\.)[ ]\d{{1,4}}\.",
        ),
        (
            "street in lower case",
            rf"(?<![\p{{L}}.'’\-])\p{{L}}{{3}}\p{{L}}*(?:stra(?:ß|ss)e|str\.|straat)[ ]{NUMBER}" + _CONTINENTAL_ENDING,
        ),
        (
            "street with its kind before the number",
            rf"(?<![\p{{L}}.'’\-])(?:{WORD}[ \-]){{1,3}}(?-i:{_GERMAN_TYPES})[ ]{NUMBER}" + _CONTINENTAL_ENDING,
        ),
        (
            "street, a kind of its own",
            rf"(?<![\p{{L}}.'’\-])(?-i:Straße|Str\.|Rua|Calle|Via|Viale|Ulica|ul\."
            rf"|Platz)[ ](?:{NAME})[ ,]{{1,2}}{NUMBER}",
        ),
        (
            "French or Spanish street",
            rf"(?<![\p{{L}}.'’\-]){_FRENCH_SPANISH_TYPES}{_ROMANCE_NAME}{_NUMBER_SIGN}{NUMBER}" + _CONTINENTAL_ENDING,
        ),
        (
            "Italian, Portuguese or Polish street",
            rf"(?<![\p{{L}}.'’\-]){_ITALIAN_PORTUGUESE_POLISH_TYPES}{_ROMANCE_NAME}{_NUMBER_SIGN}{NUMBER}"
            + _CONTINENTAL_ENDING,
        ),
    ]


def _number_first() -> list[tuple[str, str]]:
    """Where the number stands before the name."""
    return [
        (
            "French street",
            rf"{_HOUSE},?[ ]{{1,2}}(?:rue|avenue|av\.|boulevard|bd\.?|place|all[ée]e|chemin|impasse|quai"
            rf"|cours|passage|route|square|villa|cit[ée]|faubourg|ruelle){_ROMANCE_END}" + _CONTINENTAL_ENDING,
        ),
        (
            "English street",
            rf"(?:\b{FLAT},?[ ])?{_HOUSE},?[ ]{{1,2}}{_ENGLISH_NAME}{_ENGLISH_TYPES}(?:[ ]{_DIRECTION})?" + ENDING,
        ),
        (
            "English street in lower case",
            rf"(?<![\d.,/\-$€£#])\d{{2,5}}[ ]{_NO_NAME}[\p{{L}}'’]{{2,}}[ ]"
            rf"(?:{_NO_NAME}[\p{{L}}'’]{{2,}}[ ])?(?:street|avenue|ave|boulevard|blvd|road|rd|lane|terrace"
            rf"|drive|court)\b" + ENDING,
        ),
        (
            "Spanish or other street in lower case",
            rf"\b(?:calle|avenida|avda\.|plaza|rua|ulica|ul\.|viale"
            rf"|piazza)[ ]\p{{L}}+(?:[ ]\p{{L}}+){{0,3}}[ ,]{{1,2}}{NUMBER}",
        ),
        (
            "French street in lower case",
            rf"{_HOUSE},?[ ](?:rue|avenue|boulevard|impasse|all[ée]e|chemin)[ ](?:de la |du |des |de |d['’]"
            rf"|de l['’])?\p{{L}}{{3,}}",
        ),
        ("Broadway", rf"{_HOUSE}[ ](?:(?:North|South|East|West|[NSEW])\.?[ ])?(?-i:Broadway)\b" + ENDING),
    ]


_ROMANCE_END = (
    rf"(?:[ ](?:{WORD}|(?:de|du|des|la|le|les|l['’]|d['’]|en|aux?|sur|et|saint"
    rf"|sainte)(?:(?<=['’])[\p{{L}}\-]{{2,}})?|\d{{1,2}}(?=[ ]\p{{L}}))){{1,5}}"
)
