"""The audit log: one JSON line per exchange and per act of an administrator, with kinds and counts and never content.

Each worker writes a chain of its own (gateway.observe.audit_lines) to the file that all share. A line is written where
the exchange ends, so that a process that is killed has written what it did. A thread does what takes longer: it signs,
brings to the disk, moves full files aside, and writes again what could not be written. While it is at work lines wait
in memory, so nobody waits for a disk.

Whoever answers requests asks `check` first: nothing is done that could not be recorded (fail closed).
"""

from __future__ import annotations

import atexit
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from gateway.errors import Unavailable
from gateway.observe.audit_file import AuditFile, Written
from gateway.observe.audit_heads import Heads
from gateway.observe.audit_lines import (
    CHECKPOINT,
    CLOSED,
    CONTINUED,
    FORMAT,
    LOST,
    NO_HASH,
    OPENED,
    Body,
    Pseudonym,
    blank_body,
    body_of,
    linked,
    linked_and_signed,
)
from gateway.observe.events import ExchangeEvent
from gateway.seal.signing import Signer, Signers
from gateway.settings import ConfigurationError


@dataclass(frozen=True, slots=True)
class State:
    """What a log has done since it was opened. `quiet_s`: since its last line; None if there is none."""

    lines: int
    lost: int
    failures: int
    quiet_s: float | None


Fsync = Literal["always", "interval", "never"]
"""When lines are brought to the disk: as soon as the thread can, once a second, or when the system likes."""
OnFailure = Literal["stop", "buffer"]
"""What if nothing can be written: refuse requests at once, or when as much waits in memory as may."""

BUFFER_BYTES = 16 * 2**20
CHECKPOINT_LINES, CHECKPOINT_S = 1000, 60.0
HEAD_S = 60.0
"""So old may a head become though nothing is written: an older one is not that of a chain that somebody writes."""
_TICK_S = 1.0
_OFTEN_S = 0.9
"""No sooner is a head written again, or an `interval` over."""
_INLINE_LINES = 8
"""More than so many are left to the thread: whoever ends an exchange has others to serve."""
_BATCH_LINES = 512
_QUIET_S = 60.0
_BODY_BYTES = 256
_JOIN_S = 10.0
_LOG = logging.getLogger("gateway")


