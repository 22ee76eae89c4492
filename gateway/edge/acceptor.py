"""Takes connections from the socket that all workers share.

An event loop's own server would take all that come, keep the certificate with which it began, and say nothing of
clients that do not finish a TLS handshake. Here each connection is counted from its first byte on.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from gateway.edge.connections import Connections

_PAUSE_S = 0.1
"""After the system had nothing left for a connection: it would say so again at once."""
_SHUTDOWN_S = 2.0
"""For a client's goodbye at the end of TLS."""
_AT_THE_END = 4096


@dataclass(frozen=True, slots=True)
class Reception:
    """How connections are received. `context` gives that of TLS as it is now, None for plain text."""

    protocol: Callable[[bool], asyncio.Protocol]
    """Made for each; told whether there is room for it."""
    connections: Connections
    context: Callable[[], ssl.SSLContext | None]
    handshake_s: float


class Acceptor:
    """Call it within the event loop. `listener` is its own from here on."""

    def __init__(self, listener: socket.socket, reception: Reception) -> None:
        self._listener = listener
        self._reception = reception
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._greeting: set[asyncio.Task[None]] = set()
        listener.setblocking(False)

    def open(self) -> None:
        """Take connections."""
        self._pause = None
        # One at a time, so that a worker that sleeps gets the next.
        self._loop.add_reader(self._listener, self._accept)

    def close(self) -> None:
        """Take those that wait already, and no more."""
        self._loop.remove_reader(self._listener)
        for _ in range(_AT_THE_END):
            if not self._accept():
                break
        if self._pause is not None:
            self._pause.cancel()
        self._listener.close()

    @property
    def is_greeting(self) -> bool:
        """Whether there are connections that are not yet made."""
        return bool(self._greeting)

    def _accept(self) -> bool:
        """Whether there was one."""
        try:
            client, _ = self._listener.accept()
        except BlockingIOError:
            return False
        except (InterruptedError, ConnectionError):  # the client has gone already
            return True
        except OSError:
            self._loop.remove_reader(self._listener)
            self._pause = self._loop.call_later(_PAUSE_S, self.open)
            return False
        client.setblocking(False)

        def let_go() -> bool:
            # The transport sees the end as if the client had gone.
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            return True

        connections = self._reception.connections
        protocol = self._reception.protocol(connections.make_room())
        # When the connection is made, the protocol says itself how it is let go.
        connections.waits(protocol, let_go)
        task = self._loop.create_task(self._greet(client, protocol))
        self._greeting.add(task)
        task.add_done_callback(self._greeting.discard)
        return True

    async def _greet(self, client: socket.socket, protocol: asyncio.Protocol) -> None:
        reception, context = self._reception, self._reception.context()
        handshake_s, shutdown_s = (None, None) if context is None else (reception.handshake_s, _SHUTDOWN_S)
        is_made = False
        try:
            await self._loop.connect_accepted_socket(
                lambda: protocol,
                client,
                ssl=context,
                ssl_handshake_timeout=handshake_s,
                ssl_shutdown_timeout=shutdown_s,
            )
            is_made = True
        except (OSError, ValueError):  # of TLS, and TimeoutError: nobody is there to be told
            pass
        finally:
            if not is_made:
                client.close()
                reception.connections.gone(protocol)
