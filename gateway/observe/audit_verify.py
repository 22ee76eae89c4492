"""Whether audit logs are what was written: nothing changed, removed, put in, moved or cut off.

One pass over the files, in any order, with memory for chains and not for lines. Of each chain and file it keeps the
first line's place, the last one's, and the hashes of the lines after the last signature. At the end the pieces of a
chain must join, begin with a first line and reach what heads and later chains say of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from gateway.observe.audit_lines import (
    CLOSED,
    CONTINUED,
    LOST,
    NO_HASH,
    OPENED,
    SIGNED,
    HeadMark,
    Line,
    begun,
    is_line_signed,
    mark_of,
    now,
    read_line,
)
from gateway.observe.audit_reading import raw_lines
from gateway.observe.audit_verdict import Anchor, ChainEnd, Level, Piece, Remark, Torn, Verdict

_MOST_FOUND = 1000
_MOST_TAIL = 200_000
_MOST_TORN = 100
_BEGIN = b'{"time":"'
_MOST_CHAINS = 50_000
_BEGIN_BYTES = 140
_NAME_CHARS = 8
_JITTER = timedelta(seconds=2)
"""Lines of one process are chained in the order in which they came, or almost."""
_FRESH = timedelta(minutes=3)
"""A chain that is written to has a head that is not older: it is written again each minute."""


class Verifier:
    """Reads files and judges them."""

    def __init__(
        self,
        trusted: Collection[str] | None,
        *,
        live: Collection[str] = (),
        is_part: bool = False,
    ) -> None:
        """`trusted`: public keys; None: nobody knows them, so the log is compared with itself. `live`: chains that are
        being written. `is_part`: other files are left out."""
        self._trusted = trusted
        self._anchors: list[Anchor] = []
        self._said_live = live
        self._live: set[str] = set()
        """Those with a fresh head: an old one was put back by somebody."""
        self._is_part = is_part
        self._pieces: dict[str, list[Piece]] = {}
        self._here: dict[str, Piece] = {}
        self._torn: list[Torn] = []
        self._remarks: list[Remark] = []
        self._left_out = 0
        self._keys: dict[str, None] = {}
        self._lines = 0
        self._file = ""

    def read(self, path: Path) -> None:
        """Raises OSError."""
        self._file, self._here = str(path), {}
        for number, raw in raw_lines(path):
            self._lines += 1
            self._line(number, raw)

    def add_heads(self, found: Sequence[tuple[HeadMark, str]], bad: Sequence[Path], source: str) -> None:
        """Heads with the keys that signed them, and files that are none. Before the files are read."""
        for path in bad:
            self._say(Level.FOUND, "is not a head as the gateway writes it", 0, str(path))
        for mark, key in found:
            if self._trusted is not None and key not in self._trusted:
                name = mark.chain[:_NAME_CHARS]
                self._say(
                    Level.FOUND, f"the head of chain {name} is signed by a key that is not among those given", 0, source
                )
            else:
                self._anchors.append(Anchor(mark, source))
                if mark.chain in self._said_live and not _is_earlier(mark.time, now(), _FRESH):
                    self._live.add(mark.chain)

    def verdict(self) -> Verdict:
        """After the last file."""
        ends = [self._chain(chain, pieces) for chain, pieces in self._pieces.items()]
        for anchor in self._anchors:
            if anchor.mark.chain not in self._pieces:
                self._missing(anchor)
        self._unfinished()
        if self._trusted is None and self._pieces:
            self._say(
                Level.OPEN,
                "no public key was given: whoever wrote all of this anew is not found; give --key or --keyset",
            )
        if self._left_out:
            self._remarks.append(Remark(Level.FOUND, "", 0, f"{self._left_out} more findings are left out"))
        return Verdict(tuple(self._remarks), tuple(ends), self._lines, tuple(self._keys))

    def _say(self, level: Level, text: str, line: int = 0, file: str = "") -> None:
        if len(self._remarks) >= _MOST_FOUND:
            self._left_out += level is Level.FOUND
            return
        self._remarks.append(Remark(level, file, line, text))

    def _found(self, number: int, text: str) -> None:
        self._say(Level.FOUND, text, number, self._file)

    def _line(self, number: int, raw: bytes) -> None:
        has_end = raw.endswith(b"\n")
        raw = raw[:-1] if has_end else raw
        line = read_line(raw)
        if line is None:
            self._strange(number, raw)
            return
        if not has_end:
            self._say(
                Level.OPEN, "the last line has no end: it is being written, or something was cut", number, self._file
            )
        if self._torn:
            self._mend(line, raw)
        if not line.is_whole:
            self._found(number, f"{_name(line)} was changed: its hash is another")
        self._place(number, line)
        if line.event in SIGNED or line.signature:
            self._signature(number, line, raw)
        elif line.event == LOST:
            self._lost(number, raw)

    def _strange(self, number: int, raw: bytes) -> None:
        place = begun(raw)
        # Of a line that was cut in its first bytes nobody knows the chain.
        is_cut = place is None and len(raw) < _BEGIN_BYTES and (raw.startswith(_BEGIN) or _BEGIN.startswith(raw))
        has_end = raw.endswith(b'"}' if place else b"}")
        if raw and (place or is_cut) and not has_end and len(self._torn) < _MOST_TORN:
            self._torn.append(Torn(self._file, number, *(place or ("", 0)), raw))
        elif raw.startswith(_BEGIN) and b'"chain":"' not in raw[:_BEGIN_BYTES] and raw.endswith(b"}"):
            self._found(number, "a line in no chain: put in by somebody, or written by an older gateway")
        else:
            self._found(number, "is no line of an audit log")

    def _mend(self, line: Line, raw: bytes) -> None:
        """A line that was begun and could not be ended stands there again, whole."""
        for torn in self._torn:
            if (torn.chain, torn.seq) == (line.chain, line.seq) and raw.startswith(torn.raw):
                self._torn.remove(torn)
                self._say(Level.OPEN, "a line was begun here; it stands again below, whole", torn.line, torn.file)
                return

    def _place(self, number: int, line: Line) -> None:
        piece = self._here.get(line.chain)
        if piece is None and len(self._pieces) >= _MOST_CHAINS and line.chain not in self._pieces:
            self._found(number, f"more than {_MOST_CHAINS} chains; this one is not looked at")
            return
        if piece is None:
            piece = self._here[line.chain] = Piece(self._file, number, line, line, number)
            self._pieces.setdefault(line.chain, []).append(piece)
            if line.event not in (OPENED, CONTINUED):
                self._found(
                    number, f"{_name(line)} is the first of its chain in this file: those before it are missing"
                )
        else:
            last = piece.last
            if line.seq <= last.seq:
                is_same = piece.tail.get(line.seq) == line.hash or line == last
                what = "stands here again" if is_same else f"stands after {last.seq}: repeated or moved"
                self._found(number, f"{_name(line)} {what}")
                return
            if line.seq > last.seq + 1:
                self._found(number, f"before {_name(line)}, {_count(line.seq - last.seq - 1)} missing")
            elif line.prev != last.hash:
                self._found(number, f"{_name(line)} does not follow on the line before, one of them was changed")
            if piece.is_closed:
                self._found(number, f"{_name(line)} stands after the end mark of its chain")
            if line.time < last.time and _is_earlier(line.time, last.time, _JITTER):
                self._say(Level.NOTE, f"the clock went back, from {last.time} to {line.time}", number, self._file)
            piece.last, piece.last_line = line, number
        self._keep(number, piece, line)

    def _keep(self, number: int, piece: Piece, line: Line) -> None:
        if len(piece.tail) < _MOST_TAIL:
            piece.tail[line.seq] = line.hash
        elif len(piece.tail) == _MOST_TAIL and line.event not in SIGNED:
            piece.tail[-1] = ""
            self._found(number, f"more than {_MOST_TAIL} lines of chain {line.chain[:_NAME_CHARS]} without a signature")
        if (line.seq == 0) != (line.event == OPENED) or (line.seq == 0) != (line.prev == NO_HASH):
            self._found(number, f"{_name(line)} is no beginning of a chain, or none that may stand there")

    def _signature(self, number: int, line: Line, raw: bytes) -> None:
        fields = _fields(raw)
        key = fields.get("key")
        if not isinstance(key, str) or not is_line_signed(line, key):
            self._found(number, f"{_name(line)} has no signature, or a wrong one")
            return
        if not line.is_whole:
            return
        if self._trusted is not None and key not in self._trusted:
            self._found(number, f"{_name(line)} is signed by a key that is not among those given: {key}")
            return
        self._keys[key] = None
        piece = self._here.get(line.chain)
        if piece is not None and line == piece.last:
            piece.signed, piece.tail = line.seq, {line.seq: line.hash}
            piece.is_closed = line.event == CLOSED
        if line.event == OPENED:
            self._cites(number, fields)

    def _cites(self, number: int, fields: dict[str, Any]) -> None:
        for known in fields.get("known") or ():
            try:
                mark = mark_of(known)
            except (KeyError, TypeError, ValueError):
                continue
            self._anchors.append(Anchor(mark, f"{self._file}:{number}"))

    def _lost(self, number: int, raw: bytes) -> None:
        fields = _fields(raw)
        self._say(
            Level.OPEN,
            f"{fields.get('count')} events between {fields.get('since')} and {fields.get('until')} were not recorded: "
            "the log could not be written",
            number,
            self._file,
        )

    def _chain(self, chain: str, pieces: list[Piece]) -> ChainEnd:
        pieces.sort(key=lambda piece: piece.first.seq)
        self._begins(pieces[0])
        for before, after in pairwise(pieces):
            self._join(before, after)
        last = max(pieces, key=lambda piece: piece.last.seq)
        signed = max(piece.signed for piece in pieces)
        for anchor in self._anchors:
            if anchor.mark.chain == chain:
                signed = max(signed, self._anchored(anchor, last, signed))
        is_closed = any(piece.is_closed for piece in pieces)
        state = "ended" if is_closed else "being written" if chain in self._live else "no end mark"
        name, at = f"chain {chain[:_NAME_CHARS]}", last.last_line
        if last.last.seq > signed:
            text = f"{name}: its last {_count(last.last.seq - signed)} not signed yet: they could be others, or more"
            self._say(Level.OPEN, text, at, last.file)
        if state == "no end mark":
            text = f"{name} ends here without its end mark: the gateway was killed, still writes, or lines were cut off"
            self._say(Level.OPEN, text, at, last.file)
        return ChainEnd(chain, last.last.seq - pieces[0].first.seq + 1, signed, state)

    def _begins(self, piece: Piece) -> None:
        if piece.first.seq == 0:
            return
        level = Level.NOTE if self._is_part else Level.FOUND
        text = f"before {_name(piece.first)}, {_count(piece.first.seq)} in none of these files"
        self._say(
            level, text if self._is_part else f"{text}; --part if that is as it should be", piece.line, piece.file
        )

    def _join(self, before: Piece, after: Piece) -> None:
        first, last = after.first, before.last
        if first.seq == last.seq + 1:
            if first.prev == last.hash:
                return
            text = f"{_name(first)} does not follow on the end of {before.file}"
        elif first.seq <= last.seq:
            text = f"{_name(first)} and what follows stand in {before.file} too: a copy, or an old file"
        else:
            text = f"before {_name(first)}, {_count(first.seq - last.seq - 1)} missing since {before.file}"
        self._say(Level.FOUND, text, after.line, after.file)

    def _anchored(self, anchor: Anchor, last: Piece, signed: int) -> int:
        """Up to where the anchor holds the chain, or -1."""
        mark, name = anchor.mark, f"chain {anchor.mark.chain[:_NAME_CHARS]}"
        if mark.seq > last.last.seq:
            missing = _count(mark.seq - last.last.seq)
            level = Level.OPEN if self._is_part else Level.FOUND
            self._say(
                level, f"{name}: after this line {missing} missing, says {anchor.source}", last.last_line, last.file
            )
            return -1
        if mark.seq < signed and mark.seq not in last.tail:
            return -1
        if last.tail.get(mark.seq) != mark.hash:
            self._say(Level.FOUND, f"{name}: line {mark.seq} is not the one that {anchor.source} knows", 0, last.file)
            return -1
        return mark.seq

    def _missing(self, anchor: Anchor) -> None:
        level = Level.NOTE if self._is_part else Level.FOUND
        name, lines = f"chain {anchor.mark.chain[:_NAME_CHARS]}", _count(anchor.mark.seq + 1)
        hint = "" if self._is_part else "; --part if that is as it should be"
        self._say(level, f"{name}, at least {lines} in none of these files, but {anchor.source} knows it{hint}")

    def _unfinished(self) -> None:
        """A line of which only the beginning is there can be the last one of a chain that somebody killed."""
        has_open = any(not any(piece.is_closed for piece in pieces) for pieces in self._pieces.values())
        for torn in self._torn:
            if not torn.chain:
                level = Level.OPEN if has_open else Level.FOUND
                self._say(level, "is the beginning of a line, of nobody knows which chain", torn.line, torn.file)
                continue
            pieces: Sequence[Piece] = self._pieces.get(torn.chain, ())
            last = max(pieces, key=lambda piece: piece.last.seq, default=None)
            name = f"line {torn.seq} of chain {torn.chain[:_NAME_CHARS]}"
            if last is not None and last.last.seq == torn.seq - 1 and not last.is_closed:
                self._say(
                    Level.OPEN, f"{name} is there in part: its writer was killed, or it was cut", torn.line, torn.file
                )
            else:
                self._say(Level.FOUND, f"{name} is there in part: it was changed or cut", torn.line, torn.file)


def _fields(raw: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _is_earlier(time: str, than: str, by: timedelta) -> bool:
    try:
        return datetime.fromisoformat(than) - datetime.fromisoformat(time) > by
    except (ValueError, TypeError):
        return True


def _name(line: Line) -> str:
    return f"line {line.seq} of chain {line.chain[:_NAME_CHARS]}"


def _count(lines: int) -> str:
    return f"{lines} lines are" if lines != 1 else "1 line is"
