"""Tags of HTML that fetch, run or hide something. All others stay as they are.

A tag is made a text by a space behind its `<`: that holds in HTML, in Markdown and in code alike, and stays readable.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

BOUND_CHARS = 1024
_UNDECIDED_CHARS = 256
_NAME_CHARS = 64
_NAME = re.compile(r"<([A-Za-z][^\s/<>]{0,63})")
_CLOSING = re.compile(r"</(?:[A-Za-z][^\s/<>]{0,62})?")
_TAG_NAME = re.compile(r"</?([A-Za-z][A-Za-z0-9\-]{0,61})(?![\w\-])")
_LINK = re.compile(r"<(?:[A-Za-z][A-Za-z0-9+.\-]{1,31}:|www\.)", re.IGNORECASE)
# Without regard to case as _LINK, which so takes a few more letters for Latin ones.
_SCHEME_BEGUN = re.compile(r"[A-Za-z0-9+.\-]{0,32}", re.IGNORECASE)
_END = re.compile(r"[<>=]")
_ACTIVE = frozenset(
    "applet audio base basefont bgsound body button embed form frame frameset head html iframe image img input "
    "isindex link marquee math meta noembed noframes noscript object param picture plaintext portal pre script "
    "select source style svg template textarea title track video xml xmp listing".split()
)
"""Names that fetch, run, send, or change how what follows is read."""
_BLOCK = frozenset(
    "address article aside blockquote caption center col colgroup dd del details dialog dir div dl dt fieldset "
    "figcaption figure footer h1 h2 h3 h4 h5 h6 header hr ins legend li main menu menuitem nav ol optgroup option p "
    "param search section summary table tbody td tfoot th thead tr ul".split()
)
"""Names that begin a block of HTML wherever Markdown is read (CommonMark 0.31, 4.6), some up to their closing tag."""
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
    if text[at + 1] == "/":
        closing = _CLOSING.match(text, at, at + _NAME_CHARS)
        return None if closing and closing.end() == len(text) and not final else True
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
        if len(text) - at >= _UNDECIDED_CHARS:
            return False
        return known not in _ACTIVE if final else None
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


def opened_by(text: str, at: int) -> Literal["", "inline", "block"]:
    """What a tag may open or close (CommonMark 0.31, 4.6); a placeholder is none."""
    match = _TAG_NAME.match(text, at)
    if match is None:
        return ""
    # Names that HTML does not have are the types of some language, mostly: `List<String>`.
    known = match[1].lower()
    return "block" if known in _BLOCK or known in _ACTIVE else "inline"


def is_link(text: str, at: int) -> bool | None:
    """Whether `<` begins an address in brackets; None: more text is needed."""
    if _LINK.match(text, at):
        return True
    rest = text[at + 1 : at + 34]
    return None if at + 1 + len(rest) == len(text) and _SCHEME_BEGUN.fullmatch(rest) else False


PLACEHOLDER = r"(?:<|&lt;|\\u003c)[ ]?[A-Za-z][A-Za-z0-9 _\-\\]{0,72}?[_ \-][1-9][0-9]{0,5}(?![0-9])(?:[ ]?>)?"
"""A placeholder with a bracket before it; what is restored need not have one behind it."""
_OPEN_PLACEHOLDER = re.compile(r"(?:<|&lt;|\\u003c)[ ]?(?:[A-Za-z][A-Za-z0-9 _\-\\]{0,80})?\Z")
_CLOSER_MAY_FOLLOW = re.compile(r"(?<=[0-9])[ ]?\Z")
_LOOK_BACK_OPEN = 96


def may_go_on(text: str, begin: int, end: int) -> bool:
    """Whether something that begins at `begin` and ends at `end` may still go on, because a placeholder may."""
    if end == len(text) or _CLOSER_MAY_FOLLOW.match(text, end):
        return True
    is_near = len(text) - end < _LOOK_BACK_OPEN
    return is_near and _OPEN_PLACEHOLDER.search(text, max(begin, end - _LOOK_BACK_OPEN)) is not None


_LEADS = re.compile(r"(?<![A-Za-z0-9_])(?:(?:xlink:)?href|src|poster|background|((?:image)?srcset|ping))\s*\Z", re.I)
_MAY_LEAD = re.compile(r"(?<![A-Za-z0-9_])(?:form)?action\s*\Z|(?<![A-Za-z0-9_])(?:data|cite|manifest)\s*\Z", re.I)
LOOK_BACK_CHARS = 32
"""How much before a sign of equality tells whether it stands in an attribute that leads somewhere."""
_LEAD = re.compile(r"=\s{0,32}(?:([\"'])|(?=\S))")
_UNQUOTED = re.compile(rf"(?:{PLACEHOLDER}|[^\s>])+")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute that leads somewhere: its value is [begin, end) of a text."""

    begin: int
    end: int
    is_whole: bool
    """Its end has been found."""
    is_list: bool
    """It has several addresses."""
    is_surely: bool
    """What has its name leads somewhere, whatever its value."""


def attribute(text: str, at: int, *, final: bool) -> Attribute | Literal["", "open"]:
    """The attribute whose `=` stands at `at`, if it leads somewhere; "open": more text is needed."""
    before = text[max(0, at - LOOK_BACK_CHARS) : at]
    leads = _LEADS.search(before)
    is_surely = leads is not None or (len(before) == LOOK_BACK_CHARS and before.isspace())
    if not is_surely and not _MAY_LEAD.search(before):
        return ""
    is_list = leads is not None and leads[1] is not None
    lead = _LEAD.match(text, at)
    if lead is None:
        is_blank = not final and len(text) - at <= LOOK_BACK_CHARS + 1
        return "open" if is_blank else Attribute(at + 1, at + 1, False, is_list, is_surely)
    begin, limit = lead.end(), at + BOUND_CHARS
    if lead[1]:
        end = text.find(lead[1], begin, limit)
        is_whole = end >= 0
    else:
        match = _UNQUOTED.match(text, begin, limit)
        end = match.end() if match else begin
        is_whole = end < min(len(text), limit) and not may_go_on(text, begin, end)
    if is_whole or final:
        return Attribute(
            begin, end if end >= 0 else min(len(text), limit), is_whole or len(text) <= limit, is_list, is_surely
        )
    return "open" if len(text) < limit else Attribute(begin, limit, False, is_list, is_surely)
