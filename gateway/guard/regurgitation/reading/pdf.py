"""The text of a PDF file, page by page."""

from __future__ import annotations

import io

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from gateway.guard.regurgitation.reading.extracted import Extracted, Unreadable, too_long
from gateway.guard.regurgitation.reading.limits import Limits

_DAMAGED = "is damaged, or no PDF file"
_SHOWN_PAGES = 10
_LOCKED = "is encrypted; save a copy without a password"


def pdf_text(raw: bytes, limits: Limits) -> Extracted:
    """Raises Unreadable. Pages are parted by form feeds; what is only a picture has no text."""
    reader = _opened(raw)
    count = _page_count(reader)
    if count > limits.pages:
        raise Unreadable(f"has over {limits.pages} pages; split it")
    pages: list[str] = []
    unread: list[int] = []
    chars = 0
    for number in range(count):
        try:
            text = reader.pages[number].extract_text()
        except Exception:  # a page is full of programs and tables; whatever they break is that page only
            unread.append(number + 1)
            continue
        pages.append(text)
        chars += len(text)
        if chars > limits.text_chars:
            raise too_long("its text", limits.text_chars)
    return _whole(pages, unread)


def _whole(pages: list[str], unread: list[int]) -> Extracted:
    """Raises Unreadable if no page has a text."""
    has_text = any(map(str.strip, pages))
    if not has_text and not unread:
        raise Unreadable("has no text, only pictures perhaps; run character recognition over it")
    if not unread:
        return Extracted("\f".join(pages))
    shown = ", ".join(map(str, unread[:_SHOWN_PAGES])) + (", …" if len(unread) > _SHOWN_PAGES else "")
    why = f"pages that could not be read: {shown}"
    if not has_text:
        raise Unreadable(f"has {why}")
    return Extracted("\f".join(pages), why, is_whole=False)


def _opened(raw: bytes) -> PdfReader:
    try:
        reader = PdfReader(io.BytesIO(raw), strict=False)
        # Many files are encrypted under an empty password only so that they are not changed.
        is_locked = reader.is_encrypted and not reader.decrypt("")
    except (PyPdfError, NotImplementedError):
        raise Unreadable(_DAMAGED if b"/Encrypt" not in raw else _LOCKED) from None
    except Exception:  # pypdf promises nothing about what a damaged file raises
        raise Unreadable(_DAMAGED) from None
    if is_locked:
        raise Unreadable(_LOCKED)
    return reader


def _page_count(reader: PdfReader) -> int:
    try:
        return len(reader.pages)
    except Exception:  # as above; RecursionError for a tree of pages that leads back to itself
        raise Unreadable(_DAMAGED) from None
