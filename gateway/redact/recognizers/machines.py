"""Numbers of devices and vehicles that lead to their owners.

Sources: IEEE 802, 3GPP TS 23.003, ISO 3779 with 49 CFR 565.
"""

from __future__ import annotations

from stdnum import imei

from gateway.redact.recognizers.table import LABEL_GAP, Row, after, cased

_VIN_VALUES = dict(
    zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)
)
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_PLATE_WORDS = (
    r"(?:licen[sc]e|number|registration|vehicle|car) plates?(?: (?:number|no\.?))?"
    r"|\bplates?(?: (?:number|no\.?))?|registration(?: (?:number|mark|no\.?))?"
    r"|\breg(?:\.|istered)?(?: no\.?)?|kennzeichen|nummernschild|kfz-?kz"
    r"|plaque(?: d['’]immatriculation)?|immatriculation|immatricul[ée]e?"
    r"|matr[íi]cula|placas?|targa|kenteken|(?:numer(?:y|u)? )?rejestracyjn\w{1,3}|tablic\w{1,3} rejestracyjn\w{1,3}"
)  # fmt: skip
_PLATES = (
    r"[A-ZÄÖÜ]{1,3}[ \-][A-Z]{1,2}[ \-]?\d{1,4}[EH]?",  # Germany
    r"[A-Z]{2}\d{2} ?[A-Z]{3}",  # United Kingdom
    r"[A-Z]{2}[ \-]?\d{3}[ \-]?[A-Z]{2}",  # France and Italy
    r"\d{4}[ \-]?[B-DF-HJ-NP-TV-Z]{3}",  # Spain
    r"[A-Z0-9]{1,3}-[A-Z0-9]{2,3}-[A-Z0-9]{1,3}",  # The Netherlands, Portugal
    r"[A-Z]{2,3} ?[A-Z0-9]{4,5}",  # Poland
    r"[A-Z]{3}[ \-]?\d[A-Z0-9]\d{2}",  # Brazil
    r"\d?[A-Z]{2,3}[ \-]?\d{3,4}",  # United States
)


def is_vin(value: str) -> bool:
    """The check digit at the ninth place, which cars of North America and China must have."""
    number = value.upper()
    total = sum(
        (int(sign) if sign.isdigit() else _VIN_VALUES[sign]) * weight
        for sign, weight in zip(number, _VIN_WEIGHTS, strict=True)
    )
    return "0123456789X"[total % 11] == number[8] and not number.isdigit()


def has_digits(value: str) -> bool:
    return any(sign.isdigit() for sign in value)


def rows() -> list[Row]:
    vin = r"[A-HJ-NPR-Z0-9]{17}"
    plate = "|".join(_PLATES)
    return [
        Row("VIN", "vehicle identification number", rf"\b{cased(vin)}\b", check=is_vin),
        after(
            "VIN",
            "vehicle identification number after its name",
            r"\bvin\b|vehicle identification(?: number)?|chassis(?: (?:number|no\.?))?|fahrgestell\w*"
            r"|fahrzeug-?ident\w*|\bfin\b"
            r"|n[úu]mero de (?:bastidor|chasis|chassi)|bastidor|numero di telaio"
            r"|num[ée]ro de (?:ch[âa]ssis|s[ée]rie)|chassisnummer",
            rf"(?=[A-Z]{{0,16}}\d){vin}",
            None,
            LABEL_GAP,
        ),
        after("LICENSE_PLATE", "vehicle plate", _PLATE_WORDS, plate, has_digits, LABEL_GAP),
        after("IMEI", "IMEI", r"\bimei\b", r"\d{2}[ \-]?\d{6}[ \-]?\d{6}[ \-]?\d|\d{14,16}"),
        Row("IMEI", "IMEI alone", r"\b\d{2}-\d{6}-\d{6}-\d\b", check=imei.is_valid),
        after("IMSI", "IMSI or ICCID", r"\bimsi\b|\biccid\b|sim(?:[ \-]?card)? (?:number|no\.?)", r"\d{14,20}"),
        Row("MAC_ADDRESS", "MAC address without signs", rf"{_MAC_WORD}\K[0-9A-F]{{12}}\b", 0.75),
    ]


_MAC_WORD = r"\bmac(?:[ \-_]?addr(?:ess)?e?)?[ \t]{0,2}(?:is|ist|[:=])?[ \t\"']{1,3}"
