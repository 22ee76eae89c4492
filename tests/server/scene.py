"""What the tests of the server share: certificates, a policy without models for names, and gateways with both."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.certificates import CLIENT, SERVER, Authority
from tests.support.gateway import GatewayProcess

POLICY = """\
version: 1
name: common
models: {llama: {upstream: default, id: tiny-llama}}
redact: {nlp: {engine: patterns}}
cache: {when: never}
"""
LONG_S = 180
"""A gateway starts in seconds, but not on a busy machine."""


@dataclass(frozen=True)
class Pair:
    """A certificate and its key in files that only their owner may read."""

    certificate: Path
    key: Path

    @property
    def flags(self) -> tuple[str, ...]:
        return "--tls-cert", str(self.certificate), "--tls-key", str(self.key)


class Certificates:
    """An authority of a folder."""

    def __init__(self, folder: Path, name: str = "authority", now: datetime | None = None) -> None:
        self._folder = folder
        self.authority = Authority(name, now)
        self.file = folder / f"{name}.pem"
        self.file.write_text(self.authority.certificate)

    def issue(self, name: str, hosts: Sequence[str] = ("localhost",)) -> Pair:
        """For a server at 127.0.0.1 and under these names."""
        return self._written(name, *self.authority.issue(name, hosts, [SERVER]))

    def of_client(self, name: str) -> Pair:
        return self._written(name, *self.authority.issue(name, [], [CLIENT]))

    def trust(self, client: Pair | None = None) -> ssl.SSLContext:
        """How a client trusts it, and what it shows of itself."""
        context = ssl.create_default_context(cafile=self.file)
        if client is not None:
            context.load_cert_chain(client.certificate, client.key)
        return context

    def _written(self, name: str, certificate: str, key: str) -> Pair:
        pair = Pair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        write(pair.certificate, certificate)
        write(pair.key, key)
        return pair


def write(path: Path, text: str) -> None:
    """As a whole, and for its owner only."""
    beside = path.with_name(path.name + ".new")
    beside.touch(0o600)
    beside.write_text(text)
    os.replace(beside, path)


def policy_in(folder: Path) -> Path:
    path = folder / "policy.yaml"
    path.write_text(POLICY)
    return path


def lines(gateway: GatewayProcess) -> list[dict[str, Any]]:
    """The log; the last line may be half written."""
    raw = gateway.log.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in raw if line.endswith("\n")]


def said(gateway: GatewayProcess, message: str) -> list[dict[str, Any]]:
    return [line for line in lines(gateway) if line["message"] == message]


def workers_of(gateway: GatewayProcess) -> set[int]:
    """The processes that the gateway started to serve."""
    parent = gateway.process.pid
    children = _read(parent, f"task/{parent}/children").split()
    return {int(child) for child in children if "spawn_main" in _read(int(child), "cmdline")}


def serving(gateway: GatewayProcess) -> set[int]:
    """Those that read their files again at SIGHUP: they serve."""
    found = set()
    for worker in workers_of(gateway):
        caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", _read(worker, "status"), re.M)
        if caught is not None and int(caught[1], 16) & 1:
            found.add(worker)
    return found


def _read(process: int, name: str) -> str:
    try:
        return Path(f"/proc/{process}/{name}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def signed_by_itself(folder: Path, name: str) -> Pair:
    """As `openssl req -x509` makes them, for 127.0.0.1."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=90))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    pair = Pair(folder / f"{name}.crt", folder / f"{name}.key")
    write(pair.certificate, built.public_bytes(pem).decode())
    write(pair.key, key.private_bytes(pem, pkcs8, serialization.NoEncryption()).decode())
    return pair
