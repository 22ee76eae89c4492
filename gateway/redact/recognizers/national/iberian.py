"""Spain and Portugal. Sources: RD 1065/2007 for NIF and NIE, by python-stdnum; Orden TAS for the NSS (modulus 97)."""

from __future__ import annotations

from stdnum.es import cif, dni, nie
from stdnum.pt import cc, nif

from gateway.redact.recognizers.table import LABEL_GAP, Row, after, cased, digits


def social_security(value: str) -> bool:
    """The two check digits of a Spanish NSS: province and number, without leading zero, modulo 97."""
    number = digits(value)
    if len(number) != 12:
        return False
    province, middle = number[:2], number[2:10]
    plain = province + (middle[1:] if middle[0] == "0" else middle)
    return int(plain) % 97 == int(number[10:])


def _spanish() -> list[Row]:
    """Spain."""
    return [
        Row("ES_NIF", "NIF", r"(?<![\d.,])\b\d{1,2}\.?\d{3}\.?\d{3}[ \-]?[A-HJ-NP-TV-Z]\b", check=dni.is_valid),
        Row("ES_NIE", "NIE", r"\b[XYZ][ \-]?\d{7}[ \-]?[A-HJ-NP-TV-Z]\b", check=nie.is_valid),
        after(
            "ES_NIF",
            "NIF with a slip",
            r"\bd\.?n\.?i\.?|\bn\.?i\.?[fe]\.?",
            r"\d{1,2}\.?\d{3}\.?\d{3}[ \-]?[A-Z]|[XYZ][ \-]?\d{7}[ \-]?[A-Z]|\d{8}",
            None,
            LABEL_GAP,
        ),
        Row(
            "ES_CIF",
            "CIF",
            cased(r"\b[ABCDEFGHJNPQRSUVW][ \-]?\d{7}[ \-]?[0-9A-J]\b"),
            0.3,
            cif.is_valid,
            certain=False,
            context=("cif", "nif", "empresa", "sociedad"),
        ),
        Row(
            "ES_SOCIAL_SECURITY",
            "número de la seguridad social",
            r"\b\d{2}[ /\-]?\d{7,8}[ /\-]?\d{2}\b",
            0.3,
            social_security,
            certain=False,
            context=("seguridad", "afiliaci", "naf", "nss", "nuss"),
        ),
        after("ES_PASSPORT", "pasaporte", r"pasaporte", r"[A-Z]{2,3}\d{6}[A-Z]?|[A-Z]\d{6,8}", None, LABEL_GAP),
        after(
            "ES_DRIVER_LICENSE",
            "permiso de conducir",
            r"(?:permiso|carnet|carné|licencia) de (?:conducir|conducci[óo]n|manejo)",
            r"(?=[^\s]{0,12}\d{4})[A-Z0-9\-]{7,14}",
            None,
            LABEL_GAP,
        ),
    ]


def _portuguese() -> list[Row]:
    """Portugal."""
    return [
        Row(
            "PT_NIF",
            "NIF português",
            r"\b(?:PT ?)?[1235689]\d{2}[ .]?\d{3}[ .]?\d{3}\b",
            0.3,
            nif.is_valid,
            certain=False,
            context=("nif", "contribuinte", "nipc", "fiscal"),
        ),
        Row("PT_CC", "cartão de cidadão", r"\b\d{8}[ \-]?\d[ \-]?(?-i:[A-Z0-9]{2})[ \-]?\d\b", check=_citizen_card),
        after(
            "PT_CC",
            "bilhete de identidade",
            r"cart[ãa]o d[eo] cidad[ãa]o|bilhete de identidade|\bn\.? ?[ºo°]? ?de identifica[çc][ãa]"
            r"o civil|\bb\.?i\.? n",
            r"\d{7,8}(?:[ \-]\d(?:[ \-]?[A-Z]{2}\d)?)?",
        ),
        after(
            "PT_SOCIAL_SECURITY",
            "segurança social",
            r"seguran[çc]a social|\bniss\b",
            r"[12]\d{10}|[12]\d{2} \d{3} \d{3} \d{2}",
        ),
        after(
            "PT_HEALTH_NUMBER",
            "número de utente",
            r"utente|\bsns\b",
            r"\d{9}|\d{3} \d{3} \d{3}",
        ),
        after("PT_PASSPORT", "passaporte", r"passaporte", r"[A-Z]{1,2} ?\d{6}", None, LABEL_GAP),
        after(
            "PT_DRIVER_LICENSE",
            "carta de condução",
            r"carta de condu[çc][ãa]o",
            r"[A-Z]{1,2}-?\d{5,9}(?: ?\d)?|\d{7,9}",
            None,
            LABEL_GAP,
        ),
    ]


def _citizen_card(value: str) -> bool:
    return any(sign.isalpha() for sign in value) and cc.is_valid(value)


def rows() -> list[Row]:
    return [*_spanish(), *_portuguese()]
