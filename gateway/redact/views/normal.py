"""Characters that look like others, or like nothing, folded to the plain ones that detectors know.

What prose is full of (curly apostrophes in "don’t", spaced dashes, no-break spaces before a colon, accents, emoji,
words in Cyrillic or Greek) is left alone, so that an ordinary text is not read twice.
"""

from __future__ import annotations

import re
import unicodedata

from gateway.redact.views.view import Edit, disjoint

CHARACTERS = "normal:characters"
TAGS = "encoded:tags"
_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_CONTROLS = "\x00-\x08\x0e-\x1a\x7f"
_INVISIBLE = (
    _CONTROLS + "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
# Digits and letters in other guises; of full-width punctuation only what stands within values.
_COMPATIBLE = (
    "\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2128\u212a-\u212d\u212f-\u2134\u2139\u2145-\u2149"
    "\u2170-\u217f\ufe52\ufe63\ufe6b\uff0b\uff0d-\uff0f\uff10-\uff19\uff20-\uff3a\uff3f\uff41-\uff5a"
    "\U0001d400-\U0001d7ff\U0001f130-\U0001f149\U0001f150-\U0001f169\U0001f170-\U0001f189\U0001fbf0-\U0001fbf9"
)
_ROUND = "\u00b2\u00b3\u00b9\u2070-\u209c\u2460-\u24ff\u2776-\u2793"
_SPACES = "\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_DASHES = "\u2010-\u2015\u2043\u207b\u2212\ufe58\u058a\u30fc"
_WORD_ASIDE = "0-9A-Za-z\u00c0-\u024f@.+_-"
_FOLDED = re.compile(
    rf"(?P<marked>\w?[{_MARKS}]+)"
    rf"|(?P<gone>(?<=[{_WORD_ASIDE}])[{_INVISIBLE}]+|(?<![{_INVISIBLE}])[{_INVISIBLE}]++(?=[{_WORD_ASIDE}]))"
    rf"|(?P<compatible>[{_COMPATIBLE}]+|[{_ROUND}]{{2,}}|(?:(?![0-9])\d)+)"
    # Not where it shortens a word, as in "don’t" and "Ada’s".
    r"|(?P<quote>(?<=\w)[\u02bc\u2018\u2019\u201b\u2032\uff07`\u00b4](?=\w)(?!(?:s|t|re|ve|ll|d|m)\b))"
    rf"|(?P<space>(?<=[\w,.)+-])[{_SPACES}](?=[\w(+]))|(?P<dash>(?<=[\w)])[{_DASHES}](?=[\w(]))"
    # What colours a terminal's lines.
    r"|(?P<colour>\x1b\[[0-9;]{0,24}[A-Za-z])"
    r"|(?P<dot>(?<=[0-9A-Za-z])[\u2024\u3002\uff61\u00b7\u2219\u22c5](?=[0-9A-Za-z]))"
)
_PLAIN = {"gone": "", "colour": "", "quote": "'", "space": " ", "dash": "-", "dot": "."}
_ASCII_SIGNS = "\x1b\x00\x08\x7f"
"""All of what is folded that plain ASCII texts are looked through for."""
_FOREIGN = "\u0250-\u02af\u0370-\u03ff\u0400-\u052f\u0531-\u0587\u1d00-\u1d2b\ua730\ua731"
_MIXED = re.compile(rf"[0-9A-Za-z@][{_FOREIGN}]|[{_FOREIGN}][A-Za-z@]")
_TOKEN = re.compile(rf"[\w@.+-]*[{_FOREIGN}][\w@.+-]*")
# Letters that cannot be told from Latin ones by eye: ours, from the shapes in common fonts.
_ALIKE = str.maketrans(
    "аАВсСԁеЕёЁһНіІїјЈкКӏМмпоОрРԛԚгѕЅтТѵѴԝԜхХуУԌαΑΒεΕΗιΙκΚΜνΝηοΟρΡτΤυΥχΧωΖγօՕոսՍհցզյԼɑɡɩʙɢʜɪʟɴʀʏᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꜰꜱ",
    "aABcCdeEeEhHiIijJkKlMmnoOpPqQrsStTvVwWxXyYGaABeEHiIkKMvNnoOpPtTuYxXwZyoOnuUhgqjLagibghilnryacdejkmoptuvwzfs",
)
_TAGGED = re.compile("[\U000e0020-\U000e007e]+|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{6,}")


def folded(text: str) -> list[Edit]:
    """What of a text is written in characters that stand for plainer ones."""
    if text.isascii() and not any(sign in text for sign in _ASCII_SIGNS):
        return []
    edits = [edit for match in _FOLDED.finditer(text) if (edit := _folded(match)) is not None]
    return disjoint([*edits, *_alike(text)])


def _folded(match: re.Match[str]) -> Edit | None:
    group, old = str(match.lastgroup), match[0]
    new = _PLAIN.get(group)
    if new is None:
        new = _composed(old) if group == "marked" else "".join(map(_compatible, old))
    return None if new == old else Edit(match.start(), match.end(), new, CHARACTERS)


def _composed(cluster: str) -> str:
    """A letter with its accent as one character; one with marks that make up no letter without them."""
    composed = unicodedata.normalize("NFC", cluster)
    if len(composed) == 1 and composed.isalnum():
        return composed
    return cluster[0] if cluster[0].isalnum() else ""


def _compatible(character: str) -> str:
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    code = ord(character)
    if 0x1F150 <= code <= 0x1F189:
        # White letters on black discs and squares have no compatible form: A to Z, twice.
        return chr(ord("A") + (code - 0x1F150) % 32)
    plain = unicodedata.normalize("NFKC", character)
    return plain if plain.isascii() else character


def _alike(text: str) -> list[Edit]:
    """Letters of other scripts in words that have Latin letters too, or that stand at an @."""
    if not _MIXED.search(text):
        return []
    return [
        Edit(token.start() + at, token.start() + at + 1, plain, CHARACTERS)
        for token in _TOKEN.finditer(text)
        if _MIXED.search(token[0])
        for at, (old, plain) in enumerate(zip(token[0], token[0].translate(_ALIKE), strict=True))
        if old != plain
    ]


def tagged(text: str) -> list[Edit]:
    """Texts that nobody sees: in tag characters, or as bytes in variation selectors behind an emoji."""
    if text.isascii():
        return []
    return [
        Edit(match.start() + at, match.start() + at + 1, _untagged(ord(character)), TAGS)
        for match in _TAGGED.finditer(text)
        for at, character in enumerate(match[0])
    ]


def _untagged(code: int) -> str:
    if code < 0xFE10:
        return chr(code - 0xFE00)
    return chr(code - 0xE0000) if code < 0xE0080 else chr(code - 0xE0100 + 16)
