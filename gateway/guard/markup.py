"""Tags of HTML that fetch, run or hide something. All others stay as they are.

A tag is made a text by a space behind its `<`: that holds in HTML, in Markdown and in code alike, and stays readable.
"""

from __future__ import annotations

import re
from collections.abc import Callable

BOUND_CHARS = 1024
_UNDECIDED_CHARS = 256
_NAME_CHARS = 64
_NAME = re.compile(r"<([A-Za-z][^\s/<>]{0,63})")
_TAG_NAME = re.compile(r"</?[A-Za-z][A-Za-z0-9\-]*(?![\w])")
_LINK = re.compile(r"<(?:[A-Za-z][A-Za-z0-9+.\-]{1,31}:|www\.)", re.IGNORECASE)
_END = re.compile(r"[<>=]")
_ACTIVE = frozenset(
    "applet audio base basefont bgsound body button embed form frame frameset head html iframe image img input "
    "isindex link marquee math meta noembed noframes noscript object param picture plaintext portal pre script "
    "select source style svg template textarea title track video xml xmp listing".split()
)
"""Names that fetch, run, send, or change how what follows is read."""
_PLAIN = frozenset(
    "a b br code col dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i ins kbd li mark ol p s small span strong sub "
    "summary sup table tbody td tfoot th thead tr u ul".split()
)
"""Names whose tags may have attributes, if these are of the few below."""
_ATTRIBUTES = re.compile(
    r"(?:\s+(?:(?:class|id|align|alt|title|width|height|colspan|rowspan|start|type|lang|dir)=\"[^\"<>&\\]*\""
    r"|open|(?:href|src)=\"([^\"<>&\\\s]*)\"))*\s*/?>",
    re.IGNORECASE,
)
_TARGET = re.compile(r"\s(href|src)=\"([^\"]*)\"", re.IGNORECASE)
Fault = Callable[[str], str | None]


def tag(text: str, at: int, fault: Fault, *, images: bool, final: bool) -> bool | None:
    """Whether the tag that begins at `at` may stay; None: more text is needed.

    `images`: images of addresses without a fault may stay. `final`: no more text follows.
    """
    if text[at + 1] in "!?":
        # Comments and instructions end who knows where.
        return False
    name = _NAME.match(text, at)
    if name is None:
        return True
    after, known = name.end(), name[1].lower()
    is_long = after - at > _NAME_CHARS
    if after == len(text) and not final and not is_long:
        return None
    if is_long or text[after : after + 1] in ("", ">"):
        return known not in _ACTIVE
    if text[after] == "<" or (known in _ACTIVE and not (images and known == "img")):
        # `<a<b`: a name for some, the beginning of a second tag for others.
        return False
    return _with_rest(text, at, after, fault, final=final)


def _with_rest(text: str, at: int, after: int, fault: Fault, *, final: bool) -> bool | None:
    """The same for a tag whose name ends at `after`, and which may have attributes."""
    known = text[at + 1 : after].lower()
    sign = _END.search(text, after, at + _UNDECIDED_CHARS)
    if sign is None:
        if final or len(text) - at >= _UNDECIDED_CHARS:
            return known not in _ACTIVE and final
        return None
    if sign[0] != "=":
        return known not in _ACTIVE
    if known not in _PLAIN and known != "img":
        return False
    return _with_attributes(text, at, after, fault, final=final)


def _with_attributes(text: str, at: int, after: int, fault: Fault, *, final: bool) -> bool | None:
    end = text.find(">", after, at + BOUND_CHARS)
    if end < 0:
        return None if not final and len(text) - at < BOUND_CHARS else False
    attributes = text[after : end + 1]
    if not _ATTRIBUTES.fullmatch(attributes):
        return False
    targets = _TARGET.findall(attributes)
    return not any(fault(target) for _, target in targets)


def may_open(text: str, at: int) -> bool:
    """Whether a tag may begin a block of HTML (CommonMark 0.31, 4.6); a placeholder is none."""
    return _TAG_NAME.match(text, at) is not None


def is_link(text: str, at: int) -> bool | None:
    """Whether `<` begins an address in brackets; None: more text is needed."""
    if _LINK.match(text, at):
        return True
    rest = text[at + 1 : at + 34]
    return None if at + 1 + len(rest) == len(text) and re.fullmatch(r"[A-Za-z0-9+.\-]{0,32}", rest) else False
