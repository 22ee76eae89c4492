"""Passwords and keys without a format of their own: only what they are assigned to says what they are.

`DB_PASSWORD=…`, `"api_key": "…"`, `Passwort: …`, "my password is …". The value alone is found, not the name.
What stands there in code and in questions about passwords is mostly no password: a type, a variable, a call, a word.
"""

from __future__ import annotations

import re

from gateway.redact.recognizers.secrets import SECRET
from gateway.redact.recognizers.table import AFTER_WORD, Row, keyed

_ANNOUNCING = (
    r"pass[_\-]?word|pass[_\-]?wd|passwd|pass[_\-]?phrase|pass[_\-]?code|pwd|kennwort|passwort"
    r"|mot de passe|mdp|contrase[ñn]a"
    r"|contrasenya|senha|palavra[ \-]passe|wachtwoord|has[łl]o|losenord|lösenord|adgangskode"
    r"|passord|salasana|parola d'ordine"
)
_KEY = (
    r"(?:api|access|auth|account|app|application|private|secret|signing|encryption|encrypt|master"
    r"|license|licence|consumer"
    r"|subscription|service|session|deploy|storage|shared|jwt|hmac|aes|webhook)[_\-. ]?key"
    r"|apikey|api[_\-]?secret|client[_\-]?secret|secret|token|access[_\-]?token|auth[_\-]?token"
    r"|credentials?|cred|secret[_\-]?key"
    r"|secret[_\-]?access[_\-]?key|salt|pepper"
)
# What may come after the word and still be part of the name.
_REST = r"(?:[_\-.]?(?:hash|value|val|str|string|text|plain|prod|production|dev|test|staging|old|new|key|\d{1,2}))?"
_SIGN = r"(?:[\"'`\])]{0,2}[ \t]{0,6}(?::=|=>|==?|:)[ \t]{0,6})"
_QUOTED = r"(?:[rbufRBUF]{0,2}(?:\"\K[^\"\n]{4,200}(?=\")|'\K[^'\n]{4,200}(?=')|`\K[^`\n]{4,200}(?=`)))"
_BARE = r"\K[^\s\"'`,;<>(){}\[\]][^\s\"'`,;<>]{2,199}(?<![.,:?)])(?![^\s.,;:!?)\"'`<>\]}])"
_SHELL_FLAG = r"(?:--password|--pass|--passwd|--token|--api-key|--secret)[= ][\"']?"
_SAID = (
    r"(?:[ \t]{1,2}(?:for|to|of|für|zu|vom|pour|de|del|della|des|du|para|per|do|da|van|voor|w)[ \t][^\n:=]{1,40}?)?"
    r"(?:[ \t]{1,2}(?:is|was|ist|war|lautet|est|était|es|era|è|é|jest|to|as|auf|in)\b|[ \t]?[:=])[ \t:\"'`„“«]{1,4}"
)
_SAID_VALUE = r"\K[^\s\"'`„“”«»<>]{3,63}[^\s\"'`„“”«».,;:?)\]<>]"
_PIN = (
    r"pin|pin[ \-]?code|passcode|geheimzahl|code pin|c[óo]digo pin|cvv|cvc|security code|otp|2fa code|verification code"
)
_SAID_PIN = (
    r"(?:[ \t](?:code|for|number|nummer|zur|de|du|della|do)\b[^\n\d:=]{0,24}?)?(?:[ \t]?[:=#]"
    r"|[ \t](?:is|was|ist|lautet|est|es|è|é|jest))[ \t\"']{1,3}"
)
_MY_PIN = (
    r"(?:my|his|her|our|meine|ma|mon|mi|il mio|meu|mijn|m[óo]j)[ \t](?:[a-z]{2,10}[ \t])?(?:pin"
    r"|passcode)(?:[ \-]?code)?"
)

_NO_VALUE = re.compile(
    r"""(?ix)^(?:
        str(?:ing)?|int(?:eger)?|bytes?|bool(?:ean)?|char|varchar.*|text|number|object|any|void|null|none|nil|undefined
        |true|false|yes|no|on|off|required|optional|secretstr|unknown|empty|redacted|hidden|masked|censored|n/?a|todo|tbd
        |password\d?|passwd|pwd|pass|secret|token|apikey|api[_-]?key|example|sample|dummy|placeholder|username|user|value
        |incorrect|invalid|wrong|expired|missing|correct|valid|weak|strong|too|not|reset|forgotten|changed|stored|hashed
        |encrypted|bcrypt|argon2\w*|sha\d+|md5|base64|basic|bearer|digest|oauth2?|jwt|refresh|access|file|env|https?:?/?/?
        |(?:x|\*|\.|•|_|-|\#|\?|0)+
        |[\W_]*(?:your|my|insert|enter|put|replace|change|some|the|add|paste)[-_ .].*
        |[\$%@&{<\[(].*|.*[}>]
        |[\w.]+[(\[].*
        |(?:self|this|os|process|env|config|settings|request|req|args|options|props|state|params|ctx|app|data|user|secrets|vault|import\.meta|var|local)\.[\w.\[\]]+
        |.*\(\)?$
        |xxx.*|\.\.\..*|.*\.\.\.|.*…
        |sha(?:256|384|512)-.*
    )$"""
)
_REFERENCE = re.compile(r"^[A-Za-z]+(?:[_.]\w+|[a-z][A-Z]\w*)*$|^[A-Z][A-Z_]+$")
"""A name in a program, which a bare value is mostly."""
_UUID_OR_DATE = re.compile(r"^\d{4}-\d\d-\d\d|^v?\d+(?:\.\d+)+$")