class AuditLog:
    """Appends to a file (`-`: standard output). `exchange_done` and `check` are for one thread, the event loop's."""

    def __init__(
        self,
        target: str,
        *,
        signer: Callable[[], Signer] | None = None,
        pseudonym: Pseudonym | None = None,
        fsync: Fsync = "interval",
        on_failure: OnFailure = "stop",
        max_bytes: int = 0,
        buffer_bytes: int = BUFFER_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Opens the file. The chain begins with `start` or with the first event.

        `signer`: gives the key that signs now; without it, one that ends with the process. `pseudonym`: of subjects;
        without it none are written. `max_bytes`: a file of that size is moved aside; 0: never. `buffer_bytes`: how much
        may wait in memory. Raises ConfigurationError if the file cannot be written.
        """
        self._file = AuditFile(target, max_bytes)
        self._chain = secrets.token_hex(16)
        self._heads = Heads(self._file.path, self._chain) if self._file.path and self._file.is_regular else None
        self._signer = signer or Signers.ephemeral()
        self._pseudonym = pseudonym
        self._fsync, self._on_failure, self._most_bytes = fsync, on_failure, buffer_bytes
        self._clock = clock
        self._seq, self._prev = 0, NO_HASH
        self._announce = OPENED
        self._known: list[dict[str, Any]] = []
        self._waiting: deque[Body] = deque()
        self._came_bytes, self._went_bytes = 0, 0
        self._lost, self._lost_told = 0, 0
        self._lost_since, self._lost_until = "", ""
        self._broken: str = ""
        self._said_s = float("-inf")
        self._failures = 0
        self._written_s: float | None = None
        self._checked_seq, self._checked_s = 0, clock()
        self._headed_seq, self._headed_s = 0, float("-inf")
        self._synced_seq, self._synced_s = 0, float("-inf")
        self._thread: threading.Thread | None = None
        self._closed = False
        # Whoever has it may chain and write. The event loop takes it if it is free and never waits for it.
        self._turn = threading.Lock()
        self._wake, self._ending = threading.Event(), threading.Event()

    @property
    def chain(self) -> str:
        """The id of this process' chain."""
        return self._chain

    @property
    def waiting_bytes(self) -> int:
        """How much waits in memory to be written."""
        return self._came_bytes - self._went_bytes

    @property
    def is_healthy(self) -> bool:
        """Whether lines are written, as far as is known."""
        return not self._broken

    @property
    def state(self) -> State:
        """For who watches it."""
        quiet_s = None if self._written_s is None else self._clock() - self._written_s
        return State(self._seq, self._lost, self._failures, quiet_s)

    def start(self) -> None:
        """Begin the chain: its first line is written, if it can be. Once is enough."""
        if self._thread is not None or self._closed:
            return
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._open_heads()
        self._tick()
        self._thread.start()
        atexit.register(self.close)

    def check(self) -> None:
        """Raises Unavailable if an exchange that begins now might not be recorded."""
        stops = bool(self._broken) and self._on_failure == "stop"
        if stops or self._came_bytes - self._went_bytes >= self._most_bytes:
            raise Unavailable("The gateway cannot write its audit log, so it serves nobody now; try again in a moment.")

    def exchange_done(self, event: ExchangeEvent) -> None:
        """Write a line, or leave it to the thread. It never waits for the disk and never raises."""
        if self._closed:
            _LOG.error("an exchange ended after the audit log did", extra={"request_id": event.request_id})
            return
        if self._thread is None:
            self.start()
        subject = self._pseudonym(event.tenant, event.subject) if self._pseudonym and event.subject else ""
        body = body_of(event, subject)
        if not self._has_room(event):
            self._lose(body)
            return
        self._came_bytes += _size(body)
        self._waiting.append(body)
        if self._broken or self._announce or len(self._waiting) > _INLINE_LINES:
            if not self._broken:
                self._wake.set()
        elif self._turn.acquire(blocking=False):
            try:
                self._drain(wait=False)
            finally:
                self._turn.release()
            if self._fsync == "always" or self._seq - self._checked_seq >= CHECKPOINT_LINES or self._file.is_full:
                self._wake.set()
        else:
            # The thread may have looked for the last time before this line came.
            self._wake.set()

    def close(self) -> None:
        """Write what waits and the chain's end mark, signed. It may take as long as the disk does."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        self._ending.set()
        self._wake.set()
        if self._thread is None:
            self._file.close()
            return
        self._thread.join(_JOIN_S)
        if self._thread.is_alive() or not self._turn.acquire(timeout=_JOIN_S):
            _LOG.error("the audit log could not be ended: its disk does not answer", extra={"setting": "audit"})
            return
        self._end()

    def _end(self) -> None:
        try:
            if self._work() and self._signed(CLOSED, {"lines": self._seq}):
                self._sync()
                self._put_head(self._seq, self._prev, ended=True)
        except (OSError, ConfigurationError) as error:
            self._fail(error if isinstance(error, OSError) else OSError(0, "no key to sign with"))
        if self._waiting:
            _LOG.error("lines of the audit log are lost", extra={"setting": "audit", "times": len(self._waiting)})
        if self._heads is not None:
            self._heads.close()
        self._file.close()

    def _has_room(self, event: ExchangeEvent) -> bool:
        """Refusals fill half of the memory at most: what was done for somebody finds room after them."""
        room = self._most_bytes if event.status >= 400 and not event.usage else 2 * self._most_bytes
        return self._came_bytes - self._went_bytes < room

    def _lose(self, body: Body) -> None:
        if self._lost == self._lost_told:
            self._lost_since = body.time
        self._lost_until = body.time
        self._lost += 1

    # From here on: with the turn, or before the thread runs and after it has ended.

    def _run(self) -> None:
        while not self._ending.is_set():
            self._wake.wait(_TICK_S)
            if self._broken and not self._ending.is_set():
                # Nobody is served by trying at once again.
                self._ending.wait(_TICK_S)
            self._wake.clear()
            self._tick()

    def _tick(self) -> None:
        try:
            with self._turn:
                is_done = self._work()
                seq, prev = self._seq, self._prev
            if not is_done:
                return
            since_s = self._clock() - self._headed_s
            if self._synced_seq == seq and since_s >= (_OFTEN_S if seq != self._headed_seq else HEAD_S):
                self._put_head(seq, prev, ended=False)
            self._healed()
        except OSError as error:
            self._fail(error)
        except ConfigurationError:
            # The keyset is gone: without a signature nothing is recorded as it should be.
            self._fail(OSError(0, "no key to sign with"))
        except Exception as error:
            self._fail(OSError(0, type(error).__name__))

    def _work(self) -> bool:
        """All that is due. Whether nothing went wrong. Raises OSError, ConfigurationError."""
        if self._file.turn() and not self._announce:
            self._announce = CONTINUED
        if self._announce and not self._announced():
            return False
        if not self._drain(wait=True) or not self._told_of_lost():
            return False
        lines, since_s = self._seq - self._checked_seq, self._clock() - self._checked_s
        if (lines >= CHECKPOINT_LINES or (lines and since_s >= CHECKPOINT_S)) and not self._signed(CHECKPOINT, {}):
            return False
        is_early = self._fsync == "interval" and self._clock() - self._synced_s < _OFTEN_S and not self._ending.is_set()
        if self._synced_seq != self._seq and not is_early:
            self._sync()
        return True

    def _told_of_lost(self) -> bool:
        lost = self._lost
        if lost == self._lost_told:
            return True
        fields = {"count": lost - self._lost_told, "since": self._lost_since, "until": self._lost_until}
        body = blank_body(LOST, fields)
        self._lost_told = lost
        self._went_bytes -= _size(body)
        self._waiting.append(body)
        return self._drain(wait=True)

    def _announced(self) -> bool:
        """The first line of the chain, or of the chain in another file."""
        event = self._announce
        fields: dict[str, Any] = {"format": FORMAT}
        if event == OPENED:
            fields |= {"known": self._known}
        if not self._signed(event, fields):
            return False
        self._announce = ""
        if event == OPENED and self._heads is not None:
            self._sync()
            self._put_head(self._seq, self._prev, ended=False)
            self._heads.forget_cited()
        return True

    def _open_heads(self) -> None:
        if self._heads is None:
            return
        try:
            marks = self._heads.open(self._signer().public)
        except (OSError, ConfigurationError):
            # The line that opens the chain comes first; `_put_head` fails too, and says so.
            return
        self._known = [{"chain": m.chain, "seq": m.seq, "hash": m.hash, "ended": m.ended} for m in marks]

    def _drain(self, *, wait: bool) -> bool:
        """Chain and write what waits now; what comes meanwhile has its turn later, or nothing else would have one."""
        left = len(self._waiting)
        while left > 0:
            batch = list(islice(self._waiting, min(left, _BATCH_LINES)))
            left -= len(batch)
            seq, prev = self._seq, self._prev
            lines, hashes = [], []
            for body in batch:
                line, prev = linked(body, self._chain, seq, prev)
                lines.append(line + b"\n")
                hashes.append(prev)
                seq += 1
            written = self._file.append(lines, wait=wait)
            for _ in range(written.lines):
                self._went_bytes += _size(self._waiting.popleft())
            if written.lines:
                self._seq, self._prev = self._seq + written.lines, hashes[written.lines - 1]
                self._written_s = self._clock()
            if written.lines < len(batch):
                return self._stopped(written)
        return True

    def _signed(self, event: str, fields: dict[str, Any]) -> bool:
        """A line with a signature, that holds all lines before it. Whether it is written."""
        signer = self._signer()
        body = blank_body(event, {**fields, "key": signer.public})
        line, hash_ = linked_and_signed(body, self._chain, self._seq, self._prev, signer)
        written = self._file.append([line + b"\n"], wait=True)
        if not written.lines:
            return self._stopped(written)
        self._seq, self._prev = self._seq + 1, hash_
        self._checked_seq, self._checked_s = self._seq, self._clock()
        return True

    def _sync(self) -> None:
        if self._fsync != "never":
            self._file.sync()
        self._synced_seq, self._synced_s = self._seq, self._clock()

    def _put_head(self, seq: int, prev: str, *, ended: bool) -> None:
        """`seq` lines are written; the head names the last. Raises OSError."""
        if self._heads is not None:
            self._heads.put(seq - 1, prev, self._signer(), ended=ended, sync=self._fsync != "never")
        self._headed_seq, self._headed_s = seq, self._clock()

    def _stopped(self, written: Written) -> bool:
        if written.error is not None:
            self._fail(written.error)
        else:
            self._wake.set()
        return False

    def _fail(self, error: OSError) -> None:
        self._broken = error.strerror or type(error).__name__
        self._failures += 1
        if self._clock() - self._said_s >= _QUIET_S:
            self._said_s = self._clock()
            _LOG.error("the audit log cannot be written", extra={"setting": "audit", "error": self._broken})

    def _healed(self) -> None:
        if self._broken:
            self._broken = ""
            self._said_s = float("-inf")
            _LOG.warning("the audit log is written again", extra={"setting": "audit"})


def _size(body: Body) -> int:
    """About what it takes in memory."""
    return len(body.fields) + _BODY_BYTES
