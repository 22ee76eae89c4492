"""Whom upstreams at https:// are believed: always verified, and when they are not believed, why.

Verification cannot be switched off: whoever stands between would read all prompts.
"""

from __future__ import annotations

import ssl
from pathlib import Path

import aiohttp

from gateway.settings import ConfigurationError

# Of X509_verify_cert: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/
_REASONS = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    18: "its certificate is signed by itself",
    19: "its certificate is signed by an authority that is not trusted",
    20: "its certificate is signed by an authority that is not trusted",
    21: "its certificate is signed by an authority that is not trusted",
    62: "its certificate is for another name",
    64: "its certificate is for another address",
}


def authorities(file: Path | None) -> ssl.SSLContext | None:
    """Only those of the file; None: those of the system. Raises ConfigurationError."""
    if file is None:
        return None
    try:
        context = ssl.create_default_context(cafile=file)
    except OSError as error:  # SSLError is one
        why = "no certificate in PEM is in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigurationError(f"{file}: cannot be read as certificates of authorities ({why})") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def why_not_trusted(error: BaseException) -> str | None:
    """What is wrong with TLS, in words of ours; None if it is something else."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        found = error.certificate_error
        code = found.verify_code if isinstance(found, ssl.SSLCertVerificationError) else 0
        return _REASONS.get(code, "its certificate is not trusted")
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return "no TLS connection comes about"
    return None
