"""TLS by the gateway itself: its certificate, and how that follows its files.

There is nothing to choose: TLS 1.2 with forward secrecy or 1.3, no compression, no renegotiation, no tickets (workers
do not share them). Where clients must show a certificate it is 1.3 only: sessions of 1.2 are resumed all the same,
without asking for it again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gateway.access.watch import Stamp, stamp_of
from gateway.seal.files import is_open_to_others
from gateway.settings import ConfigurationError, Settings

# Of TLS 1.2; those of 1.3 are all good. https://wiki.mozilla.org/Security/Server_Side_TLS, "intermediate" less DHE.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
_LOOK_EVERY_S = 0.5
_LOG = logging.getLogger("gateway")

Told = Callable[[Literal["reloaded", "refused"]], None]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the certificate with its chain is, the key of it, and, if clients must show one, who signs theirs."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    @classmethod
    def of(cls, settings: Settings) -> TlsFiles | None:
        """None: without TLS. Raises ConfigurationError if there is one file without the other."""
        certificate, key, client_ca = settings.tls_cert, settings.tls_key, settings.tls_client_ca
        if certificate is not None and key is not None:
            return cls(certificate, key, client_ca)
        if certificate is not None or key is not None or client_ca is not None:
            missing = "tls_cert" if certificate is None else "tls_key"
            raise ConfigurationError(f"setting {missing}: TLS takes tls_cert and tls_key; tls_client_ca goes with them")
        return None

    def stamps(self) -> tuple[Stamp, ...]:
        """As the files are now."""
        return tuple(stamp_of(path) for path in (self.certificate, self.key, self.client_ca) if path is not None)


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """What connections are taken with. Raises ConfigurationError."""
    _check_private(files.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a password callback OpenSSL would ask for one on the terminal.
        context.load_cert_chain(files.certificate, files.key, password=lambda: "")
    except (OSError, ValueError) as error:  # SSLError is an OSError
        raise ConfigurationError(f"{files.certificate} and {files.key}: {_why(error)}") from None
    if files.client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            context.load_verify_locations(files.client_ca)
        except (OSError, ValueError):
            raise ConfigurationError(f"{files.client_ca}: cannot be read as certificates in PEM") from None
    return context


def _check_private(key: Path) -> None:
    """Raises ConfigurationError if others may read it."""
    try:
        is_open = is_open_to_others(os.stat(key))
    except OSError as error:
        raise ConfigurationError(f"{key}: cannot be read ({error.strerror})") from None
    if is_open:
        raise ConfigurationError(
            f"{key}: others than its owner may read it; `chmod 600 {key}`, and get a new certificate if they did"
        )


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        if error.reason == "KEY_VALUES_MISMATCH":
            return "the key is not that of the certificate"
        return "cannot be read as a certificate and a key in PEM, without a password"
    return f"cannot be read ({error.strerror if isinstance(error, OSError) else 'a name that no file can have'})"


class Certificate:
    """What new connections are taken with. Files that have changed are read when they are at rest; if they do not
    belong together, what was read before stays in force, and the log, a metric and /health/ready say so."""

    def __init__(self, files: TlsFiles, told: Told) -> None:
        """`told` is not told of the first reading, which raises ConfigurationError."""
        self._files = files
        self._told = told
        self._read = self._seen = files.stamps()
        self._asked = asyncio.Event()
        self.context = server_context(files)
        self.problem = ""
        """What is wrong with the files, if they are not those in force."""

    def look_now(self) -> None:
        """Read the files, whatever their stamps say."""
        self._asked.set()

    async def follow(self) -> None:
        """Look at the files again and again, for as long as the gateway serves."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._asked.wait()
            asked = self._asked.is_set()
            self._asked.clear()
            before, self._seen = self._seen, self._files.stamps()
            # Certificate and key are two files: only when nobody writes any more are they a pair.
            if asked or self._read != self._seen == before:
                self._read_again()

    def _read_again(self) -> None:
        self._read = self._files.stamps()
        try:
            self.context = server_context(self._files)
        except Exception as error:
            self.problem = str(error) if isinstance(error, ConfigurationError) else type(error).__name__
            _LOG.warning("the certificate is not valid, that before stays in force", extra={"problem": self.problem})
            self._told("refused")
        else:
            self.problem = ""
            _LOG.info("the certificate was read again")
            self._told("reloaded")
