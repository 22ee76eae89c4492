"""The Netherlands and Poland. Sources: python-stdnum; Dz.U. 2010 nr 167 and ICAO 9303 for the Polish identity card."""

from __future__ import annotations

from stdnum.nl import bsn
from stdnum.pl import nip, pesel, regon

from gateway.redact.recognizers.table import LABEL_GAP, Row, after, cased, joined


def identity_card(value: str) -> bool:
    """The check digit, the first one, of a Polish dowód osobisty: letters count from ten."""
    number = joined(value)
    factors = (7, 3, 1, 0, 7, 3, 1, 7, 3)
    total = sum(int(sign, 36) * factor for sign, factor in zip(number, factors, strict=True))
    return total % 10 == int(number[3])


def rows() -> list[Row]:
    return [
        Row(
            "NL_BSN",
            "burgerservicenummer",
            r"\b\d{4}[ .]?\d{2}[ .]?\d{3}\b|\b\d{3}[ .]\d{3}[ .]\d{3}\b",
            0.3,
            bsn.is_valid,
            certain=False,
            context=("bsn", "burgerservice", "sofi", "persoonsnummer"),
        ),
        after(
            "NL_BSN",
            "burgerservicenummer with a slip",
            r"\bbsn(?:-?nummer)?|burgerservicenummer|sofi-?nummer",
            r"\d{8,9}",
        ),
        after(
            "NL_ID_CARD",
            "Dutch document",
            r"documentnummer|id-?kaart(?:nummer)?|identiteitskaart(?:nummer)?|paspoort(?:nummer|nr)?"
            r"|rijbewijs(?:nummer)?",
            r"(?=[^\s]{0,8}\d)[A-Z]{2}[A-Z0-9]{6}\d|\d{10}",
            None,
            LABEL_GAP,
        ),
        after(
            "NL_VAT", "btw-id of a person", r"btw(?:-(?:id|nummer|nr))?|\bvat", r"NL ?\d{9} ?B ?\d{2}", None, LABEL_GAP
        ),
        Row("PL_PESEL", "PESEL", r"\b\d{2}[0-3]\d[0-3]\d{6}\b|\b\d{2}[89]\d[0-3]\d{6}\b", check=pesel.is_valid),
        after("PL_PESEL", "PESEL with a slip", r"\bpesel", r"\d{11}"),
        Row(
            "PL_NIP",
            "NIP",
            r"\b(?:PL ?)?\d{3}-\d{3}-\d{2}-\d{2}\b|\b(?:PL ?)?\d{3}-\d{2}-\d{2}-\d{3}\b",
            check=nip.is_valid,
        ),
        after("PL_NIP", "NIP after its name", r"\bnip(?:-?ue)?\b", r"(?:PL ?)?\d{3}[ -]?\d{2,3}[ -]?\d{2}[ -]?\d{2,3}"),
        after("PL_REGON", "REGON", r"\bregon", r"\d{9}|\d{14}", regon.is_valid),
        Row("PL_ID_CARD", "dowód osobisty", cased(r"\b[A-Z]{3} ?\d{6}\b"), 0.3, identity_card, False, _CARD_WORDS),
        after(
            "PL_ID_CARD",
            "dowód with a slip",
            r"dow[óo]d(?:u|em)?(?: osobist\w{1,4})?(?: seri\w{1,2})?",
            r"[A-Z]{3} ?\d{6}",
            None,
            LABEL_GAP,
        ),
        after("PL_PASSPORT", "paszport", r"paszport\w{0,3}", r"[A-Z]{2} ?\d{7}", None, LABEL_GAP),
        after("PL_DRIVER_LICENSE", "prawo jazdy", r"praw[oa] jazdy", r"\d{5}/\d{2}/\d{4}", None),
    ]


_CARD_WORDS = ("dowód", "dowod", "osobist", "seria")
