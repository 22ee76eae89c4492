"""The OIDC file, and the keys of the issuers in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.access.issuers import Issuer
from gateway.access.jwks import FetchedKeys, FileKeys
from gateway.access.jwt import make_key
from gateway.access.oidc_file import load_oidc
from gateway.doctor.result import Result, bad, good, warn
from gateway.doctor.setup import place_of
from gateway.settings import ConfigurationError
from gateway.upstream.keys import KeyFetcher

_TIMEOUT_S = 8.0


@dataclass(frozen=True, slots=True)
class Looked:
    """An issuer, and how many of its keys are any good; None if they cannot be had, for which `trouble` is why."""

    issuer: Issuer
    keys: int | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Oidc:
    problem: str = ""
    issuers: tuple[Looked, ...] = ()


def look(path: Path) -> Oidc:
    try:
        oidc = load_oidc(path)
    except ConfigurationError as error:
        return Oidc(str(error))
    return Oidc("", tuple(asyncio.run(_all(path, oidc.issuers))))


async def _all(path: Path, issuers: tuple[Issuer, ...]) -> list[Looked]:
    return await asyncio.gather(*(_looked(path, issuer) for issuer in issuers))


async def _looked(path: Path, issuer: Issuer) -> Looked:
    if issuer.jwks.file is not None:
        try:
            FileKeys(path.parent / issuer.jwks.file, make_key, time.monotonic)
        except ConfigurationError as error:
            return Looked(issuer, trouble=str(error))
        return Looked(issuer, 1)
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            keys, _ = await FetchedKeys(issuer, KeyFetcher(), make_key, time.monotonic).fetched()
    except TimeoutError:
        return Looked(issuer, trouble=f"they did not come within {_TIMEOUT_S:g} s")
    except OSError:
        return Looked(issuer, trouble="they cannot be fetched")
    except ValueError:
        return Looked(issuer, trouble="what comes is no JWKS, or the discovery document is not of this issuer")
    return Looked(issuer, len(keys))


def judge(oidc: Oidc, path: Path) -> Iterator[Result]:
    if oidc.problem:
        yield bad(f"oidc {path}", oidc.problem, "docs/oidc.md has the keys of the file")
    for one in oidc.issuers:
        where = f"issuer {place_of(one.issuer.issuer)}"
        if one.issuer.unsafe_http:
            yield warn(where, "unsafe_http: who is on the way can make tokens", "https, and without that line")
        if one.keys is None:
            yield bad(
                where, f"its keys: {one.trouble}", "is the issuer up, reachable from here, and spelled as its `iss`?"
            )
        elif not one.keys:
            problem = "none of its keys is usable"
            yield bad(where, problem, "it is to publish a public key with a kid: RSA of 2048 bits, P-256 or Ed25519")
        else:
            yield good(f"{where}: has usable keys")
