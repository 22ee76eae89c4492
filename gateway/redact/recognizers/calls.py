"""Phone numbers after a word for them, in the way of any country.

A number without a country code is one of many countries' or of none, so Presidio's recognizer asks in which it is
dialled, and reads eight. Where a word says that it is to be called, it is a number whatever the country.
"""

from __future__ import annotations

import re

from gateway.redact.recognizers.table import Row, digits, keyed

_WORDS = (
    r"(?:please |just )?(?:call|ring|phone|text|dial|reach|whatsapp|sms)(?:ed|ing)?(?: (?:me|him|her|us|them|back|to))?"
    r"(?: (?:at|on|under|via))?"
    r"|(?:my|his|her|their|our) (?:new )?(?:cell|mobile|number|nr)(?: (?:phone|number|is|no\.?|nr))*"
    r"|phone|mobile|cell(?:phone)?|tel|telephone|fax"
    r"|telefon(?:nummer)?|tel\.?-?nr|handy(?:nummer)?|mobil(?:nummer)?|rufnummer"
    r"|ruf(?:en sie)?(?: mich)? an|erreichbar unter"
    r"|t[ée]l[ée]phone|portable|appele[zr](?:[ -]moi)?(?: au)?|joignable au|num[ée]ro"
    r"|tel[ée]fono|m[óo]vil|celular|ll[áa]m(?:ame|eme|e|ar)(?: al)?|mi n[úu]mero(?: es)?"
    r"|cellulare|chiam(?:ami|ate|are|i)(?: al)?|il mio numero(?: [èe])?"
    r"|telefone|telem[óo]vel|lig(?:ue|a|ar)(?:-me)?(?: para)?(?: o)?|contacto|contato|o meu n[úu]mero(?: [ée])?"
    r"|telefoon(?:nummer)?|mobiel|gsm|bel(?:len)?(?: (?:me|mij|naar))?(?: op)?|mijn nummer(?: is)?"
    r"|telefonu?|kom[óo]rka|zadzwo[ńn](?: (?:pod|na))?|dzwoni[ćc](?: pod)?|m[óo]j numer(?: to)?"
    r"|mobilnummer|ring(?: mig| meg)?(?: p[åa])?"
)
_NUMBER = r"\+?\(?\d(?:[ .()/\-]{0,2}\d){6,14}"
_GAP = r"[ \t:.=\"'(#–-]{0,6}?"
_NOT_DIALLED = re.compile(
    r"(?:(?:19|20)\d\d[-./ ]\d\d?[-./ ]\d\d?|\d\d?[-./]\d\d?[-./](?:19|20)?\d\d)(?![-./\d])"
    r"|\d{1,3}(?:\.\d{1,3}){3}(?![.\d])"
)


def rows() -> list[Row]:
    pattern = keyed(_WORDS, _NUMBER, gap=_GAP)
    return [Row("PHONE_NUMBER", "phone number after its word", pattern, 0.75, _may_be_dialled, certain=False)]


def _may_be_dialled(value: str) -> bool:
    """Seven digits or more that are no date and no IP address."""
    return len(digits(value)) >= 7 and not _NOT_DIALLED.match(value)
