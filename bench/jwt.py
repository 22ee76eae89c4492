"""What checking a JWT costs, remembered and new, per algorithm: `python -m bench.jwt`. Keys come from a file."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from gateway.access.jwt import JwtVerifier
from tests.support.issuer import AUDIENCE, Algorithm, Issuer

_ROUNDS, _TOKENS = 9, 400
_ALGORITHMS: tuple[Algorithm, ...] = ("RS256", "ES256", "EdDSA")


def verifier(directory: Path, issuer: Issuer) -> JwtVerifier:
    keys = directory / "keys.json"
    keys.write_text(json.dumps({"keys": [issuer.public(kid) for kid in issuer.keys]}))
    trusted = {
        "issuer": "https://issuer.example",
        "audiences": AUDIENCE,
        "jwks": {"file": keys.name},
        "tenant": {"claim": "org.id", "among": ["acme"]},
        "scopes": {"claim": "scope", "map": {"gateway.chat": "chat"}},
        "models": ["*"],
    }
    (directory / "oidc.yaml").write_text(json.dumps({"issuers": [trusted]}))
    return JwtVerifier(directory / "oidc.yaml", _nobody, clock=time.monotonic, wall_clock=time.time)


async def _nobody(_: str) -> tuple[bytes, str | None]:
    raise OSError


async def each_us(jwt: JwtVerifier, tokens: Sequence[str]) -> float:
    started = time.perf_counter()
    for token in tokens:
        await jwt.principal(token)
    return (time.perf_counter() - started) / len(tokens) * 1e6


async def measured(prepare: Callable[[], JwtVerifier], tokens: Sequence[str]) -> tuple[float, float]:
    """Median microseconds of a new token and of a remembered one."""
    new, again = [], []
    for _ in range(_ROUNDS):
        jwt = prepare()
        new.append(await each_us(jwt, tokens))
        again.append(await each_us(jwt, tokens))
    return statistics.median(new), statistics.median(again)


def main() -> None:
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory() as name:
        for algorithm in _ALGORITHMS:
            issuer = Issuer(origin="https://issuer.example")
            issuer.rotate(algorithm)
            tokens = [issuer.token(iss="https://issuer.example") for _ in range(_TOKENS)]
            new, again = asyncio.run(measured(lambda issuer=issuer: verifier(Path(name), issuer), tokens))  # type: ignore[misc]
            console.print(f"{algorithm}: new {new:6.1f} µs, remembered {again:5.1f} µs, {len(tokens[0])} characters")


if __name__ == "__main__":
    main()
