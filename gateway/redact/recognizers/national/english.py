"""Countries that write in English: US, UK, Ireland, Canada, Australia, New Zealand, India, Singapore, South Africa.

Sources: the agencies that issue the numbers, mostly by python-stdnum. Two tables: those that hold alone or with words
near them, and those that only the words right before them tell.
"""

from __future__ import annotations

from stdnum import luhn
from stdnum.au import tfn
from stdnum.ca import bc_phn, sin
from stdnum.gb import nhs, utr
from stdnum.ie import pps
from stdnum.in_ import aadhaar, epic, gstin, pan
from stdnum.nz import ird
from stdnum.us import rtn
from stdnum.za import idnr

from gateway.redact.recognizers.table import LABEL_GAP, NUMBER_GAP, Row, after, cased, digits, joined

_SSN = r"(?!000|666)\d{3}[ .\-\u2010-\u2015]?(?!00)\d{2}[ .\-\u2010-\u2015]?(?!0000)\d{4}"
_SSN_WORDS = (
    r"social security(?: (?:number|no\.?|card|#))?|social(?: (?:number|no\.?|is|insurance|sec))?"
    r"|\bssn|\bss ?(?:#|no\.?\b|num\w*)|\bs\.s\.n?\.?"
    r"|soc(?:\.|ial)? ?sec\.?|sozialversicherungsnummer|seguro social|tax ?id(?:entification)?|taxpayer id\w*|\btin\b"
)


_SIN = r"\d{3}[ \-]?\d{3}[ \-]?\d{3}"
_DIGIT_FIRST = (r"\d", "9\\", "[1", "[2")


def medicare_au(value: str) -> bool:
    """The check digit of an Australian Medicare card: the first eight digits weighted 1, 3, 7, 9, modulo ten."""
    number = digits(value)
    return sum(int(d) * (1, 3, 7, 9)[i % 4] for i, d in enumerate(number[:8])) % 10 == int(number[8])


def npi(value: str) -> bool:
    """The check digit of an American National Provider Identifier: Luhn with the prefix 80840."""
    return luhn.is_valid("80840" + digits(value))


def dea(value: str) -> bool:
    """The check digit of a DEA registration: three digits and twice the other three, modulo ten."""
    number = [int(d) for d in digits(value)]
    return (sum(number[0:5:2]) + 2 * sum(number[1:6:2])) % 10 == number[6]


def fin(value: str) -> bool:
    """The check letter of a Singaporean NRIC or FIN."""
    number = joined(value)
    total = sum(int(d) * w for d, w in zip(number[1:8], (2, 7, 6, 5, 4, 3, 2), strict=True))
    letters = {"S": "JZIHGFEDCBA", "T": "GFEDCBAJZIH", "F": "XWUTRQPNMLK", "G": "RQPNMLKXWUT", "M": "XWUTRQPNJLK"}
    if number[0] == "M":
        return letters["M"][10 - (total + 3) % 11] == number[8]
    return letters[number[0]][total % 11] == number[8]


def _certain() -> list[Row]:
    """Values that hold alone."""
    return [
        Row(
            "US_MBI",
            "MBI",
            r"\b[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d-[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]"
            r"\d-[AC-HJKMNP-RT-Y]{2}\d{2}\b",
            0.7,
        ),
        Row(
            "UK_NINO",
            "national insurance number",
            r"\b(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]"
            r"[ \-]?\d{2}[ \-]?\d{2}[ \-]?\d{2}[ \-]?[A-D]\b",
            0.7,
        ),
        Row("UK_NHS", "NHS number in groups", r"\b\d{3}[ \-]\d{3}[ \-]\d{4}\b", check=nhs.is_valid),
        Row("IN_PAN", "PAN", cased(r"\b[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]\b"), 0.7, pan.is_valid),
        Row(
            "IN_AADHAAR",
            "Aadhaar in groups",
            r"(?<!\d[ \-])\b[2-9]\d{3}([ \-])\d{4}\1\d{4}\b(?![ \-]\d)",
            check=aadhaar.is_valid,
        ),
        Row("IN_GSTIN", "GSTIN", r"\b[0-3]\d[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[0-9A-Z]\b", check=gstin.is_valid),
        Row("SG_NRIC_FIN", "NRIC", cased(r"\b[STFGM]\d{7}[A-Z]\b"), check=fin),
        Row("ZA_ID_NUMBER", "South African ID", r"\b\d{2}[01]\d[0-3]\d ?\d{4} ?[01][89]\d\b", check=idnr.is_valid),
        Row(
            "UK_DRIVING_LICENCE",
            "driving licence",
            r"\b[A-Z9]{5}\d[0156]\d[0-3]\d{2}[A-Z9]{2}[A-HJ-NP-Z2-9][A-Z]{2}(?: ?\d{2})?\b",
            0.8,
        ),
    ]


