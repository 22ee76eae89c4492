"""The settings themselves: whether they are valid, and whether all that somebody wrote is read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from gateway.access.addresses import network_of
from gateway.doctor.result import Result, bad, good, warn
from gateway.doctor.setup import Setup
from gateway.policy.positions import nearest
from gateway.seal.files import is_open_to_others
from gateway.settings import ENVIRONMENT_PREFIX, Settings

_COMPOSE = "ADDRESS CPUS MEMORY OUTBOUND STATE USER VERSION"
"""What only docker-compose.yml reads; an `.env` that is exported has them, too."""
_KNOWN = frozenset(
    ENVIRONMENT_PREFIX + name
    for name in (*(name.upper() for name in Settings.model_fields), "CANARIES", *_COMPOSE.split())
)
# Kubernetes and links of Docker put these into every container beside a service that is called `gateway`.
_OF_A_SERVICE = re.compile(r"GATEWAY_(SERVICE_(HOST|PORT)\w*|PORT_[0-9]+_\w+)")


def judge(setup: Setup, readable_by_others: bool) -> Iterator[Result]:
    """Of the file and the environment. `readable_by_others`: the settings file is."""
    where = f"settings {setup.file}" if setup.file else "settings (no file)"
    if setup.problem:
        remedy = "write it as it says"
        if str(setup.environ.get("GATEWAY_PORT", "")).startswith("tcp://"):
            remedy = "Kubernetes sets GATEWAY_PORT for a service called `gateway`: `enableServiceLinks: false`"
        used = f" (the other checks take defaults for: {', '.join(setup.replaced)})" if setup.replaced else ""
        yield bad(where, setup.problem, remedy + used)
    else:
        yield good(where)
    yield from _proxies(setup.settings.trusted_proxies)
    if readable_by_others and _has_password(setup):
        yield warn(where, "others may read it, and it holds Redis's password", f"chmod 600 {setup.file}")
    yield from unknown(setup.environ)


def _proxies(listed: str) -> Iterator[Result]:
    for text in filter(None, map(str.strip, listed.split(","))):
        try:
            network = network_of(text)
        except ValueError as error:
            yield bad("trusted_proxies", str(error), "one of the entries is none; separate them with commas")
            continue
        if network.prefixlen == 0:
            yield warn("trusted_proxies", "everybody is trusted, so anybody may name any address", "name the proxies")


def unknown(environ: Mapping[str, str]) -> Iterator[Result]:
    """Variables that look like settings and are none. What they hold is not said."""
    for name in sorted(environ):
        if not name.upper().startswith(ENVIRONMENT_PREFIX) or name in _KNOWN or _OF_A_SERVICE.fullmatch(name):
            continue
        close = nearest(name.upper(), sorted(_KNOWN))
        remedy = f"did you mean {close}?" if close else "remove it; `gateway serve --help` has the settings"
        yield warn(f"environment {name}", "no setting is called that, so it changes nothing", remedy)


def is_readable_by_others(setup: Setup) -> bool:
    try:
        return setup.file is not None and is_open_to_others(os.stat(setup.file))
    except OSError:
        return False


def _has_password(setup: Setup) -> bool:
    if ENVIRONMENT_PREFIX + "STORE" in setup.environ:
        return False
    try:
        return bool(urlsplit(setup.settings.store).password)
    except ValueError:
        return False
