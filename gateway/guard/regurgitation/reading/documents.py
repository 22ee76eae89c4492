"""The documents of a source: one per file, or one per line."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import IO

from gateway.guard.regurgitation.reading.core import Document
from gateway.guard.regurgitation.reading.encoding import without_halves
from gateway.guard.regurgitation.reading.extracted import Extracted, Unreadable, too_long
from gateway.guard.regurgitation.reading.kinds import Kind, extract, kind_of
from gateway.guard.regurgitation.reading.limits import Limits
from gateway.guard.regurgitation.reading.packed import opened, read_line
from gateway.guard.regurgitation.reading.sources import Source

_MOST_FAULTS = 100
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Labels:
    """What all documents of a build have in common. `by_name`: ids are names of files, without their folders."""

    public: bool = False
    scopes: tuple[str, ...] = ()
    by_name: bool = False

    def id_of(self, name: str) -> str:
        """The id of a file's document."""
        return os.path.basename(name) if self.by_name else name


@dataclass(frozen=True, slots=True)
class Fault:
    """What could not be read (`is_loss`), or was read in a way that its owner should know of."""

    where: str
    why: str
    is_loss: bool = True


class _TookTooLong(BaseException):
    """Not an Exception: a library that swallows those must not swallow this."""


def content_of(source: Source, limits: Limits) -> bytes:
    """Raises Unreadable."""
    if source.raw is not None or source.path is None:
        return source.raw or b""
    try:
        with source.path.open("rb") as file:
            file.seek(source.start)
            is_piece = source.kind is Kind.LINES and source.end is not None and not kind_of(source.path.name)[1]
            size = (source.end or 0) - source.start if is_piece else limits.file_bytes + 1
            raw = file.read(size)
    except OSError as error:
        raise Unreadable(f"cannot be read ({error.strerror})") from None
    if not is_piece and len(raw) > limits.file_bytes:
        raise too_long("the file", limits.file_bytes)
    return raw


def documents(source: Source, raw: bytes, labels: Labels, limits: Limits) -> Iterator[tuple[Document, str] | Fault]:
    """Each document with its text, or what is wrong with one."""
    if source.kind is Kind.LINES:
        yield from _lines(source, raw, labels, limits)
        return
    try:
        with _time_limit(limits.seconds):
            found = _extracted(source, raw, limits)
    except _TookTooLong:
        yield Fault(source.name, f"took more than {limits.seconds:g} s to read")
    except MemoryError:
        yield Fault(source.name, "takes too much memory to read")
    except RecursionError:
        yield Fault(source.name, "is nested too deep")
    except Unreadable as error:
        yield Fault(source.name, error.why)
    except Exception as error:  # libraries promise nothing about what a hostile file raises
        yield Fault(source.name, f"is damaged ({type(error).__name__})")
    else:
        if not found.text.strip():
            yield Fault(source.name, "has no text", is_loss=False)
        elif found.note:
            yield Fault(source.name, found.note, is_loss=not found.is_whole)
        document = Document(labels.id_of(source.name), labels.public, labels.scopes)
        yield document, without_halves(found.text)


def _extracted(source: Source, raw: bytes, limits: Limits) -> Extracted:
    return extract(raw, source.path.name if source.path else "", limits)


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raises _TookTooLong within the block, again and again until it is left. For the main thread."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _TookTooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _lines(source: Source, raw: bytes, labels: Labels, limits: Limits) -> Iterator[tuple[Document, str] | Fault]:
    """Faults are told of the first lines only: a file that holds no JSON lines has as many as it has lines."""
    faults = 0
    number = source.first_line
    try:
        for number, line in enumerate(_split(source, raw, limits), source.first_line):
            if not line.strip():
                continue
            try:
                yield _of_line(line, f"{labels.id_of(source.name)}:{number}", labels, limits)
            except Unreadable as error:
                faults += 1
                if faults <= _MOST_FAULTS:
                    yield Fault(f"{source.name}:{number}", error.why)
    except Unreadable as error:
        yield Fault(f"{source.name}:{number}", f"{error.why}; what comes after was not read")
    if faults > _MOST_FAULTS:
        yield Fault(source.name, f"{faults - _MOST_FAULTS} more lines could not be read")


def _split(source: Source, raw: bytes, limits: Limits) -> Iterator[bytes]:
    """Raises Unreadable: damaged, or too much for one file or one line."""
    packed = kind_of(source.path.name)[1] if source.path else ""
    stream: IO[bytes] = opened(raw, packed) if packed else io.BytesIO(raw)
    # Unpacked as a stream, so the whole may be large, but not without end.
    left = limits.unpacked_bytes * 16
    most = limits.text_chars * 2
    with stream:
        while line := read_line(stream, most + 1):
            left -= len(line)
            if len(line) > most:
                raise too_long("the line", most)
            if packed and left < 0:
                raise too_long("its unpacked content", limits.unpacked_bytes * 16)
            yield line


def _of_line(line: bytes, name: str, labels: Labels, limits: Limits) -> tuple[Document, str]:
    """Raises Unreadable."""
    try:
        record = json.loads(line.removeprefix(_BYTE_ORDER_MARK))
        if not isinstance(record, dict):
            raise Unreadable('expected an object such as {"id": "7", "text": "…"}')
        given = record.get("text")
        text = given if isinstance(given, str) else "\n".join(_strings(record))
    except ValueError:
        raise Unreadable("is not JSON") from None
    except RecursionError:
        raise Unreadable("is nested too deep") from None
    if len(text) > limits.text_chars:
        raise too_long("its text", limits.text_chars)
    return _document(record, name, labels), without_halves(text)


def _document(record: dict[str, object], name: str, labels: Labels) -> Document:
    given, public, scopes = record.get("id"), record.get("public", labels.public), record.get("scopes", labels.scopes)
    if not isinstance(public, bool):
        raise Unreadable("`public` is true or false")
    if not isinstance(scopes, list | tuple) or not all(isinstance(scope, str) for scope in scopes):
        raise Unreadable('`scopes` is a list such as ["docs:hr"]')
    is_id = isinstance(given, str | int) and not isinstance(given, bool) and given != ""
    return Document(without_halves(str(given)) if is_id else name, public, tuple(scopes))


def _strings(value: object) -> Iterator[str]:
    """All texts within a value. Ids and keys are none. Raises RecursionError."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("id", "scopes"):
                yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
