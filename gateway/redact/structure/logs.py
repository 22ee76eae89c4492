"""Who a log line, a path or a comment in code names: sshd, sudo, access logs, home directories, author tags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.redact.pieces import PIECE_CHARS, matches, pieces
from gateway.redact.structure.found import LIKELY, Found
from gateway.redact.structure.name_shapes import NAME, is_personal
from gateway.redact.structure.shapes import GENERIC_USERS

_USER = r"[^\W_][\w.+-]{1,39}"
_HOME = re.compile(r"(?:/home/|/export/home/|/var/home/|/Users/|/var/mail/)([^\W_][^/\\\s:\"'<>|,;(){}\[\]$*?`]{1,39})")
_WINDOWS_HOME = re.compile(
    r"\b[A-Za-z]:(?:\\{1,2}|/)(?:Users|Documents and Settings|Benutzer)(?:\\{1,2}|/)"
    r"([^\W_][^/\\\n:\"'<>|,;(){}\[\]$*?`]{1,39})(?=[/\\\n\"'<>|)\]`]|$)",
    re.I,
)
_DRIVE = re.compile(r":[\\/](?<=\b[A-Za-z\u017f\u212a\u0130\u0131]:[\\/])")
"""What each of them has; the schemes of addresses are no drives."""
_PROFILE = re.compile(r"/users?/([a-z]{2,20}[.-][a-z]{2,20}(?:[.-][a-z]{2,20})?)(?=[/?#\s\"'<>)]|$)")
_TILDE = re.compile(r"(?<![\w~/.])~([a-z][\w.-]{2,30})/")
_FOR_USER = re.compile(
    # In prose "user" is half of many words: what follows a name says that it is one.
    r"\b(?:for|by|from|as|of)\s(?:invalid\s|illegal\s)?user\s[\"'`]?"
    rf"(?:([^\W_][^\W\d_]{{0,30}}[\d_.+-]\w[\w.+-]{{0,30}})|({_USER})(?![\w+-])"
    r"(?=[\"'`\]]|\s?\(|\s(?:from|on|at|by|via|port|uid|logged|failed|denied)\b|[.,;:]?\s*(?:\n|$)))"
    rf"|\b(?:Accepted|Failed)\s[\w/-]{{3,30}}\sfor\s(?:invalid user\s)?({_USER})\sfrom\s"
    rf"|\b(?:Invalid|Illegal|invalid)\suser\s({_USER})\s(?:from|port)\b"
    rf"|\bsudo:\s{{1,6}}({_USER})\s:"
    rf"|\b[Uu]ser\s[\"'`]({_USER})[\"'`]"
    rf"|\b(?:su|login|LOGIN)(?:\[\d+\])?:\s(?:user\s)?({_USER})\s(?:logged|to)\b"
)
_ACCESS = re.compile(rf"^(?:[\da-fA-F.:]{{7,39}}|[\w.-]+\.[a-z]+)\s-\s({_USER})\s\[", re.M)
_TAG = re.compile(
    rf"(?:@author:?|[\\@]authors?|\(c\)|\(C\)|©|Copyright|Created by|Maintainer:?|Written by|Erstellt von)\s{{1,3}}"
    rf"(?:(?:\(c\)|\(C\)|©)\s)?(?:\d{{4}}(?:\s?[-–,]\s?\d{{4}})*,?\s)?(?:by\s)?({NAME})"
)
_REMINDER = re.compile(r"\b(?:TODO|FIXME|XXX|HACK|NOTE|BUG)\s?\(@?([a-z][\w.-]{1,30}|[A-Z][a-zà-ÿ]{2,20})\)")
_TRAILER = re.compile(
    rf"^\s{{0,8}}(?:Signed-off-by|Reviewed-by|Co-authored-by|Acked-by|Tested-by|Reported-by|Author|Committer):\s({NAME})",
    re.M,
)
_NO_TAGGED = frozenset("all the inc foundation rights authors contributors apache google microsoft mozilla".split())


def find_logs(text: str) -> Iterator[Found]:
    yield from _homes(text)
    if (
        ("ser " in text and ("user " in text or "ser '" in text or 'ser "' in text))
        or "sudo:" in text
        or "Accepted " in text
        or "Failed " in text
    ):
        for match in matches(_FOR_USER, text):
            yield from _user(*_group(match))
    if " - " in text and "[" in text:
        yield from _users(_ACCESS, text)
    yield from _comments(text)


def _homes(text: str) -> Iterator[Found]:
    has_slash = "/" in text
    if has_slash and ("/home/" in text or "/Users/" in text or "/var/mail/" in text):
        yield from _users(_HOME, text)
    if (":\\" in text or (has_slash and ":/" in text)) and _DRIVE.search(text):
        yield from _users(_WINDOWS_HOME, text)
    if has_slash and "/user" in text:
        yield from _users(_PROFILE, text)
    if "~" in text:
        yield from _users(_TILDE, text)


def _users(pattern: re.Pattern[str], text: str) -> Iterator[Found]:
    for match in matches(pattern, text):
        yield from _user(match[1], match.start(1))


def _group(match: re.Match[str]) -> tuple[str, int]:
    number = match.lastindex or 0
    return match[number], match.start(number)


def _user(name: str, start: int) -> Iterator[Found]:
    name = name.rstrip(".-")
    if len(name) > 1 and name.casefold() not in GENERIC_USERS and not name.isdigit():
        yield Found(start, start + len(name), "USERNAME")


_TAG_HINTS = ("uthor", "aintainer", "opyright", "(c)", "©", "ed by", "(C)")
_REMINDER_HINTS = ("TODO", "FIXME", "XXX", "HACK", "NOTE")
_TRAILER_HINTS = ("-by:", "uthor:", "ommitter:")


def _has(text: str, hints: tuple[str, ...]) -> bool:
    if len(text) > PIECE_CHARS:
        return any(hint in piece for piece in pieces(text) for hint in hints)
    for hint in hints:  # noqa: SIM110 - every text is asked, and this takes half of the time
        if hint in text:
            return True
    return False


def _comments(text: str) -> Iterator[Found]:
    if _has(text, _TAG_HINTS):
        for match in matches(_TAG, text):
            if is_personal(match[1]) and match[1].split()[0].casefold() not in _NO_TAGGED:
                yield Found(*match.span(1), "PERSON", LIKELY)
    if "(" in text and _has(text, _REMINDER_HINTS):
        yield from _users(_REMINDER, text)
    if ":" in text and _has(text, _TRAILER_HINTS):
        for match in matches(_TRAILER, text):
            if is_personal(match[1]):
                yield Found(*match.span(1), "PERSON")
