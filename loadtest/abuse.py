"""What users do who mean harm or know no better. Each must be refused as it should be, and never with a value."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Callable, Collection, Sequence

from loadtest import prompts
from loadtest.canaries import People, Person
from loadtest.citizens import CHAT
from loadtest.client import Answer, Line, Lost, said_in
from loadtest.judge import values, wrongs
from loadtest.scene import Scene
from loadtest.search import found
from loadtest.tally import Tally

_OVERSIZE_BYTES = 5 * 2**20
_BROKEN_JSON = ('{{"model": "llama", "messages": "{0}', '["{0}"]', '{{"{0}": 1, "{0}": 2}}', '{{"a": "{0}\\ud800"}}')
_SLOW_PEOPLE, _SLOW_BYTES, _SLOW_S = 6, 200, 0.15
_DRIP_S, _LORIS_S = 0.3, 25
_HUGE_HEADER_BYTES = 200_000
_PATIENCE_S = 40
# A server that is put upon may also just hang up.
_HUNG_UP = 0


class Abuser:
    """One such user. `kinds` are what they do when load is all there is, `vandals` what comes with chaos."""

    def __init__(self, scene: Scene, token: str, people: People, tally: Tally, rng: random.Random) -> None:
        self._scene = scene
        self._token = token
        self._people = people
        self._tally = tally
        self._rng = rng
        self.kinds: tuple[Callable[[], None], ...] = (
            self.bad_token, self.bad_json, self.oversize, self.broken_off, self.slow_reader,
        )  # fmt: skip
        self.vandals: tuple[Callable[[], None], ...] = (self.slow_loris, self.half_closed, self.huge_header)

    def bad_token(self) -> None:
        token = self._rng.choice((self._token[:-1] + "!", "pgw_nobody", self._people.draw().email, ""))
        self._refused("bad token", self._body(), {401, 429}, token=token)

    def bad_json(self) -> None:
        email = self._people.draw().email
        self._refused("bad JSON", self._rng.choice(_BROKEN_JSON).format(email).encode(), {400})

    def oversize(self) -> None:
        text = prompts.text(self._rng, self._people.draw())
        content = text * (_OVERSIZE_BYTES // len(text) + 1)
        self._refused("oversize", json.dumps(prompts.chat([prompts.user(content)])).encode(), {413, _HUNG_UP})

    def broken_off(self) -> None:
        """Leaves in the middle of a stream."""
        began = time.monotonic()
        one = self._people.draw()
        with self._connected() as connection:
            connection.sendall(self._head(body := self._body(one, stream=True)) + body)
            got = _some(connection, self._rng.randint(1, 1_500))
        self._done("broken off", began, said_in(got).encode(), [one])

    def slow_reader(self) -> None:
        """Reads a stream a little at a time, to its end or until it is cut off."""
        began = time.monotonic()
        people = [self._people.draw() for _ in range(_SLOW_PEOPLE)]
        got = b""
        with self._connected() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            connection.sendall(self._head(body := self._body(*people, stream=True)) + body)
            while time.monotonic() - began < _PATIENCE_S and b"[DONE]" not in got[-2 * _SLOW_BYTES :]:
                piece = _some(connection, _SLOW_BYTES)
                if not piece:
                    break
                got += piece
                time.sleep(_SLOW_S)
        self._done("slow reader", began, said_in(got).encode(), people)

    def slow_loris(self) -> None:
        """Sends headers without an end, one at a time. The gateway has to cut it off."""
        began = time.monotonic()
        over = False
        with self._connected() as connection:
            connection.sendall(self._head(self._body())[:-2])
            connection.settimeout(_DRIP_S)
            while not over and time.monotonic() - began < _LORIS_S:
                over = _is_over(connection)
        self._done("slow loris", began, b"", error="" if over else "never cut off")

    def half_closed(self) -> None:
        """Says that nothing more will come, and waits for its answer."""
        began = time.monotonic()
        one = self._people.draw()
        with self._connected() as connection:
            body = self._body(one)
            part = body if self._rng.random() < 0.5 else body[: len(body) // 2]
            connection.sendall(self._head(body) + part)
            try:
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                part = b""
            got = _some(connection, 65_536)
        self._done("half closed", began, got, [one])

    def huge_header(self) -> None:
        began = time.monotonic()
        body = self._body()
        with self._connected() as connection:
            filler = b"x-filler: " + self._people.draw().email.encode() + b"x" * _HUGE_HEADER_BYTES + b"\r\n\r\n"
            try:
                connection.sendall(self._head(body)[:-2] + filler + body)
            except OSError:
                body = b""
            got = _some(connection, 65_536)
        status = _status(got)
        self._done("huge header", began, got, error="" if status in (_HUNG_UP, 400, 413, 431) else f"{status} taken")

    def _connected(self) -> socket.socket:
        return socket.create_connection((self._scene.host, self._scene.port), _PATIENCE_S)

    def _body(self, *people: Person, stream: bool = False) -> bytes:
        """A question about these people, or about somebody new."""
        content = "\n\n".join(prompts.text(self._rng, one) for one in people or (self._people.draw(),))
        return json.dumps(prompts.chat([prompts.user(content)], stream=stream)).encode()

    def _head(self, body: bytes) -> bytes:
        lines = [f"POST {CHAT} HTTP/1.1", f"Host: {self._scene.host}", f"Authorization: Bearer {self._token}"]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def _refused(self, kind: str, raw: bytes, statuses: Collection[int], token: str | None = None) -> None:
        """Send what has to be refused with one of these statuses."""
        began = time.monotonic()
        line = Line(self._scene.host, self._scene.port, self._token)
        try:
            answer = line.send(CHAT, raw, token=token)
        except Lost:
            answer = Answer(_HUNG_UP)
        finally:
            line.close()
        error = "" if answer.status in statuses else f"{answer.error or answer.status} instead of a refusal"
        if answer.status == _HUNG_UP and error:
            error = "connection lost"
        self._done(kind, began, answer.raw, error=error)

    def _done(self, kind: str, began: float, got: bytes, people: Sequence[Person] = (), error: str = "") -> None:
        """`got` may hold values of these people and of nobody else."""
        self._tally.note(f"abusive: {kind}", time.monotonic() - began, error, checked=not error)
        if not people:
            for value in found(got):
                self._tally.leaked_to(kind, f"{value.kind} {value.value}")
        elif problems := wrongs(got.decode("utf-8", "replace"), values(people), whole=False, quoted=False):
            self._tally.restored_wrongly(kind, problems)


def _some(connection: socket.socket, size: int) -> bytes:
    """What comes next; nothing if the connection is over, in whatever way."""
    try:
        return connection.recv(size)
    except OSError:
        return b""


def _is_over(connection: socket.socket) -> bool:
    """One more header is sent; whether the other side has had enough, with or without a word."""
    try:
        connection.sendall(b"x-drip: 1\r\n")
        connection.recv(4_096)
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def _status(got: bytes) -> int:
    parts = got.split(b" ", 2)
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else _HUNG_UP
