"""Which kind of file a name stands for, and whether its content agrees."""

from __future__ import annotations

from enum import StrEnum

from gateway.guard.regurgitation.reading.docx import docx_text
from gateway.guard.regurgitation.reading.encoding import decoded
from gateway.guard.regurgitation.reading.extracted import Extracted, Unreadable, too_long
from gateway.guard.regurgitation.reading.html import html_text
from gateway.guard.regurgitation.reading.limits import Limits
from gateway.guard.regurgitation.reading.packed import SUFFIXES, unpacked
from gateway.guard.regurgitation.reading.pdf import pdf_text


class Kind(StrEnum):
    """How a file is read."""

    TEXT = "text"
    HTML = "html"
    PDF = "pdf"
    DOCX = "docx"
    LINES = "JSON lines"
    PICTURE = "picture"
    """Pictures, sounds, films: what has no text, and is passed over."""


_BY_SUFFIX = {
    **dict.fromkeys((".html", ".htm", ".xhtml"), Kind.HTML),
    **dict.fromkeys((".jsonl", ".ndjson"), Kind.LINES),
    **dict.fromkeys(
        ".png .jpg .jpeg .gif .webp .bmp .ico .tif .tiff .heic .avif .mp3 .wav .flac .ogg .m4a .mp4 .mov .avi .mkv "
        ".webm .woff .woff2 .ttf .otf".split(),
        Kind.PICTURE,
    ),
    ".pdf": Kind.PDF,
    ".docx": Kind.DOCX,
}
# What a file of one kind begins with, and no other file.
_MAGIC = (
    (b"%PDF-", "a PDF file", Kind.PDF),
    (b"PK\x03\x04", "an archive or office file", Kind.DOCX),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or encrypted office file; save it as .docx without a password", None),
    (b"\x1f\x8b", "a gzip file; name it .gz", None),
    (b"\xfd7zXZ\0", "an xz file; name it .xz", None),
)
_PDF_HEADER_WITHIN = 1024


def kind_of(name: str) -> tuple[Kind, str]:
    """By the suffixes of a name, and the suffix of what it is packed with, or "". Any other name is taken for text."""
    base, packed = split_packed(name.lower())
    suffix = base[base.rfind(".") :] if "." in base else ""
    return _BY_SUFFIX.get(suffix, Kind.TEXT), packed


def split_packed(name: str) -> tuple[str, str]:
    """`notes.txt`, `.gz` of `notes.txt.gz`."""
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)], suffix
    return name, ""


def extract(raw: bytes, name: str, limits: Limits) -> Extracted:
    """The text of a file that holds one document. Raises Unreadable."""
    kind, packed = kind_of(name)
    if packed:
        raw = unpacked(raw, packed, limits.unpacked_bytes)
    _check(raw, kind)
    found = _extract(raw, kind, limits)
    if len(found.text) > limits.text_chars:
        raise too_long("its text", limits.text_chars)
    return found


def _extract(raw: bytes, kind: Kind, limits: Limits) -> Extracted:
    match kind:
        case Kind.PDF:
            return pdf_text(raw, limits)
        case Kind.DOCX:
            return docx_text(raw, limits)
        case Kind.HTML:
            return html_text(raw)
        case _:
            return decoded(raw)


def _check(raw: bytes, kind: Kind) -> None:
    """Raises Unreadable if the content is not of the kind: a text would be made of bytes that are none."""
    for magic, what, belongs in _MAGIC:
        if raw.startswith(magic) and belongs is not kind:
            raise Unreadable(f"is {what}, by its first bytes; give it the name of what it is")
    if kind is Kind.PDF and b"%PDF-" not in raw[:_PDF_HEADER_WITHIN]:
        raise Unreadable("is no PDF file, by its first bytes; give it the name of what it is")
    if kind is Kind.DOCX and not raw.startswith(b"PK"):
        raise Unreadable("is no Word file, by its first bytes; give it the name of what it is")