def _near_words() -> list[Row]:
    """Values with check digits that need a word before them as well."""
    found = (
        ("UK_NHS", "NHS number", r"nhs|health service", r"\d{10}", nhs.is_valid),
        ("UK_UTR", "UTR", r"utr|unique taxpayer|hmrc|self[ -]assessment", r"\d{5} ?\d{5}K?", utr.is_valid),
        ("IE_PPS", "PPS", r"ppsn?|public service", r"\d{7}[A-W][A-IW]?", pps.is_valid),
        ("CA_SIN", "SIN", r"(?-i:SIN|NAS)|s\.i\.n\.|social insurance|assurance sociale", _SIN, sin.is_valid),
        ("CA_HEALTH", "BC PHN", r"phn|(?:personal )?health|msp|care ?card", r"9\d{3} ?\d{3} ?\d{3}", bc_phn.is_valid),
        ("AU_TFN", "TFN", r"tfn|tax file", r"\d{3} ?\d{3} ?\d{2,3}", tfn.is_valid),
        ("AU_MEDICARE", "Medicare", r"medicare", r"[2-6]\d{3} ?\d{5} ?\d(?:[ /\-]?\d)?", medicare_au),
        ("NZ_IRD", "IRD", r"ird|inland revenue", r"\d{2,3}[ \-]?\d{3}[ \-]?\d{3}", ird.is_valid),
        ("IN_AADHAAR", "Aadhaar", r"aadh?aa?r|uidai", r"[2-9]\d{11}", aadhaar.is_valid),
        ("IN_VOTER", "EPIC", r"voter(?: id)?(?: card)?|epic|election card", r"[A-Z]{3}\d{7}", epic.is_valid),
        ("US_NPI", "NPI", r"npi|provider", r"[12]\d{9}", npi),
        ("MEDICAL_LICENSE", "DEA", r"dea|prescriber|physician|medical licen[sc]e", r"[A-HJ-MPR-UX][A-Z9]\d{7}", dea),
        (
            "ABA_ROUTING_NUMBER",
            "routing number",
            r"aba|routing|rtn|transit|wire|bank",
            r"\d{4}-?\d{4}-?\d",
            rtn.is_valid,
        ),
    )
    return [
        after(entity, name, rf"\b(?:{words})\b", value, check, NUMBER_GAP if value[:2] in _DIGIT_FIRST else LABEL_GAP)
        for entity, name, words, value, check in found
    ]


def _numbers_after_words() -> list[Row]:
    """Values that only the words right before them tell."""
    return [
        after("US_SSN", "SSN after its name", _SSN_WORDS, _SSN),
        after(
            "US_SSN",
            "last four of SSN",
            r"last (?:4|four)(?: digits)?(?: of)?(?: (?:my|the|his|her))? (?:ssn|social(?: security)?(?: number)?)",
            r"\d{4}",
        ),
        after("US_ITIN", "ITIN", r"\bitin\b|individual taxpayer\w*", r"9\d{2}[ -]?\d{2}[ -]?\d{4}"),
        after("US_EIN", "EIN", r"\bf?ein\b|employer id\w*|tax ?id(?: number| no\.?)?", r"\d{2}-\d{7}|\d{9}"),
        after(
            "US_MBI",
            "MBI after its name",
            r"\bmbi\b|medicare(?: beneficiary)?(?: (?:id|number|no\.?|card))?",
            r"[1-9][A-Z][A-Z0-9]\d-?[A-Z][A-Z0-9]\d-?[A-Z]{2}\d{2}",
            None,
            LABEL_GAP,
        ),
    ]


def _documents_after_words() -> list[Row]:
    """Documents that only the words right before them tell."""
    return [
        after(
            "PASSPORT",
            "passport",
            r"passport(?: (?:number|no\.?|num|nr|#|id|book))?",
            r"(?=(?:[A-Z ]{0,4}\d){3})[A-Z]{0,2} ?[A-Z0-9]{6,8}\d",
            None,
            LABEL_GAP,
        ),
        after("PASSPORT", "passeport", r"passeport", r"\d{2}[A-Z]{2}\d{5}|[A-Z]{2}\d{6}|[A-Z]\d{8}", None, LABEL_GAP),
        after(
            "US_DRIVER_LICENSE",
            "driver's license",
            r"driv(?:er'?s?|er’s|ing) ?(?:licen[sc]e|lic\.?|permit)(?: (?:number|no\.?|num|#|id))?"
            r"|\bdln?\b(?: ?(?:#|no\.?|number))?|licen[sc]e (?:number|no\.?|#)|state id",
            r"(?=[^\s]{0,12}\d{3})[A-Z0-9*](?:[ \-]?[A-Z0-9*]){4,18}(?<=\d[A-Z]{0,2})",
            None,
            LABEL_GAP,
        ),
        after("UK_SORT_CODE", "sort code", r"sort ?code|\bs/c\b", r"\d{2}[ -]?\d{2}[ -]?\d{2}"),
        after(
            "UK_NINO",
            "NINO with a slip",
            r"\bnino\b|national insurance(?: (?:number|no\.?))?|\bni (?:number|no\.?)",
            r"[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-Z]",
            None,
            LABEL_GAP,
        ),
        after("IN_PASSPORT", "Indian passport", r"indian passport", r"[A-Z]\d{7}", None, LABEL_GAP),
        after(
            "CA_HEALTH",
            "health card",
            r"\bohip\b|\bramq\b|health card(?: (?:number|no\.?))?",
            r"\d{4}[ -]?\d{3}[ -]?\d{3}(?:[ -]?[A-Z]{2})?|[A-Z]{4} ?\d{4} ?\d{4}",
            None,
            LABEL_GAP,
        ),
        after(
            "SOCIAL_INSURANCE",
            "social insurance",
            r"social insurance(?: (?:number|no\.?))?|assurance sociale|\bn\.a\.s\.|\b(?-i:SIN|NAS)\b",
            r"\d{3}[ -]?\d{3}[ -]?\d{3}",
        ),
    ]


def rows() -> list[Row]:
    return [*_certain(), *_near_words(), *_numbers_after_words(), *_documents_after_words()]
