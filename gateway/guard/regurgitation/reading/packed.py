"""Files of gzip and xz, unpacked as far as a limit."""

from __future__ import annotations

import gzip
import io
import lzma
import zlib
from typing import IO

from gateway.guard.regurgitation.reading.extracted import Unreadable, too_long

SUFFIXES = (".gz", ".xz")
_MAGIC = {".gz": b"\x1f\x8b", ".xz": b"\xfd7zXZ\0"}
_DAMAGED = "is damaged, or not compressed as its name says"
_DICTIONARY_BYTES = 256 * 2**20
"""What a decompressor of xz may take: the file itself asks for it."""


def unpacked(raw: bytes, suffix: str, limit: int) -> bytes:
    """Raises Unreadable: damaged, too large, or packed more than once."""
    with opened(raw, suffix) as stream:
        content = read_some(stream, limit + 1)
    if len(content) > limit:
        raise too_long("its unpacked content", limit)
    if content.startswith(tuple(_MAGIC.values())):
        raise Unreadable("is packed more than once; unpack it")
    return content


def opened(raw: bytes, suffix: str) -> io.BufferedReader:
    """A stream of what is packed. Raises Unreadable if it is not of the kind that its name says."""
    if not raw.startswith(_MAGIC[suffix]):
        raise Unreadable(_DAMAGED)
    if suffix == ".gz":
        return io.BufferedReader(gzip.GzipFile(fileobj=io.BytesIO(raw)))
    return io.BufferedReader(_Xz(raw))


def read_some(stream: IO[bytes], size: int) -> bytes:
    """At most `size` bytes. Raises Unreadable."""
    try:
        return stream.read(size)
    except (EOFError, OSError, zlib.error, lzma.LZMAError):
        raise Unreadable(_DAMAGED) from None


def read_line(stream: IO[bytes], size: int) -> bytes:
    """The next line, or at most `size` bytes of it. Raises Unreadable."""
    try:
        return stream.readline(size)
    except (EOFError, OSError, zlib.error, lzma.LZMAError):
        raise Unreadable(_DAMAGED) from None


class _Xz(io.RawIOBase):
    """LZMAFile without its blindness: that one gives a decompressor all the memory that a file asks for."""

    def __init__(self, raw: bytes) -> None:
        self._rest = raw
        self._decompressor = _decompressor()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]  # typeshed has no name for a writable buffer before 3.12
        while True:
            if self._decompressor.eof:
                self._rest = self._decompressor.unused_data.lstrip(b"\0")
                if not self._rest:
                    return 0
                self._decompressor = _decompressor()
            if not self._rest and self._decompressor.needs_input:
                raise EOFError
            part = self._decompressor.decompress(self._rest, len(view))
            self._rest = b""
            if part:
                view[: len(part)] = part
                return len(part)


def _decompressor() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_DICTIONARY_BYTES)
