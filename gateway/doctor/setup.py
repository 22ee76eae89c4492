"""The settings that are looked at, as far as they can be read: one that is wrong must not keep the others unseen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gateway.settings import ENVIRONMENT_PREFIX, ConfigurationError, Settings

_NAMED = re.compile(r"^setting ([a-z_]+) ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Setup:
    """How a gateway would be started. `problem`: why not, and `replaced` are the settings that are defaults for it."""

    settings: Settings
    environ: Mapping[str, str] = field(repr=False)
    file: Path | None = None
    problem: str = ""
    replaced: tuple[str, ...] = ()
    secrets: set[str] = field(default_factory=set, repr=False)
    """What was read on the way and may stand in no result."""


def resolve(flags: Mapping[str, object], environ: Mapping[str, str], file: Path | None) -> Setup:
    """As `gateway serve` does it, but what is wrong is told and left out."""
    try:
        settings = Settings.resolve(flags, environ, file)
        return Setup(settings, environ, file, secrets=_secrets(settings, environ))
    except ConfigurationError as error:
        problem = str(error)
    settings, replaced = _as_far_as_possible(flags, environ, file, tuple(_NAMED.findall(problem)))
    return Setup(settings, environ, file, problem, replaced, _secrets(settings, environ))


def _as_far_as_possible(
    flags: Mapping[str, object], environ: Mapping[str, str], file: Path | None, wrong: tuple[str, ...]
) -> tuple[Settings, tuple[str, ...]]:
    """Without those settings, without the file, or without anything."""
    fields = Settings.model_fields
    rest = {name: value for name, value in flags.items() if name not in wrong}
    # A flag wins over the file, so the default as a flag takes the place of what the file says.
    rest |= {name: fields[name].default for name in wrong if name in fields}
    around = {name: value for name, value in environ.items() if not _is_of(name, wrong)}
    for named, left in ((file, wrong), (None, (*wrong, "all of the settings file"))):
        try:
            return Settings.resolve(rest, around, named), tuple(name for name in left if name in fields or " " in name)
        except ConfigurationError:
            continue
    return Settings(), ("all",)


def _is_of(variable: str, names: tuple[str, ...]) -> bool:
    return variable.removeprefix(ENVIRONMENT_PREFIX).lower() in names


def _secrets(settings: Settings, environ: Mapping[str, str]) -> set[str]:
    """Passwords in addresses, and a master key in the environment."""
    found = set()
    for url in (settings.store, settings.upstream):
        try:
            password = urlsplit(url).password
        except ValueError:
            continue
        if password:
            found |= {password, unquote(password)}
    source = settings.master_key or ""
    if source.startswith("env:") and (key := environ.get(source.removeprefix("env:"))):
        found.add(key)
    return found


def place_of(url: str) -> str:
    """An address without what may be secret in it: a name, a password, a query."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "an address that cannot be read"
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
