"""The text of a page as a reader sees it: a word that markup cuts in two is one, what stands apart stays apart."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from gateway.guard.regurgitation.reading.encoding import declared, decoded
from gateway.guard.regurgitation.reading.extracted import Extracted

_UNSEEN = ("script", "style", "template", "noscript", "svg", "head > meta")
_BLOCKS = frozenset(
    "address article aside blockquote body br caption center dd details dialog dir div dl dt fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li main menu nav ol optgroup option p pre "
    "search section select summary table tbody td tfoot th thead title tr ul".split()
)
_CHARSET = re.compile(rb"""<(?:meta|\?xml)\b[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]{2,40})""", re.I)
_LOOKED_AT = 2048
_SPACES = re.compile(r"[ \t\r\n]+")


def html_text(raw: bytes) -> Extracted:
    """Raises Unreadable for what is no text at all."""
    says = _CHARSET.search(raw[:_LOOKED_AT])
    page = declared(raw, says[1].decode("ascii", "replace")) if says else decoded(raw)
    tree = LexborHTMLParser(page.text)
    tree.strip_tags(list(_UNSEEN))
    root = tree.root
    return Extracted("".join(_pieces(root)).strip() if root else "", page.note)


def _pieces(root: LexborNode) -> Iterator[str]:
    for node in root.traverse(include_text=True):
        before = node.prev
        if node.tag in _BLOCKS or (before is not None and before.tag in _BLOCKS):
            yield "\n"
        if node.tag == "-text":
            yield _SPACES.sub(" ", node.text_content or "")
        elif node.tag == "img":
            yield f" {node.attributes.get('alt') or ''} "
