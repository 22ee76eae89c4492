"""TLS by the gateway itself, and the authorities that it trusts: files, their owners, names and dates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gateway.doctor.result import Result, bad, good, warn
from gateway.edge.tls import TlsFiles, server_context
from gateway.seal.certificates import Facts, read_certificates
from gateway.settings import ConfigurationError, Settings

_SOON = timedelta(days=21)
_PART_OF_LIFE = 4
"""What lives for weeks only is renewed when a quarter of that is left, if not before."""
_LOCAL = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Tls:
    """`problem`: why the gateway would not start with these files. `authorities`: of clients and of upstreams."""

    files: TlsFiles | None = None
    problem: str = ""
    own: Facts | None = None
    authorities: tuple[tuple[str, Path, tuple[Facts, ...]], ...] = ()


def look(settings: Settings) -> Tls:
    named = (("tls_client_ca", settings.tls_client_ca), ("upstream_ca", settings.upstream_ca))
    authorities = []
    files, own, problem = None, None, ""
    try:
        for setting, path in named:
            if path is not None:
                authorities.append((setting, path, tuple(read_certificates(path))))
        if (files := TlsFiles.of(settings)) is not None:
            server_context(files)
            own = read_certificates(files.certificate)[0]
    except ConfigurationError as error:
        problem = str(error)
    return Tls(files, problem, own, tuple(authorities))


def judge(tls: Tls, settings: Settings, now: datetime) -> Iterator[Result]:
    if tls.problem:
        yield bad("tls", tls.problem, "tls_cert and tls_key of one pair, in PEM, the key readable by its owner only")
    if tls.own is not None and tls.files is not None:
        yield from _own(f"tls_cert {tls.files.certificate}", tls.own, settings, now)
    for setting, path, found in tls.authorities:
        for facts in found:
            yield from _dates(f"{setting} {path}", facts, now)
        yield good(f"{setting} {path}: {len(found)} certificates")
    if tls.files is None and not tls.problem and settings.host not in _LOCAL and not settings.trusted_proxies:
        remedy = "a proxy in front that ends TLS, or tls_cert and tls_key: docs/tls.md"
        yield warn("tls", f"tokens and prompts reach {settings.host} in plain text", remedy)


def _own(where: str, own: Facts, settings: Settings, now: datetime) -> Iterator[Result]:
    yield from _dates(where, own, now)
    if not own.names:
        yield bad(where, "it names no host, so no client takes it", "a certificate with subjectAltName")
    elif settings.host not in ("0.0.0.0", "::", *_LOCAL) and not own.is_for(settings.host):  # noqa: S104
        yield warn(where, f"it is not for {settings.host}", "clients that ask for that name do not take it")
    if own.is_signed_by_itself:
        yield warn(where, "no authority signed it", "clients have to be given it as one that they trust")
    yield good(f"{where}: for {', '.join(own.names[:5])}, until {own.until:%Y-%m-%d}")


def _dates(where: str, facts: Facts, now: datetime) -> Iterator[Result]:
    if now >= facts.until:
        yield bad(
            where, f"it has expired on {facts.until:%Y-%m-%d}", "renew it; it is followed while the gateway serves"
        )
    elif now < facts.since:
        yield bad(where, f"it is not valid before {facts.since:%Y-%m-%d}", "wait, or check the clock")
    elif facts.until - now < min(_SOON, (facts.until - facts.since) / _PART_OF_LIFE):
        yield warn(where, f"it expires on {facts.until:%Y-%m-%d}", "renew it; it is followed while the gateway serves")
