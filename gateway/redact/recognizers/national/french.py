"""France, Belgium, Luxembourg. Sources: INSEE for the NIR, python-stdnum, and the forms of the documents themselves."""

from __future__ import annotations

from stdnum import luhn, verhoeff
from stdnum.be import bis, nn
from stdnum.fr import nif, nir

from gateway.redact.recognizers.table import LABEL_GAP, Row, after, digits


def luxembourg(value: str) -> bool:
    """A Luxembourg matricule of 13 digits: a birth date, then check digits by Luhn and by Verhoeff."""
    number = digits(value)
    return luhn.is_valid(number[:12]) and verhoeff.is_valid(number[:11] + number[12])


def belgian(value: str) -> bool:
    return nn.is_valid(value) or bis.is_valid(value)


def _french() -> list[Row]:
    """France."""
    return [
        Row(
            "FR_NIR",
            "numéro de sécurité sociale",
            r"\b[1-478][ .]?\d{2}[ .]?(?:0[1-9]|1[0-2]|[2-9]\d)[ .]?(?:\d{2}"
            r"|2[AB])[ .]?\d{3}[ .]?\d{3}[ .\-/|]{0,3}\d{2}\b",
            check=nir.is_valid,
        ),
        after(
            "FR_NIR",
            "numéro de sécurité sociale sans clé",
            r"s[ée]curit[ée] sociale|n[°o]? ?s[ée]cu|\bnir\b|\binsee\b|num[ée]ro s[ée]cu",
            r"[1-478][ .]?\d{2}[ .]?\d{2}[ .]?(?:\d{2}|2[AB])[ .]?\d{3}[ .]?\d{3}",
        ),
        after(
            "FR_TAX_ID",
            "numéro fiscal",
            r"num[ée]ro fiscal|n[°o] fiscal|\bspi\b|\btin\b|r[ée]f[ée]rence fiscale|identifiant fiscal",
            r"[0-3]\d(?: ?\d){11}",
            nif.is_valid,
        ),
        after(
            "FR_ID_CARD",
            "carte d'identité",
            r"carte (?:nationale )?d['’ ]?identit[ée]|\bcni\b|pi[èe]ce d['’ ]identit[ée]|titre de s[ée]jour",
            r"(?=[^\s]{0,11}\d\d)[A-Z0-9]{9,12}",
            None,
            LABEL_GAP,
        ),
        after(
            "FR_DRIVER_LICENSE",
            "permis de conduire",
            r"permis(?: de conduire)?|rijbewijs(?:nummer)?",
            r"\d{2}[A-Z]{2}\d{5}|\d{12}|\d{10}",
            None,
            LABEL_GAP,
        ),
    ]


def _belgian_and_luxembourgish() -> list[Row]:
    """Belgium and Luxembourg."""
    return [
        Row(
            "BE_NATIONAL_NUMBER",
            "rijksregisternummer",
            r"\b\d{2}\.[0-5]\d\.[0-3]\d[ \-]\d{3}[.\-]\d{2}\b",
            check=belgian,
        ),
        Row(
            "BE_NATIONAL_NUMBER",
            "rijksregisternummer without signs",
            r"\b\d{2}[ .\-]?[0-5]\d[ .\-]?[0-3]\d[ .\-]?\d{3}[ .\-]?\d{2}\b",
            0.3,
            belgian,
            certain=False,
            context=("rijksregister", "registre national", "niss", "insz", "insz-nummer", "national", "nrn"),
        ),
        after(
            "BE_ID_CARD",
            "Belgian identity card",
            r"identiteitskaart\w*|carte d['’]identit[ée]|eid(?:-kaart)?",
            r"\d{3}-\d{7}-\d{2}|\d{10}-\d{2}",
        ),
        after(
            "LU_MATRICULE",
            "matricule",
            r"matricule(?: nationale?)?|luxembourg\w*|sozialversicherungsnummer|\bccss\b",
            r"(?:19|20)\d{2} ?[01]\d ?[0-3]\d ?\d{3} ?\d{2}",
            luxembourg,
        ),
    ]


def rows() -> list[Row]:
    return [*_french(), *_belgian_and_luxembourgish()]
