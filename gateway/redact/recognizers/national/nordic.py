"""Denmark, Sweden, Norway, Finland. Sources: python-stdnum, which follows CPR, Skatteverket, Skatteetaten and DVV."""

from __future__ import annotations

from stdnum.dk import cpr
from stdnum.fi import hetu
from stdnum.no import fodselsnummer
from stdnum.se import personnummer

from gateway.redact.recognizers.table import LABEL_GAP, Row, after


def rows() -> list[Row]:
    return [
        Row(
            "DK_CPR",
            "CPR",
            r"\b[0-3]\d[01]\d{3}[- ]?\d{4}\b",
            0.3,
            cpr.is_valid,
            certain=False,
            context=("cpr", "personnummer", "personnr", "født", "danish"),
        ),
        # Since 2007 CPR numbers are given out without check digits.
        after("DK_CPR", "CPR after its name", r"\bcpr(?:-?(?:nr|nummer))?\b", r"[0-3]\d[01]\d{3}[- ]?\d{4}"),
        Row(
            "SE_PERSONNUMMER",
            "personnummer",
            r"\b(?:19|20)?\d{2}[01]\d[0-9]\d[-+]\d{4}\b",
            check=personnummer.is_valid,
        ),
        after(
            "SE_PERSONNUMMER",
            "personnummer without sign",
            r"person-?(?:nummer|nr)|samordningsnummer|\bpnr\b",
            r"(?:19|20)?\d{2}[01]\d\d\d[-+ ]?\d{4}",
        ),
        Row(
            "NO_FODSELSNUMMER",
            "fødselsnummer",
            r"\b[0-7]\d[0-5]\d{3} ?\d{5}\b",
            check=fodselsnummer.is_valid,
        ),
        Row(
            "FI_PERSONAL_IDENTITY_CODE",
            "henkilötunnus",
            r"\b[0-3]\d[01]\d{3}[-+A-FU-Y]\d{3}[0-9A-Y]\b",
            check=hetu.is_valid,
        ),
        after(
            "NORDIC_PASSPORT",
            "Nordic passport or licence",
            r"pass(?:nummer|nr)|pasnummer|passin numero|kørekort\w*|körkort\w*|førerkort\w*|ajokort\w*",
            r"(?=[^\s]{0,8}\d{4})[A-Z]{0,2}\d{6,9}",
            None,
            LABEL_GAP,
        ),
    ]
