"""The text of a Word file: an archive of XML parts, either of which can be a bomb, so both are read within limits.

The parts and elements are those of ECMA-376, WordprocessingML. What was deleted with changes tracked is left out.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from gateway.guard.regurgitation.reading.extracted import Extracted, Unreadable, too_long
from gateway.guard.regurgitation.reading.limits import Limits

MAIN_PART = "word/document.xml"
_PARTS = re.compile(r"word/(?:document|header\d*|footer\d*|footnotes|endnotes|comments|glossary/document)\.xml")
_MOST_PARTS = 1000
_DAMAGED = "is damaged, or no Word file"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_BREAKS = {"p": "\n", "br": "\n", "cr": "\n", "tab": "\t", "tc": "\t", "noBreakHyphen": "-"}


def docx_text(raw: bytes, limits: Limits) -> Extracted:
    """Raises Unreadable."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            texts = list(_parts(archive, limits))
    except DefusedXmlException:
        raise Unreadable("has XML entities, as no Word file needs") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ParseError, NotImplementedError, ValueError):
        raise Unreadable(_DAMAGED) from None
    except RuntimeError:
        raise Unreadable("is encrypted; save a copy without a password") from None
    return Extracted("\n".join(texts))


def _parts(archive: zipfile.ZipFile, limits: Limits) -> Iterator[str]:
    names = sorted(filter(_PARTS.fullmatch, archive.namelist()), key=lambda name: (name != MAIN_PART, name))
    if MAIN_PART not in names or len(names) > _MOST_PARTS:
        raise Unreadable(_DAMAGED)
    left = limits.unpacked_bytes
    for name in names:
        with archive.open(name) as part:
            bounded = _Bounded(part, left)
            yield "".join(_text(bounded))
            left = bounded.left


class _Bounded(io.RawIOBase):
    """A stream that ends with an error when too much has been read. What an archive says of sizes is not believed."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self.left = limit

    def read(self, size: int = -1) -> bytes:
        content = self._stream.read(size)
        self.left -= len(content)
        if self.left < 0:
            raise too_long("its unpacked content", self._limit)
        return content


def _text(part: io.RawIOBase) -> Iterator[str]:
    """Text by the ends of its elements. Elements are dropped as they end, so that the tree stays small."""
    skipped = 0
    path: list[Element] = []
    for event, element in iterparse(part, events=("start", "end")):
        if event == "start":
            path.append(element)
            skipped += element.tag == _FALLBACK
            continue
        path.pop()
        tag = element.tag
        if tag == _FALLBACK:
            skipped -= 1
        elif not skipped:
            name = tag.removeprefix(_W).removeprefix(_STRICT)
            yield (element.text or "") if name == "t" else _BREAKS.get(name, "")
        element.clear()
        if path:
            path[-1].remove(element)
