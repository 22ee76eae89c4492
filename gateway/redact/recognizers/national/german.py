"""Germany, Austria, Switzerland, Liechtenstein.

Sources: § 139b AO for the Steuer-ID, VKVV § 2 for the Versicherungsnummer, § 290 SGB V for the
Krankenversichertennummer, ICAO 9303 for cards; python-stdnum for the rest.
"""

from __future__ import annotations

from stdnum.at import tin, vnr
from stdnum.ch import ssn
from stdnum.de import idnr

from gateway.redact.recognizers.table import LABEL_GAP, Row, after, cased, joined

_CARD_SIGNS = "0-9CFGHJKLMNPRTVWXYZ"


def pension_insurance(value: str) -> bool:
    """The check digit of a German Versicherungsnummer: its letter counts as two digits."""
    number = joined(value)
    plain = number[:8] + f"{ord(number[8]) - 64:02d}" + number[9:11]
    factors = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = sum(sum(divmod(int(digit) * factor, 10)) for digit, factor in zip(plain, factors, strict=True))
    return total % 10 == int(number[11])


def health_insurance(value: str) -> bool:
    """The check digit of a German Krankenversichertennummer: its letter counts as two digits."""
    number = joined(value)
    plain = f"{ord(number[0]) - 64:02d}" + number[1:9]
    total = sum(sum(divmod(int(digit) * (1 + index % 2), 10)) for index, digit in enumerate(plain))
    return total % 10 == int(number[9])


def card(value: str) -> bool:
    """The check digit of German cards and passports that are written with it (ten signs); nine have none."""
    number = joined(value)
    if len(number) < 10:
        return any(sign.isdigit() for sign in number)
    return sum(int(sign, 36) * (7, 3, 1)[index % 3] for index, sign in enumerate(number[:9])) % 10 == int(number[9])


def _german() -> list[Row]:
    """Germany."""
    return [
        Row(
            "DE_TAX_ID",
            "Steuer-ID",
            r"\b[1-9]\d ?\d{3} ?\d{3} ?\d{3}\b",
            0.3,
            idnr.is_valid,
            certain=False,
            context=("steuer", "idnr", "identifikationsnummer", "taxid", "tax"),
        ),
        Row("DE_TAX_ID", "Steuer-ID in groups", r"\b[1-9]\d \d{3} \d{3} \d{3}\b", check=idnr.is_valid),
        after(
            "DE_TAX_NUMBER",
            "Steuernummer",
            r"steuer-?nummer|steuer-?nr|st\.?-?nr|abgabenkonto\w*",
            r"\d{2,5}[/ ]\d{3,4}[/ ]\d{4,5}|\d{10,13}|\d{2}[ -]?\d{3}/\d{4}",
        ),
        Row(
            "DE_SOCIAL_SECURITY",
            "Versicherungsnummer",
            rf"\b\d{{2}} ?(?:[0-2]\d|3[01]|[5-7]\d|8[01])(?:0\d|1[0-2])\d\d ?{cased('[A-Z]')} ?\d{{3}}\b",
            check=pension_insurance,
        ),
        Row(
            "DE_HEALTH_INSURANCE",
            "Krankenversichertennummer",
            cased(r"\b[A-Z]\d{9}\b"),
            0.3,
            health_insurance,
            certain=False,
            context=("versichert", "krankenkasse", "kvnr", "kv-nr", "gesundheitskarte", "insurance", "versnr"),
        ),
        after(
            "DE_ID_CARD",
            "Personalausweis",
            r"personalausweis\w*|perso(?:nr)?|ausweis(?:nummer|nr)?|id card|identity card|identitätskarte",
            rf"(?=[^\s]{{0,9}}\d)[{_CARD_SIGNS}]{{9}}\d?",
            card,
            LABEL_GAP,
        ),
        after(
            "DE_PASSPORT",
            "Reisepass",
            r"reisepass\w*|reisepaß|pass-?(?:nummer|nr)",
            r"(?=[^\s]{0,9}\d)[A-Z0-9]\d?[A-Z0-9]{6,8}",
            None,
            LABEL_GAP,
        ),
        after(
            "DE_DRIVER_LICENSE",
            "Führerschein",
            r"führerschein\w*|fuehrerschein\w*|fahrerlaubnis\w*",
            r"(?=[^\s]{0,10}\d)[A-Z0-9]{7,11}",
            None,
            LABEL_GAP,
        ),
    ]


def _austrian_and_swiss() -> list[Row]:
    """Austria and Switzerland."""
    return [
        Row(
            "AT_SOCIAL_SECURITY",
            "österreichische Sozialversicherungsnummer",
            r"\b[1-9]\d{3}[ \-/]?(?:[0-2]\d|3[01])(?:0[1-9]|1[0-5])\d\d\b",
            0.3,
            vnr.is_valid,
            certain=False,
            context=("sozialvers", "svnr", "sv-nr", "svn", "versicherungsnummer", "e-card", "ecard", "vsnr"),
        ),
        after(
            "AT_TAX_ID",
            "österreichische Steuernummer",
            r"steuernummer|steuer-?nr|finanzamt|abgabenkontonummer",
            r"\d{2}[ -]?\d{3}[ /]?\d{4}",
            tin.is_valid,
        ),
        Row("CH_AHV", "AHV-Nummer", r"\b756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}\b", check=ssn.is_valid),
    ]


def rows() -> list[Row]:
    return [*_german(), *_austrian_and_swiss()]
