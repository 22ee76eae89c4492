"""An authority that signs a few certificates and is forgotten: its key is never written anywhere."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVER = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
_DAYS = 397
_LOOPBACK = ipaddress.ip_address("127.0.0.1")


class Authority:
    """`certificate` is its own, as PEM; all that it signs is good until `until`. `now`: for how long, from when."""

    def __init__(self, name: str, now: datetime.datetime | None = None) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        now = now or datetime.datetime.now(datetime.UTC)
        # A clock that is a little behind takes them, too.
        self._since = now - datetime.timedelta(hours=1)
        self.until = now + datetime.timedelta(days=_DAYS)
        usage = _usage(signs_certificates=True)
        built = self._builder(self._name, self._key.public_key(), usage, is_authority=True)
        self.certificate = _pem(built.sign(self._key, hashes.SHA256()))

    def issue(self, name: str, hosts: Sequence[str], uses: Sequence[x509.ObjectIdentifier]) -> tuple[str, str]:
        """A certificate and its key, as PEM. Servers are also called 127.0.0.1, for checks from within."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
        if SERVER in uses:
            names.append(x509.IPAddress(_LOOPBACK))
        built = (
            self._builder(_named(name), key.public_key(), _usage(signs_certificates=False), is_authority=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        kind, encoding = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
        return _pem(built), key.private_bytes(encoding, kind, serialization.NoEncryption()).decode()

    def _builder(
        self, subject: x509.Name, public: ec.EllipticCurvePublicKey, usage: x509.KeyUsage, *, is_authority: bool
    ) -> x509.CertificateBuilder:
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._since)
            .not_valid_after(self.until)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=0 if is_authority else None), True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(signer, critical=False)
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
