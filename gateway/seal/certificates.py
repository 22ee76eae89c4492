"""What a certificate says of itself: for whom it is, and for how long. Nothing is verified here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509

from gateway.settings import ConfigurationError

_MOST_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Facts:
    """`names`: of hosts and addresses. `is_signed_by_itself`: no authority vouches for it."""

    names: tuple[str, ...]
    since: datetime
    until: datetime
    is_signed_by_itself: bool

    def is_for(self, host: str) -> bool:
        """Whether a client that asks for this name takes it (RFC 6125: `*` stands for one label)."""
        wanted = host.lower().rstrip(".")
        parent = wanted.partition(".")[2]
        return any(name.lower() in (wanted, f"*.{parent}" if parent else wanted) for name in self.names)


def read_certificates(path: Path) -> list[Facts]:
    """Those of a PEM file, in their order: of a server its own first. Raises ConfigurationError."""
    try:
        with path.open("rb") as file:
            found = x509.load_pem_x509_certificates(file.read(_MOST_BYTES))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError:
        raise ConfigurationError(f"{path}: cannot be read as certificates in PEM") from None
    return [_facts(one) for one in found]


def _facts(certificate: x509.Certificate) -> Facts:
    try:
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        names: tuple[str, ...] = ()
    else:
        hosts = alternative.get_values_for_type(x509.DNSName)
        names = (*hosts, *map(str, alternative.get_values_for_type(x509.IPAddress)))
    return Facts(
        names,
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        certificate.issuer == certificate.subject,
    )
