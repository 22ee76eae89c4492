"""Whether an address carries something of the prompt to whoever serves it.

A value may be written plainly, with percent signs, in base64, base32 or hexadecimal, or backwards. A few words are no
value: an address about what was asked repeats words of the question. So plain words count where addresses hold data
(behind `?` and `#`, and in names of hosts) from 16 letters on, in a path from 32 on; long numbers, mail addresses and
placeholders count anywhere; words that are encoded count from 8 letters on.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote_plus

from gateway.guard.prompt_texts import PromptTexts

DATA_LETTERS = 16
PATH_LETTERS = 32
ENCODED_LETTERS = 8
_NUMBER = re.compile(r"\d{7,40}")
_MAIL = re.compile(r"[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,4}")
_RUN = re.compile(r"[A-Za-z0-9+/_\-]{8,}={0,6}")
# So many characters make eight bytes, and a letter has one at least.
_BASE64_CHARS, _BASE32_CHARS = 11, 13
_NO_BASE32 = re.compile(r"[^A-Za-z2-7]")
_NO_HEX = re.compile(r"[^0-9A-Fa-f]")
_SIGNS = re.compile(r"[+/_\-=]+")
_UNREADABLE = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
_LETTERS = re.compile(r"[^\W_]+")
_AUTHORITY = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.\-]*:)?[/\\]*([^/?#\\]*)([^?#]*)(.*)", re.DOTALL)
_ROUNDS = 3


Restores = Callable[[str], bool]
"""Whether restoring would put a value of the user's into a text: for a placeholder, or for what stands in for one."""


def carries(address: str, said: PromptTexts, restores: Restores = lambda _: False) -> bool:
    """Whether an address holds a placeholder or a piece of the prompt, unless it stands in the prompt as it is."""
    if said.say(address):
        return False
    plain = _plain(address)
    if _holds(address, plain, said, restores):
        return True
    host, path, rest = _parts(plain)
    if said.repeats(_letters(host), DATA_LETTERS) or said.repeats(_letters(rest), DATA_LETTERS):
        return True
    if said.repeats(_letters(path), PATH_LETTERS) or said.repeats(_letters(plain)[::-1], DATA_LETTERS):
        return True
    return any(
        _has_value(text, said) or said.repeats(_letters(text), ENCODED_LETTERS)
        for run in dict.fromkeys(_runs(plain))
        for text in _decoded(run)
        if text
    )


def host_carries(address: str, host: str, said: PromptTexts) -> bool:
    """Whether the name of an address's host repeats the prompt, unless the address stands there as it is."""
    return said.repeats(_letters(host), DATA_LETTERS) and not said.say(address)


def holds(text: str, said: PromptTexts, restores: Restores = lambda _: False) -> bool:
    """Whether a text holds a placeholder, a long number or a mail address of the prompt; words are none."""
    return _holds(text, _plain(text), said, restores)


def _holds(text: str, plain: str, said: PromptTexts, restores: Restores) -> bool:
    return any(_has_value(one, said) or restores(one) for one in dict.fromkeys((text, plain, plain[::-1])))


def _has_value(text: str, said: PromptTexts) -> bool:
    if said.placeholders is not None and said.placeholders.search(text):
        return True
    return any(number in said.numbers for number in _NUMBER.findall(text)) or any(
        said.say(mail) for mail in _MAIL.findall(text)
    )


def _plain(address: str) -> str:
    for _ in range(_ROUNDS):
        undone = unquote_plus(address)
        if undone == address:
            break
        address = undone
    return address


def _parts(address: str) -> tuple[str, str, str]:
    match = _AUTHORITY.match(address)
    return (match[1], match[2], match[3]) if match else ("", "", address)


def _letters(text: str) -> str:
    """Letters and digits only, without regard to case."""
    return "".join(_LETTERS.findall(text.casefold()))


def _runs(text: str) -> Iterator[str]:
    """What may be encoded: runs of letters and digits, and runs that have the signs of base64 in them, too."""
    for run in _RUN.findall(text):
        yield run
        parts = _SIGNS.split(run)
        if len(parts) > 1:
            yield from (part for part in parts if len(part) >= 8)
            yield from (part for part in run.split("/") if len(part) >= 8)


def _decoded(run: str) -> Iterator[str]:
    """What a run says in base64, base32 and hexadecimal, forwards and backwards, wherever its code begins.

    Where a code has too few characters to say that many letters, or others than its own, it says nothing.
    """
    bare = run.strip("=").replace("-", "+").replace("_", "/")
    if len(bare) < _BASE64_CHARS:
        return
    is_base32 = _NO_BASE32.search(bare) is None and len(bare) >= _BASE32_CHARS
    for text in (bare, bare[::-1]):
        for skipped in range(4):
            piece = text[skipped:]
            piece = piece[: len(piece) - (len(piece) % 4 == 1)]
            if len(piece) >= _BASE64_CHARS:
                yield _read(binascii.a2b_base64, _padded(piece, 4))
        if is_base32:
            yield _read(base64.b32decode, _padded(text.upper(), 8))
        even = len(text) // 2 * 2
        if _NO_HEX.search(text, 0, even) is None:
            yield _read(bytes.fromhex, text[:even])


def _padded(text: str, block: int) -> str:
    return text + "=" * (-len(text) % block)


def _read(decode: Callable[[str], bytes], text: str) -> str:
    """What is decoded if it is a text, but for a letter at each end; else nothing."""
    try:
        read = decode(text).decode(errors="replace").replace("\0", "")
    except (ValueError, binascii.Error):
        return ""
    return read if len(read) >= ENCODED_LETTERS and _UNREADABLE.search(read, 2, len(read) - 2) is None else ""
