"""The ports: free, or held by a gateway that serves already."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway.doctor.result import Result, bad, good
from gateway.settings import Settings

_TIMEOUT_S = 2.0
_MOST_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Port:
    """`trouble`: why it cannot be had. `is_ours`: because a gateway has it."""

    setting: str
    host: str
    number: int
    trouble: str = ""
    is_ours: bool = False


def look(settings: Settings) -> list[Port]:
    """Port 0 takes any, or none."""
    lives = partial(_is_gateway, "/health/live", b"")
    if settings.tls_cert is not None:
        lives = partial(_has_certificate, settings.tls_cert)
    asked = (
        ("port", settings.port, lives),
        ("metrics_port", settings.metrics_port, partial(_is_gateway, "/metrics", b"gateway_")),
    )
    return [_looked(settings.host, *one) for one in asked if one[1]]


def _looked(host: str, setting: str, number: int, is_ours: Callable[[str, int], bool]) -> Port:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, number))
    except OSError as error:
        trouble = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such host"
        reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        return Port(setting, host, number, trouble, is_ours(reached, number))
    return Port(setting, host, number)


def _is_gateway(path: str, sign: bytes, host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status == 200 and sign in response.read(_MOST_BYTES)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _has_certificate(certificate: Path, host: str, port: int) -> bool:
    """Whether who is there shows that certificate. It may want one that only clients have, so nothing is asked."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        own = ssl.PEM_cert_to_DER_cert(certificate.read_text("ascii").partition("-----END")[0] + ssl.PEM_FOOTER)
        with socket.create_connection((host, port), _TIMEOUT_S) as plain, context.wrap_socket(plain) as secured:
            return secured.getpeercert(binary_form=True) == own
    except (OSError, ValueError):
        return False


def judge(ports: list[Port]) -> Iterator[Result]:
    if len(ports) == 2 and ports[0].number == ports[1].number:
        yield bad(f"metrics_port {ports[1].number}", "it is the port of the gateway itself", "choose another")
    for port in ports:
        where = f"{port.setting} {port.number} of {port.host}"
        if port.is_ours:
            yield good(f"{where}: a gateway serves there")
        elif port.trouble:
            yield bad(
                where, f"it cannot be listened on ({port.trouble})", f"--{port.setting.replace('_', '-')} with another"
            )
        else:
            yield good(f"{where}: free")
