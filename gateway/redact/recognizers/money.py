"""Bank accounts and cards.

Stock Presidio misses IBANs in lower case or with unusual separators, cards of thirteen and fewer digits, with dots or
with more than one space, and finds timestamps and barcodes instead. Sources: the IBAN registry (SWIFT, ISO 13616) and
ISO/IEC 7812 with the number ranges that the card schemes publish.
"""

from __future__ import annotations

from itertools import groupby

from stdnum import bic, iban, luhn

from gateway.redact.recognizers.table import END, LABEL_GAP, Row, after, cased, digits, joined, keyed

_SEPARATOR = r"[ \u00a0\u2009\u202f.\-\u2010-\u2015/]"
_LENGTHS = (
    "NO15 BE16 DK18 FK18 FI18 FO18 GL18 NL18 SD18 MK19 SI19 AT20 BA20 EE20 KZ20 LT20 LU20 XK20 "
    "MN20 CH21 HR21 LI21 LV21 "
    "BG22 BH22 CR22 DE22 GB22 GE22 IE22 ME22 RS22 VA22 AE23 GI23 IL23 IQ23 OM23 SO23 TL23 AD24 "
    "CZ24 ES24 MD24 PK24 RO24 "
    "SA24 SE24 SK24 TN24 VG24 LY25 PT25 ST25 IS26 TR26 BI27 DJ27 FR27 GR27 IT27 MC27 MR27 SM27 "
    "AL28 AZ28 BY28 CY28 DO28 "
    "GT28 HN28 HU28 LB28 PL28 NI28 SV28 BR29 EG29 PS29 QA29 UA29 JO30 KW30 MU30 YE30 MT31 SC31 LC32 RU33"
)
"""The length of an IBAN by country."""


def _iban_pattern() -> str:
    """Each country with its length, so that words after an IBAN are not taken for its end."""
    by_length = groupby(sorted(_LENGTHS.split(), key=lambda entry: entry[2:]), key=lambda entry: entry[2:])
    forms = (
        rf"(?:{'|'.join(entry[:2] for entry in entries)})"
        rf"{_SEPARATOR}{{0,2}}\d{_SEPARATOR}{{0,2}}\d(?:{_SEPARATOR}{{0,2}}[A-Z0-9]){{{int(length) - 4}}}"
        for length, entries in by_length
    )
    return rf"(?<![A-Z0-9])(?:{'|'.join(forms)})(?![A-Z0-9])"


def is_iban(value: str) -> bool:
    return iban.is_valid(joined(value), check_country=False)


def is_card(value: str) -> bool:
    """Luhn, and no repetition of one digit, which it accepts, too."""
    number = digits(value)
    return len(set(number)) > 1 and luhn.is_valid(number)


def is_business_code(value: str) -> bool:
    return bic.is_valid(value)


def _card(start: str, rest: int) -> str:
    """Digits that begin like `start` with `rest` more, apart by at most two separators."""
    return rf"(?<![\d.])(?<!\d[\-/]){start}(?:[ \u00a0.\-\u2010-\u2015]{{0,2}}\d){{{rest}}}(?![\d])"


_GROUP = r"[ \u00a0.\-]{0,2}"
_CARD_WORDS = (
    "card", "credit", "debit", "visa", "master", "maestro", "amex", "express", "diners", "discover", "jcb", "karte",
    "kredit", "carte", "bancaire", "bleue", "tarjeta", "crédito", "credito", "carta", "cartão", "cartao", "creditcard",
    "kaart", "karta", "karty", "pay", "charge", "ending",
)  # fmt: skip


def _cards() -> list[Row]:
    """Card numbers. The longest and the shortest share their form with other numbers and need a word as well."""
    sixteen = _card(
        rf"(?:4{_GROUP}\d|5{_GROUP}[0-8]|2{_GROUP}[2-7]|6{_GROUP}\d|3{_GROUP}[05-9]|8{_GROUP}1|9{_GROUP}7)", 14
    )
    short = r"(?<![\d.\-])(?:4\d{12}|(?:50|5[6-8]|6\d)\d{2}[ \-]?\d{4}[ \-]?\d{4,5}|(?:2131|1800)\d{11})(?!\d)"
    return [
        Row("CREDIT_CARD", "card of 16 digits", sixteen, check=is_card),
        Row("CREDIT_CARD", "Amex or card of 15 digits", _card(rf"3{_GROUP}[47]", 13), check=is_card),
        Row("CREDIT_CARD", "Diners Club", _card(rf"3{_GROUP}(?:0{_GROUP}[0-5]|[689]{_GROUP}\d)", 11), check=is_card),
        Row(
            "CREDIT_CARD",
            "card of 18 or 19 digits",
            _card(rf"(?:4{_GROUP}\d|5{_GROUP}[0-8]|6{_GROUP}\d)", 17),
            0.35,
            is_card,
            False,
            _CARD_WORDS,
        ),
        Row(
            "CREDIT_CARD",
            "card of 18 digits",
            _card(rf"(?:5{_GROUP}[06-8]|6{_GROUP}\d)", 16),
            0.35,
            is_card,
            False,
            _CARD_WORDS,
        ),
        Row("CREDIT_CARD", "card of 12, 13 or 15 digits", short, 0.35, is_card, False, _CARD_WORDS),
        Row(
            "CREDIT_CARD",
            "shortened card",
            r"\b\d{4}(?:[ \-]?[*xX•]{2,4}){2,3}[ \-]?\d{4}\b|\b\d{6}[*xX•]{6}\d{4}\b",
            0.6,
        ),
    ]


