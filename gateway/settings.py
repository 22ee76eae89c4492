"""The server's own settings, typed, in one place, and the YAML reader that they and the policies share.

A setting has one name in three places: `--upstream`, `GATEWAY_UPSTREAM`, `upstream:` in gateway.yaml.
A flag wins over the environment, which wins over the file. What a tenant may do is not here but in the policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

ENVIRONMENT_PREFIX = "GATEWAY_"


class ConfigurationError(Exception):
    """A file or a setting is wrong. The message says where, and what would be right (exit code 2)."""


class Settings(BaseModel):
    """How this server runs. Times are in seconds, sizes in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    policy: Path = Path("policies/default.yaml")
    tenants: Path | None = None
    """Which policies there are beside that one, and whose they are: docs/policy.md."""
    upstream: str = Field(default="http://127.0.0.1:8001/v1", pattern=r"^https?://[^\s]+$")
    upstream_key_file: Path | None = None
    """A file that holds the key sent to the upstream as a bearer token (vLLM's --api-key)."""
    tokens: Path = Path("tokens.yaml")
    oidc: Path | None = None
    """Issuers whose JWTs are taken beside the tokens of the tokens file: docs/oidc.md."""
    trusted_proxies: str = ""
    """Networks of the proxies in front, with commas between them: what they say of a client's address is taken."""
    keyset: Path | None = None
    """The keys that seal values, made by `gateway key init`. Without it all keys are new at each start."""
    master_key: str | None = Field(default=None, pattern=r"^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+|command:.+)$")
    """Where the key that opens the keyset is. Without it: in the file beside the keyset, made by `gateway key init`."""
    store: str = Field(default="memory://", repr=False)
    """Of the cache: memory:// or redis://… or rediss://…, see store/choose.py. It may hold a password."""
    store_timeout: float = Field(default=0.1, gt=0, le=10)
    """How long a command to Redis may take. Every request may have to wait as long."""
    workers: int = Field(default=1, ge=1, le=256)
    places: int = Field(default=0, ge=0)
    """How many requests a worker has with the models at a time; 0 for as many as come."""
    queue: int = Field(default=256, ge=0)
    """How many more may wait for a place; all others are told at once to come again."""
    queue_timeout: float = Field(default=10.0, gt=0)
    audit: str = "none"
    audit_fsync: Literal["always", "interval", "never"] = "interval"
    """When lines are brought to the disk: as soon as can be, once a second, or when the system likes."""
    audit_on_failure: Literal["stop", "buffer"] = "stop"
    """If the log cannot be written: refuse requests at once, or when as much waits in memory as may."""
    audit_max_size: int = Field(default=0, ge=0)
    """After so many bytes the log begins a new file; 0 for one file."""
    audit_buffer: int = Field(default=16 * 2**20, ge=65536)
    """How many bytes of lines may wait in memory."""
    metrics_port: int = Field(default=0, ge=0, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    depth: int = Field(default=64, ge=4, le=250)
    """How deep a request's JSON may nest."""
    strings: int = Field(default=20_000, ge=16)
    """How many texts one request may hold."""
    header_timeout: float = Field(default=10.0, gt=0)
    body_timeout: float = Field(default=30.0, gt=0)
    send_timeout: float = Field(default=30.0, gt=0)
    connect_timeout: float = Field(default=5.0, gt=0)

    @classmethod
    def resolve(cls, flags: Mapping[str, object], environ: Mapping[str, str], file: Path | None) -> Settings:
        """Merge file, environment and flags (None: not given).

        Raises ConfigurationError naming the setting and where it came from.
        """
        merged: dict[str, Any] = {}
        if file is not None:
            document = read_yaml(file)
            if not isinstance(document, dict):
                raise ConfigurationError(f"{file}: expected settings as `name: value` lines")
            merged.update({str(name).replace("-", "_"): value for name, value in document.items()})
        for name in cls.model_fields:
            if (value := environ.get(ENVIRONMENT_PREFIX + name.upper())) is not None:
                merged[name] = value
        merged.update({name: value for name, value in flags.items() if value is not None})
        try:
            return cls.model_validate(merged)
        except ValidationError as error:
            raise ConfigurationError(_explain(error, file)) from None


def _explain(error: ValidationError, file: Path | None) -> str:
    lines = []
    for problem in error.errors(include_url=False, include_input=False):
        name = ".".join(str(part) for part in problem["loc"])
        hint = problem["msg"]
        if name == "master_key":
            hint = "where the master key is: env:NAME, file:PATH or command:PROGRAM ARGS"
        if problem["type"] == "extra_forbidden":
            hint = f"no such setting; the settings are: {', '.join(sorted(Settings.model_fields))}"
        lines.append(f"setting {name} (--{name.replace('_', '-')}, {ENVIRONMENT_PREFIX}{name.upper()}): {hint}")
    return ("\n" if len(lines) > 1 else "").join(lines) + (f"\n(settings file: {file})" if file else "")


def read_yaml(path: Path) -> object:
    """One YAML document as plain values. Raises ConfigurationError as `file:line:column: what`."""
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: is not UTF-8 text") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f"{mark.line + 1}:{mark.column + 1}: " if mark else " "
        raise ConfigurationError(f"{path}:{at}not valid YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise ConfigurationError(f"{path}: not valid YAML") from None


def write_yaml(document: object) -> str:
    """Plain values as YAML text, keys in the order given."""
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
