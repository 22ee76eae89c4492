"""Numbers that count, name or date something other than a person."""

from __future__ import annotations

import re

from gateway.redact.precision.surroundings import Surroundings

CHECKED = 1.0
"""The score of a number whose check digits are right."""
_IDENTIFIER_CHARS = re.compile(r"[0-9A-Za-z_-]*$"), re.compile(r"[0-9A-Za-z_-]*")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.I)
_HEX = re.compile(r"[0-9a-fA-F]{16,}")
_CALL = re.compile(
    r"(?:tel|phone|mobil\w*|cell\w*|handy\w*|fax|whats ?app|call(?:ed)?|ring|ph|rufnummer|telefon\w*|t[ée]l[ée]phone|"
    r"tel[ée]fono|cellulare|telemóvel|celular|móvil|portable|telefoon|komórka|numer|reach|dial|text|sms|ssn|social|"
    r"(?:direct|land|hot|private) ?line|(?:my|his|her|our|your|their) number)"
    r"(?:\W|\b(?:is|number|no|nr|nummer|me|at|on|under|unter)\b){0,6}$",
    re.I,
)
_BARE = re.compile(r"\d{7,11}")
_THING = re.compile(
    r"(?:\b(?:order|invoice|ticket|tracking|parcel|shipment|package|issue|bug|pr|pull request|case|ref|reference|sku|"
    r"article|item|part|model|serial|asin|ean|upc|gtin|isbn(?:-1[03])?|issn|doi|build|commit|rev|revision|version|"
    r"port|pid|line|row|col|column|page|chapter|rfc|cve|iso|din|patent|batch|lot|trace|span|"
    r"transaction|epoch|timestamp|seed|size|offset|length|count|total|checksum|crc|"
    r"bestell\w*|auftrag\w*|rechnung\w*|sendung\w*|artikel\w*|vorgang\w*|commande|facture|colis|suivi|pedido|factura|"
    r"encomenda|fatura|ordine|fattura|spedizione|bestelling|factuur|zamówieni[ea]|faktur[ay])"
    r"(?:[ _-]?(?:no|nr|num|number|nummer|numer|id|code|n°|nº))?[.:#=\s\"'n°º(]{1,4}"
    r"|(?<![\w&])\#\s?|\b[A-Z]{2,6}[-_])$",
    re.I,
)
_CALL_HEADS = frozenset(
    """tel pho mob cel han fax wha cal rin ph ruf tél t móv por kom num rea dia tex sms ssn soc lin lan hot""".split()
)
_THING_HEADS = frozenset(
    """ord inv tic tra par shi iss bug pr pul cas ref sku art ite mod ser asi ean upc gti isb iss doi bui com rev ver
    por pid lin row col pag cha rfc cve iso din pat bat lot spa epo tim see siz off len cou tot che crc bes auf rec sen
    vor fac sui ped enc fat spe zam fak""".split()
)
# A path begins with a slash or a host; of a long one only the end may be in sight. `Jane Doe/212…` is none.
_PATH = re.compile(
    r"(?:(?:^|[\s\"'`(<=])(?:\.{1,2}|~)?/|://|\w\.[a-z]{2,}/|[$}]\w*/)\S*(?<=[\w}~.-])/$|(?:^|[\s/])[a-z][a-z_-]*/$"
    r"|^\S{36,}/$"
)
_CALLING_PATH = re.compile(r"(?:wa\.me/|whatsapp\.com/|t\.me/|tel:|callto:)[\w/.?=]*$", re.I)
_OPERATOR_BEFORE = re.compile(r"(?:[*%^]|[=!<>]=|<<|>>|\d\s+[-+])\s*$")
_SIGNS = frozenset("*%^=<>/-+")
_EMPHASIS = "*"
_OPERATOR_AFTER = re.compile(r"\s*(?:[*%^]|[=!<>]=|<<|>>|//)|\s+[-+]\s+\d")
_MONEY_BEFORE = re.compile(r"(?:[$€£¥₹]|\b(?:USD|EUR|GBP|CHF|PLN|BRL|JPY|INR|Rs\.?))\s?-?$")
_UNIT_AFTER = re.compile(
    r"\s?(?:[€£¥%‰°]|\$(?!\w)|(?:bytes?|[kKMGT]i?B|bits?|[mµn]s|sec(?:onds?)?|minutes?|hours?|rows?|records?|lines?|items?|"
    r"users|tokens|times|requests?|req|px|km|kg|mg|hz|[kMG]Hz|EUR|USD|GBP|CHF|PLN|BRL|dollars?|euros?|million|"
    r"inhabitants|people|Einwohner|Zeilen|habitants)\b)"
)
_PLAIN_DIGITS = re.compile(r"\d+(?:[.,_ ]\d{3})*(?:[.,]\d+)?")
_DECIMAL = re.compile(r"[-+]?\d{1,3}\.\d{4,}")
_DATE = re.compile(
    r"(?:\d\] ?- ?)?(?:19|20)\d\d[-./](?:0?[1-9]|1[0-2])[-./](?:0?[1-9]|[12]\d|3[01])(?:[T ]\d.*)?"
    r"|(?:0?[1-9]|[12]\d|3[01])[-./](?:0?[1-9]|1[0-2])[-./](?:19|20)\d\d(?: \d.*)?"
    r"|(?:19|20)\d\d ?[-–/] ?(?:19|20)\d\d"
    r"|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?"
)
_FRACTION_BEFORE = re.compile(r"(?:^|[\s(=:-])\d,$")
_FRACTION_AFTER = re.compile(r",\d{1,4}(?![\d,])")
_EPOCH = re.compile(r"1[4-9]\d{8}(?:\d{3}|\d{6}|\d{9})?")
_VERSION = re.compile(r"\d{1,2}(?:\.\d{1,3}){2,3}")
_MASK = re.compile(r"255\.255(?:\.\d{1,3}){2}")
_GLUED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_EXTENSION = re.compile(r"(?:ext?|x)\.?\s?\d", re.I)
_HASH_WORD = re.compile(
    r"(?:commit|sha-?\d*|md5|hash|digest|checksum|rev(?:ision)?|tree|parent|blob|merge|uuid|guid|etag|trace)"
    r"[\s:=\"'`@(_-]{1,4}(?:id[\s:=\"']{1,3})?$",
    re.I,
)
_PHONES = frozenset({"PHONE_NUMBER", "US_DRIVER_LICENSE", "US_BANK_NUMBER", "US_PASSPORT", "US_ITIN", "US_SSN"})


