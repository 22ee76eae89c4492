"""Addresses as people write them to hide them from machines: `jane (at) example dot com`, `j a n e @ x . o r g`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gateway.redact.views.view import Edit, View, edited

WORDS, LETTERS = "normal:words", "normal:letters"
_AT_WORDS = "at|ät|aet|arobase|arobas|arroba|chiocciola|apenstaartje|apestaartje|klammeraffe|małpa|malpa"
_DOT_WORDS = "dot|punkt|punto|ponto|punt|kropka"
_OPEN, _CLOSE = r"[(\[{<]", r"[)\]}>]"
_HINTS = ("dot", "pun", "ponto", "kropka", "arob", "arro")
_MARK_HINTS = ("(at", "[at", "{at", "<at", "(ät", "( at", "[ at", "(@", "[@", " @", "@ ")
_MARKS = "@([{<"
_AT = re.compile(
    rf"(?P<bracket>\s{{0,3}}{_OPEN}\s?(?:{_AT_WORDS}|@)\s?{_CLOSE}\s{{0,3}})"
    rf"|\s{{1,3}}(?P<word>{_AT_WORDS})\s{{1,3}}|(?P<sign>\s{{0,3}}@\s{{0,3}})",
    re.IGNORECASE,
)
_DOT = (
    rf"\s{{0,3}}{_OPEN}\s?(?:{_DOT_WORDS}|point|\.)\s?{_CLOSE}\s{{0,3}}"
    rf"|\s{{1,3}}(?:{_DOT_WORDS}|point)\s{{1,3}}|\.(?!\s)|\s\.\s"
)
_JOINTS = {"underscore": "_", "dash": "-", "hyphen": "-", "minus": "-", "plus": "+"}
_IN_NAME = rf"\s{{1,3}}(?:{'|'.join(_JOINTS)})\s{{1,3}}|\s{{0,3}}{_OPEN}\s?(?:{_DOT_WORDS}|\.)\s?{_CLOSE}\s{{0,3}}"
_NAME_PART = r"[\w+%-]{1,64}"
_NAME = re.compile(
    rf"(?<![\w+%-]){_NAME_PART}(?:(?:{_IN_NAME}|\s{{1,3}}(?:{_DOT_WORDS})\s{{1,3}}|\.){_NAME_PART}){{0,4}}\Z",
    re.IGNORECASE,
)
_NAME_JOINT = re.compile(rf"{_IN_NAME}|\s{{1,3}}(?:{_DOT_WORDS})\s{{1,3}}", re.IGNORECASE)
_LABEL = re.compile(r"[\w-]{1,63}")
_DOMAIN_DOT = re.compile(_DOT, re.IGNORECASE)
_NAME_CHARS = 90
_LABELS = 6
_ENDS = frozenset(
    "com org net edu gov mil int info biz io co ai dev app cloud tech online site store xyz me name eu "
    "de at ch fr be nl lu es pt it pl cz sk hu ro bg gr se no dk fi is ie uk us ca au nz jp kr cn tw in br mx ar cl "
    "ru ua tr il za sg hk li lt lv ee hr si rs example test invalid local".split()
)
_SEPARATORS = r" ._·•|/,*\-"
# Two expressions, since one that begins with a space costs next to nothing.
_SPACED_HINT = re.compile(r" [\w@.+] [\w@.+] [\w@.+](?!\w)")
_SPELLED_HINT = re.compile(r"([._·•|/,*-])[\w@.+]\1[\w@.+]\1[\w@.+](?!\w)")
# Begins with no dot: a row of dots would be tried from each of them to its end.
_SPELLED = re.compile(rf"(?<![\w@])[\w@+]([{_SEPARATORS}])(?:[\w@.+]\1)*[\w@+](?![\w@])")


def spoken(view: View) -> View | None:
    """A view with addresses put together, if any is written in words."""
    text = view.text
    lowered = text.lower()
    marked = any(mark in text for mark in _MARKS) and any(hint in lowered for hint in _MARK_HINTS)
    if not marked and " AT " not in text and not any(hint in lowered for hint in _HINTS):
        return None
    edits: list[Edit] = []
    for at in _AT.finditer(text):
        found = list(_address(text, at))
        if found and (not edits or edits[-1].end <= found[0].start):
            edits += found
    return edited(view, edits) if edits else None


def _address(text: str, at: re.Match[str]) -> Iterator[Edit]:
    """The edits that make an address of the words around an "at", if they are one.

    A plain "at" needs a spoken dot and a known ending behind it: "look at github.com" is no address, nor is "at that
    point in time". In brackets or capitals, or written as sign with spaces around it, it needs less.
    """
    domain = _domain(text, at)
    if not domain:
        return
    begin = max(0, at.start() - _NAME_CHARS)
    name = _NAME.search(text[begin : at.start()])
    if name is None or (at["sign"] == "@" and all(edit.text == text[edit.start : edit.end] for edit in domain)
                        and not _NAME_JOINT.search(name[0])):  # fmt: skip
        return
    for joint in _NAME_JOINT.finditer(name[0]):
        start = begin + name.start() + joint.start()
        word = joint[0].strip(" \t\n([{<>}])").lower()
        yield Edit(start, start + len(joint[0]), _JOINTS.get(word, "."), WORDS)
    yield Edit(at.start(), at.end(), "@", WORDS)
    yield from domain


def _domain(text: str, at: re.Match[str]) -> list[Edit]:
    """The dots of the host name behind an "at", up to the last label that may end one."""
    marked = bool(at["bracket"] or at["sign"]) or (at["word"] == "AT")
    plain = not marked and at["word"].lower() == "at"
    dots: list[Edit] = []
    ended = 0
    label = _LABEL.match(text, at.end())
    spoken_dot = bracketed = False
    while label and len(dots) < _LABELS:
        dot = _DOMAIN_DOT.match(text, label.end())
        label = _LABEL.match(text, dot.end()) if dot else None
        if not dot or not label or (plain and dot[0].strip().lower() == "point"):
            break
        spoken_dot = spoken_dot or dot[0] != "."
        bracketed = bracketed or dot[0].strip()[:1] in tuple("([{<")
        dots.append(Edit(dot.start(), dot.end(), ".", WORDS))
        known = label[0].lower() in _ENDS or ((bracketed or at["bracket"]) and _may_end(label[0]))
        if known and (marked or spoken_dot):
            ended = len(dots)
    return dots[:ended]


def _may_end(label: str) -> bool:
    return label.isalpha() and label.isascii() and 2 <= len(label) <= 24


def respelled(view: View) -> View | None:
    """A view with words put together that are written letter by letter; runs of digits alone are left as they are."""
    text = view.text
    if not _SPACED_HINT.search(text) and not _SPELLED_HINT.search(text):
        return None
    edits: list[Edit] = []
    for run in _SPELLED.finditer(text):
        if any(c.isalpha() or c == "@" for c in run[0]):
            for at, character in enumerate(run[0]):
                start = run.start() + at
                edits.append(Edit(start, start + 1, character if at % 2 == 0 else "", LETTERS))
    if not edits:
        return None
    made = edited(view, edits)
    made.reading = LETTERS
    return made
