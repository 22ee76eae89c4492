"""Italy. Sources: DM 23/12/1976 for the codice fiscale, by python-stdnum; the forms of the documents themselves."""

from __future__ import annotations

from stdnum.it import codicefiscale, iva

from gateway.redact.recognizers.table import LABEL_GAP, Row, after

_SIGN = "[0-9LMNPQRSTUV]"


def rows() -> list[Row]:
    return [
        Row(
            "IT_FISCAL_CODE",
            "codice fiscale",
            rf"\b[A-Z]{{3}} ?[A-Z]{{3}} ?{_SIGN}{{2}}[A-EHLMPRST]{_SIGN}{{2}} ?[A-Z]{_SIGN}{{3}} ?[A-Z]\b",
            check=codicefiscale.is_valid,
        ),
        # A wrong check letter, mostly a slip of the pen, still tells who it is.
        Row(
            "IT_FISCAL_CODE",
            "codice fiscale with a slip",
            rf"\b(?-i:[A-Z]{{6}}\d{{2}}[A-EHLMPRST](?:[0-7]\d)[A-Z]{_SIGN}{{3}}[A-Z])\b",
            0.7,
        ),
        after("IT_VAT_CODE", "partita IVA", r"partita iva|p\.? ?iva|\bp\.i\.", r"(?:IT ?)?\d{11}", iva.is_valid),
        after(
            "IT_IDENTITY_CARD",
            "carta d'identità",
            r"carta d['’ ]?identit[àa]'?|\bc\.?i\.?e\.?\b|documento(?: d['’]identit[àa])?",
            r"[A-Z]{2} ?\d{5}[A-Z]{2}|\d{7}[A-Z]{2}|[A-Z]{2} ?\d{7}",
            None,
            LABEL_GAP,
        ),
        after("IT_PASSPORT", "passaporto", r"passaporto", r"[A-Z]{2}\d{7}|[A-Z]\d{6,8}", None, LABEL_GAP),
        after(
            "IT_DRIVER_LICENSE",
            "patente",
            r"patente(?: di guida)?",
            r"[A-Z]{2}\d{7}[A-Z]|U1[A-Z0-9]{7}[A-Z]|[A-Z]{2}\d{7}",
            None,
            LABEL_GAP,
        ),
        after("IT_HEALTH_CARD", "tessera sanitaria", r"tessera sanitaria|\bteam\b.{0,12}tessera", r"80380\d{15}"),
    ]