def _card_details() -> list[Row]:
    """What stands on a card, after words that say so."""
    return [
        after(
            "CREDIT_CARD",
            "card number with a slip",
            r"\bcc\b|(?:credit|debit)[ -]?card(?: (?:number|no\.?|num|#))?|card (?:number|no\.?|#)"
            r"|kreditkarten?(?:nummer|nr)?"
            r"|num[ée]ro de (?:ma )?carte|carte (?:bancaire|bleue)|n[úu]mero de tarjeta|tarjeta de cr[ée]dito"
            r"|carta di credito|cart[ãa]o de cr[ée]dito|creditcard(?:nummer)?|numer karty",
            r"\d{4}[ \-]?\d{4}[ \-]?\d{4}[ \-]?\d{2,4}|\d{4}[ \-]?\d{6}[ \-]?\d{5}|\d{12,19}",
        ),
        after(
            "CREDIT_CARD_CODE",
            "card verification code",
            r"\bcvv2?|\bcvc2?|\bcid\b|security code|prüfziffer|kartenprüf\w*|cryptogramme"
            r"|c[óo]digo de seguran?[çc]?\w*|codice di sicurezza",
            r"\d{3,4}",
            gap=r"[^\n\d]{0,12}?",
        ),
        after(
            "CREDIT_CARD_EXPIRATION",
            "card expiry",
            r"\bexp(?:\.|iry|ires|iration)?(?: date)?|valid (?:thru|through|until)|gültig bis|ablaufdatum"
            r"|g[üu]ltigkeit|expire? le"
            r"|date d['’]expiration|caduca|caducidad|vencimiento|scadenza|validade|vervaldatum|geldig tot"
            r"|wa[żz]n[aey] do",
            r"(?:0[1-9]|1[0-2]) ?[/\-.] ?(?:20)?[2-4]\d",
            gap=r"[^\n\d]{0,12}?",
        ),
    ]


_ACCOUNT = (
    r"(?:bank |checking |savings |giro|current |deposit |brokerage )?account(?: (?:number|no\.?"
    r"|num|nr|#|id))|acct\.?(?: ?(?:number|no\.?|#))?|\ba/c(?: no\.?)?"
    r"|account(?=[ :#]{1,2}\d{6})|bank account|konto(?:nummer|nr)|kontonr|rekening(?:nummer|nr)"
    r"|num[ée]ro de compte|n[°o] de compte|compte bancaire"
    r"|n[úu]mero de cuenta|cuenta bancaria|numero di conto|conto corrente|n[úu]mero da conta"
    r"|conta corrente|\biban|\bclabe|\bccc\b"
    r"|numer (?:konta|rachunku)|rachunk\w{1,3}"
)

_OTHER_COINS = cased(r"\b(?:[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}|ltc1[ac-hj-np-z02-9]{39,59}|addr1[a-z0-9]{50,100})\b")


def rows() -> list[Row]:
    return [
        *_cards(),
        *_card_details(),
        Row("IBAN_CODE", "IBAN", _iban_pattern(), check=is_iban),
        after(
            "IBAN_CODE",
            "IBAN with a slip",
            r"\biban\b",
            rf"[A-Z]{{2}}\d\d(?:{_SEPARATOR}?[A-Z0-9]){{11,30}}",
            None,
            LABEL_GAP,
        ),
        Row("IBAN_CODE", "Polish account", r"\b\d{2}(?: \d{4}){6}\b", check=_is_polish_account),
        after(
            "BIC",
            "BIC",
            r"\bbic\b|\bswift(?:[ /\-]?(?:bic|code))?|swift-?code|bank identifier(?: code)?",
            cased(r"[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?"),
            is_business_code,
            LABEL_GAP,
        ),
        Row(
            "ACCOUNT_NUMBER",
            "account number",
            keyed(_ACCOUNT, rf"(?:[A-Z]{{1,4}}-?)?\d(?:[ .\-/]?\d){{4,25}}{END}", LABEL_GAP),
            0.75,
        ),
        after(
            "VAT_NUMBER",
            "VAT number",
            r"\bvat(?: (?:number|no\.?|id|reg\w*))?|ust-?id\w*|umsatzsteuer-?id\w*"
            r"|\btva(?: intracommunautaire)?|\biva|\bbtw(?:-?nummer|-?id|-?nr)?",
            r"(?=[A-Z]{0,4}\d)(?-i:[A-Z]{2}) ?[A-Z0-9]{1,2}\d(?:[ .]?\d){5,9}[A-Z0-9]{0,3}",
            None,
            LABEL_GAP,
        ),
        Row("CRYPTO", "Ethereum address", r"\b0x[0-9a-f]{40}\b", 0.6),
        Row("CRYPTO", "Monero or Litecoin address", _OTHER_COINS, 0.6),
        after("ACCOUNT_NUMBER", "Bankleitzahl", r"\bblz\b|bankleitzahl", r"\d{3} ?\d{3} ?\d{2}"),
    ]


def _is_polish_account(value: str) -> bool:
    return iban.is_valid("PL" + digits(value), check_country=False)
