"""What a `redis://` address says, read strictly: a parameter that is not understood may be one that weakens TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from gateway.settings import ConfigurationError

FORMS = "redis://[user:password@]host[:port][/number] or rediss://… (TLS)"
_PORT = 6379
_TLS_PARAMETERS = frozenset({"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Redis is, and how to log in. `tls` is None for a connection in plain text."""

    host: str
    port: int
    db: int
    username: str | None
    password: str | None
    tls: ssl.SSLContext | None
    cluster: bool

    def __repr__(self) -> str:
        return "Address(…)"  # it holds a password


def read_address(url: str) -> Address:
    """Raises ConfigurationError, which does not quote the address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORT
    except ValueError:
        raise _wrong("the host or the port is not written well") from None
    if not host or parts.fragment:
        raise _wrong("there is no host (in a password, write @ : / ? # as %40 %3A %2F %3F %23)")
    parameters = _parameters(parts)
    cluster = parameters.get("cluster", "false")
    if cluster not in {"true", "false"}:
        raise _wrong("cluster is true or false")
    db = _db(parts.path)
    if db and cluster == "true":
        raise _wrong("a cluster has only the database 0")
    return Address(
        host=unquote(host),
        port=port,
        db=db,
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=_tls(parameters) if parts.scheme == "rediss" else None,
        cluster=cluster == "true",
    )


def _parameters(parts: SplitResult) -> dict[str, str]:
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    known = _TLS_PARAMETERS if parts.scheme == "rediss" else frozenset[str]()
    if not parameters.keys() <= known | {"cluster"}:
        hint = ", ".join(sorted(_TLS_PARAMETERS))
        raise _wrong(f"after ? there may be cluster=true, and with rediss:// {hint}; TLS is always verified")
    return parameters


def _db(path: str) -> int:
    text = path.removeprefix("/")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise _wrong("after the host there may be /number, the number of a database")
    return int(text)


def _tls(parameters: dict[str, str]) -> ssl.SSLContext:
    """Certificates are verified, against the given authorities only or, without them, against the system's."""
    try:
        context = ssl.create_default_context(cafile=parameters.get("ssl_ca_certs"))
        if certificate := parameters.get("ssl_certfile"):
            # Without a password callback OpenSSL would ask for one on the terminal.
            context.load_cert_chain(certificate, parameters.get("ssl_keyfile"), password="")
    except (OSError, ValueError):  # SSLError is an OSError
        raise _wrong("a file of ssl_ca_certs, ssl_certfile or ssl_keyfile cannot be read as PEM") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _wrong(why: str) -> ConfigurationError:
    return ConfigurationError(f"setting store: {why}; write {FORMS}")
