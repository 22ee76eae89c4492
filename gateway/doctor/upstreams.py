"""The model servers of all policies: whether they answer, take the key, and have what the policies name."""

from __future__ import annotations

import asyncio
import ipaddress
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from gateway.activate import read_key
from gateway.build import beside
from gateway.doctor.result import Result, bad, good, warn
from gateway.doctor.setup import Setup, place_of
from gateway.policy.load import PolicyFile
from gateway.seal.files import is_open_to_others
from gateway.settings import ConfigurationError
from gateway.upstream.client import Target
from gateway.upstream.looking import Seen
from gateway.upstream.looking import look as look_at

_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A model that a policy names: by which policy, its name at the upstream, and what clients are told it takes."""

    policy: str
    id: str
    max_context: int | None


@dataclass(frozen=True, slots=True)
class Upstream:
    """`names` are those that policies have for it. `ca_file`: who signs its certificate."""

    url: str
    key_file: Path | None
    names: tuple[str, ...]
    wanted: tuple[Wanted, ...]
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """An upstream, and what was seen of it. `problem`: of its key. `addresses`: what its host's name stands for."""

    upstream: Upstream
    seen: Seen | None = None
    problem: str = ""
    is_key_open: bool = False
    addresses: tuple[str, ...] = ()


def upstreams_of(setup: Setup, policies: Iterable[PolicyFile]) -> list[Upstream]:
    """Each address with its key once, with all that is wanted of it. Without a policy, what --upstream names."""
    settings = setup.settings
    default = (settings.upstream, settings.upstream_key_file, settings.upstream_ca)
    found: dict[tuple[str, Path | None, Path | None], tuple[list[str], list[Wanted]]] = {default: (["default"], [])}
    used = set()
    for loaded in policies:
        policy = loaded.policy
        for route in policy.models.values():
            at = policy.upstreams.get(route.upstream)
            place = default
            if at is not None:
                key, ca = (None if name is None else beside(loaded, name) for name in (at.key_file, at.ca_file))
                place = (at.url, key, ca)
            used.add(place)
            names, wanted = found.setdefault(place, ([], []))
            names.append(route.upstream)
            wanted.append(Wanted(policy.name, route.id, route.max_context))
    return [
        Upstream(url, key_file, tuple(dict.fromkeys(names)), tuple(dict.fromkeys(wanted)), ca_file)
        for (url, key_file, ca_file), (names, wanted) in found.items()
        if (url, key_file, ca_file) in used or not used
    ]


def look(setup: Setup, upstream: Upstream) -> Looked:
    """One at a time: a name that the system cannot look up in time must not keep the others unseen."""
    return asyncio.run(_looked(setup, upstream))


async def _looked(setup: Setup, upstream: Upstream) -> Looked:
    try:
        key = read_key(upstream.key_file)
        is_open = upstream.key_file is not None and is_open_to_others(os.stat(upstream.key_file))
    except (ConfigurationError, OSError, UnicodeDecodeError):
        return Looked(upstream, problem=f"{upstream.key_file}: the key cannot be read")
    if key:
        setup.secrets.add(key)
    if key and urlsplit(upstream.url).username:
        return Looked(upstream, problem="its address has a login and it has a key, and a request can bear one of them")
    try:
        target = Target(upstream.url, key, upstream.ca_file)
    except ConfigurationError as error:
        return Looked(upstream, problem=str(error))
    seen = await look_at(target, _TIMEOUT_S)
    return Looked(upstream, seen, "", is_open, await _addresses(upstream.url))


async def _addresses(url: str) -> tuple[str, ...]:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            found = await asyncio.get_running_loop().getaddrinfo(urlsplit(url).hostname, None)
    except (OSError, ValueError):  # TimeoutError is an OSError
        return ()
    return tuple(sorted({str(entry[4][0]) for entry in found}))


def judge(looked: Iterable[Looked]) -> Iterator[Result]:
    for one in looked:
        upstream = one.upstream
        where = f"upstream {', '.join(upstream.names)} at {place_of(upstream.url)}"
        if one.problem:
            yield bad(
                where, one.problem, "files readable for the user that runs the gateway; upstream_ca is for https://"
            )
        if one.is_key_open:
            yield warn(where, "others may read the file of its key", f"chmod 600 {upstream.key_file}")
        if upstream.url.startswith("http://") and not _is_near(one.addresses):
            yield warn(where, "prompts go there in plain text, through networks that are not private", "https://…")
        if one.seen is not None:
            yield from _answered(where, upstream, one.seen)


def _is_near(addresses: Sequence[str]) -> bool:
    """This machine, or a private network. What is not known is told by its not being reached."""
    for text in addresses:
        try:
            address = ipaddress.ip_address(text.partition("%")[0])
        except ValueError:
            return False
        if not (address.is_loopback or address.is_private or address.is_link_local):
            return False
    return True


def _answered(where: str, upstream: Upstream, seen: Seen) -> Iterator[Result]:
    if seen.status is None:
        yield bad(where, seen.trouble, "is it running, and is the address right? It ends in /v1")
    elif seen.status in (401, 403):
        sent = "does not accept the key" if upstream.key_file else "wants a key"
        remedy = "--upstream-key-file, or key_file of the policy, is to hold its --api-key"
        yield bad(where, f"it {sent} (status {seen.status})", remedy)
    elif seen.status != 200:
        remedy = "is the address right? It ends in /v1" if seen.status == 404 else "look at its log"
        yield bad(where, f"it answers /models with status {seen.status}", remedy)
    elif seen.models is None:
        yield bad(where, "what it answers at /models is no list of models", "is this a server with the OpenAI API?")
    else:
        wrong = list(_models(where, upstream, seen))
        version = f", vLLM {seen.version}" if seen.version else ""
        yield from wrong or [good(f"{where}: answers, and has the models{version}")]


def _models(where: str, upstream: Upstream, seen: Seen) -> Iterator[Result]:
    models = seen.models or {}
    for one in upstream.wanted:
        if one.id not in models:
            remedy = f"one of the names at {place_of(upstream.url)}/models (vLLM: --served-model-name)"
            yield bad(where, f"it has no model {one.id}, which policy {one.policy} names", remedy)
            continue
        most = models[one.id]
        if most is not None and one.max_context is not None and one.max_context > most:
            problem = f"policy {one.policy} tells clients that {one.id} takes {one.max_context} tokens; it takes {most}"
            yield bad(where, problem, f"max_context: {most}")