def _is_password(value: str) -> bool:
    return not _NO_VALUE.match(value) and not value.startswith(("//", "\\"))


def _is_bare_password(value: str) -> bool:
    """A password without quotes: a word of letters only is taken for a variable or for prose."""
    return _is_password(value) and not _REFERENCE.match(value)


def _is_key(value: str) -> bool:
    """A key or token: long, and with digits among its letters, or far from any word."""
    if len(value) < 8 or not _is_password(value) or " " in value or _UUID_OR_DATE.match(value):
        return False
    letters = any(c.isalpha() for c in value)
    return letters and any(c.isdigit() for c in value) and not value.startswith(("http://", "https://", "/", "./"))


def _is_said(value: str) -> bool:
    """A password in a sentence has something that words have not: a digit, or a sign that is not punctuation."""
    if any(c.isdigit() for c in value):
        return _is_password(value)
    return _is_bare_password(value) and any(c in "!@#$%^&*+=~_" for c in value)


_ENVIRONMENT_WORD = r"(?-i:(?:PASSWORD|PASSWD|PWD|PASS|PASSPHRASE|PW)(?:_[A-Z0-9]{1,12})?)"
_ENVIRONMENT_KEY = r"(?-i:(?:SECRET|TOKEN|KEY|CREDENTIALS?|AUTH|SALT|WEBHOOK)(?:_[A-Z0-9]{1,12}){0,2})"
_CREDENTIALS = (
    rf"{AFTER_WORD}(?:credentials?|creds|zugangsdaten|identifiants|credenciales|credenziali|login|log ?in)"
    r"(?:[ \t:=\"'`]|are|is|sind|with|mit|as){1,4}[\w.@\-]{2,40}[ ]?[:/][ ]?"
)
_LONE_WORD = r"[ \t]{0,2}:[ \t]{1,3}\K[a-z]{6,30}(?=[ \t]{0,9}$)"


def rows() -> list[Row]:
    password, key = rf"(?:{_ANNOUNCING}){_REST}", rf"(?:{_KEY}){_REST}"
    return [
        Row(SECRET, "password in quotes", password + _SIGN + _QUOTED, check=_is_password),
        Row(SECRET, "password without quotes", password + _SIGN + _BARE, check=_is_bare_password),
        Row(
            SECRET,
            "password that is a word",
            AFTER_WORD + rf"(?:{_ANNOUNCING})" + _LONE_WORD,
            check=_is_password,
        ),
        Row(SECRET, "key in quotes", key + _SIGN + _QUOTED, check=_is_key),
        Row(SECRET, "key without quotes", key + _SIGN + _BARE, check=_is_key),
        Row(SECRET, "environment password", _ENVIRONMENT_WORD + "=" + _BARE, check=_is_password),
        Row(SECRET, "environment key", _ENVIRONMENT_KEY + "=" + _BARE, check=_is_key),
        Row(SECRET, "option of a command", _SHELL_FLAG + r"\K[^\s\"']{4,200}", check=_is_bare_password),
        Row(
            SECRET,
            "password in a sentence",
            rf"{AFTER_WORD}(?:{_ANNOUNCING}){_SAID}{_SAID_VALUE}",
            check=_is_said,
        ),
        Row(SECRET, "password by its short name", AFTER_WORD + r"(?:pw|pass|kw)" + _SIGN + _BARE, check=_is_said),
        Row(SECRET, "user and password", _CREDENTIALS + r"\K[^\s\"'`<>]{3,63}[^\s\"'`<>.,;:?)]", check=_is_said),
        Row(SECRET, "pin", keyed(_PIN, r"\d{3,8}", _SAID_PIN), 0.8),
        Row(SECRET, "own pin", keyed(_MY_PIN, r"\d{4,8}", r"[ \t:=]{1,3}"), 0.8),
    ]