def is_harmless_number(here: Surroundings, entity: str, score: float) -> bool:
    """For phone numbers, cards and all kinds of numbers of persons, which may have letters in them."""
    if score >= CHECKED:
        return _in_hash(here)
    if _in_identifier(here):
        return True
    heads = here.heads_before()
    if not heads.isdisjoint(_CALL_HEADS) and _CALL.search(here.before):
        return False
    return _is_named(here, heads) or (entity in _PHONES and not here.value.startswith("+") and _is_measured(here))


def is_bare_number(here: Surroundings) -> bool:
    """Whether nothing but some digits in a row say that it is a phone number."""
    return _BARE.fullmatch(here.value) is not None and not _CALL.search(here.before)


def is_harmless_secret(here: Surroundings) -> bool:
    """Hashes and UUIDs that are called so."""
    is_hash = _UUID.fullmatch(here.value) or _HEX.fullmatch(here.value)
    return bool(is_hash and _HASH_WORD.search(here.before))


def _in_hash(here: Surroundings) -> bool:
    """Whether the value is a piece of a UUID or of a longer row of hexadecimal digits."""
    token = _token(here)
    return bool(
        len(token) > len(here.value) and (_UUID.search(token) or (_HEX.fullmatch(token) and not token.isdigit()))
    )


def _token(here: Surroundings) -> str:
    """The value with all that is written in one piece with it."""
    value, before, after = here
    return _IDENTIFIER_CHARS[0].search(before)[0] + value + _IDENTIFIER_CHARS[1].match(after)[0]  # type: ignore[index]


def _in_identifier(here: Surroundings) -> bool:
    """Whether the value is a piece of a UUID, a hash or a longer word."""
    value, before, after = here
    left, right = before[-1:], after[:1]
    if not (left.isalnum() or right.isalnum() or left in ("-", "_") or right in ("-", "_")):
        return bool(_HEX.fullmatch(value)) and not value.isdigit()
    if _UUID.search(_token(here)):
        return True
    if left in _GLUED:
        return not value.startswith("+") and not _CALL.search(before)
    return right in _GLUED and not _EXTENSION.match(after)


def _is_named(here: Surroundings, heads: set[str]) -> bool:
    """Whether the words or signs before a number say that it is that of a thing."""
    before = here.before
    if before.endswith("/") and (path := _PATH.search(before)) and (here.value.isdigit() or "/" in path[0][:-1]):
        return not _CALLING_PATH.search(before)
    if heads.isdisjoint(_THING_HEADS) and before.rstrip()[-1:] not in ("#", "-", "_"):
        return False
    return bool(_THING.search(before))


def _is_measured(here: Surroundings) -> bool:
    """Whether a number is an amount, a date, a moment, a version or a term of a formula."""
    value, before, after = here
    if _PLAIN_DIGITS.fullmatch(value):
        if _MONEY_BEFORE.search(before) or _UNIT_AFTER.match(after):
            return True
        if value.isdigit() and _in_decimal(before, after):
            return True
    if _DATE.fullmatch(value) or _DECIMAL.fullmatch(value) or _EPOCH.fullmatch(value):
        return True
    if (_VERSION.fullmatch(value) and sum(map(str.isdigit, value)) < 8) or _MASK.fullmatch(value):
        return True
    return bool(_PLAIN_DIGITS.fullmatch(value)) and _is_calculated(before, after)


def _is_calculated(before: str, after: str) -> bool:
    if before.endswith(_EMPHASIS) and after.startswith(_EMPHASIS):
        return False
    return bool((before.rstrip()[-1:] in _SIGNS and _OPERATOR_BEFORE.search(before)) or _OPERATOR_AFTER.match(after))


def _in_decimal(before: str, after: str) -> bool:
    """A comma may as well end a cell of a row: it makes a fraction only where no further one is near."""
    ahead = before[-1:] in tuple(".:") and before[-2:-1].isdigit()
    behind = after[:1] in tuple(".:") and after[1:2].isdigit()
    if ahead or behind:
        return True
    if _FRACTION_BEFORE.search(before):
        return not after.startswith(",")
    return bool(_FRACTION_AFTER.match(after)) and before[-1:] not in tuple(",;\n")
