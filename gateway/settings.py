"""The server's own settings, typed, in one place, and the YAML reader that they and the policies share.

A setting has one name in three places: `--upstream`, `GATEWAY_UPSTREAM`, `upstream:` in gateway.yaml.
A flag wins over the environment, which wins over the file. What a tenant may do is not here but in the policy.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

ENVIRONMENT_PREFIX = "GATEWAY_"
_MIB = 2**20
_MOST_MIB = 64
_DEEPEST = 32
_LONGEST_NUMBER = 100
_TAGS = re.compile(r"^%TAG\b", re.MULTILINE)
_NUMBERS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "timestamp"))


class ConfigurationError(Exception):
    """A file or a setting is wrong. The message says where, and what would be right (exit code 2)."""


def _switch(value: object) -> object:
    """YAML reads the words on and off as true and false."""
    return ("on" if value else "off") if isinstance(value, bool) else value


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
    upstream_ca: Path | None = None
    """Who signs the certificate of an upstream at https://…; without it the authorities of the system."""
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
    """How long a command to Redis may take, and connecting if it is more than 0.25. Every request may have to wait as
    long."""
    tls_cert: Path | None = None
    """The certificate with its chain, and `tls_key` its key, in PEM, for TLS by the gateway itself: docs/tls.md."""
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    """Only clients with a certificate that one of these signed are let in."""
    drain_delay: float = Field(default=0.0, ge=0)
    """For how long the gateway says that it is not ready before it takes no more connections: docs/deploy.md."""
    drain_timeout: float = Field(default=30.0, ge=0)
    """For what is under way then."""
    max_connections: int = Field(default=0, ge=0)
    """Of a worker; 0 for as many as there are file descriptors for."""
    worker_memory: int = Field(default=0, ge=0)
    """Workers that hold more memory are replaced, one at a time; 0 for never."""
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
    traces: str = Field(default="none", pattern=r"^(none|https?://[^\s]+)$", repr=False)
    """Where spans are sent by OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces."""
    traces_ratio: float = Field(default=1.0, ge=0, le=1)
    """Which part of the exchanges has spans."""
    access_log: bool = False
    """Whether each exchange has a line in the log, with kinds and counts."""
    ui: Annotated[Literal["off", "on"], BeforeValidator(_switch)] = "off"
    """Whether there is the page /ui: docs/page.md."""
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


def read_text(path: Path, what: str, most_mib: int, *, place: str = "") -> str:
    """A file of UTF-8 text. `what` it should be. `place`: said after its name where no line can be, such as `:1:1`.

    Nothing is waited for, and no more is read than there may be, whatever it is: pipes and devices have no end.
    Raises ConfigurationError.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ConfigurationError(f"{path}{place}: cannot be read (it is no plain file)")
            raw = file.read(most_mib * _MIB + 1)
    except OSError as error:
        raise ConfigurationError(f"{path}{place}: cannot be read ({error.strerror})") from None
    except ValueError:
        raise ConfigurationError(f"{str(path)!r}{place}: cannot be read (no file can be called that)") from None
    if len(raw) > most_mib * _MIB:
        raise ConfigurationError(f"{path}{place}: larger than {most_mib} MiB; is this {what}?")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"{path}:{line}:1: not UTF-8 text; save the file as UTF-8") from None


class YamlLoader(yaml.CSafeLoader):
    """Composes and constructs one document. What is wrong with a value is a YAMLError with its place."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def descend_resolver(self, current_node: yaml.Node | None, current_index: Any) -> None:
        """Called before a node is composed, by the parser, which is not written in Python and has no other bound."""
        self._depth += 1
        if self._depth > _DEEPEST and current_node is not None:
            raise yaml.composer.ComposerError(None, None, "nested too deeply", current_node.start_mark)

    def ascend_resolver(self) -> None:
        """Called after a node was composed."""
        self._depth -= 1

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """As PyYAML does, which lets all kinds of errors out for values that are none of their type."""
        kind = str(node.tag).rpartition(":")[2]
        problem = f"this cannot be read as {kind}; put it in quotes if it is a text"
        if node.tag in _NUMBERS and len(node.value) > _LONGEST_NUMBER:
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None


@contextmanager
def yaml_loader(text: str, path: Path) -> Iterator[YamlLoader]:
    """To read a text that stands in a file of that name. What is wrong with it is raised in the block and from it, as
    ConfigurationError: `file:line:column: what`."""
    try:
        # The name of a tag may stand for a long one, at each of its places anew.
        if _TAGS.search(text):
            raise ConfigurationError(f"{path}:1:1: not valid YAML here: a directive %TAG")
        yield YamlLoader(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"
        raise ConfigurationError(f"{path}:{at}: not valid YAML: {error.problem}") from None
    except RecursionError:
        raise ConfigurationError(f"{path}:1:1: not valid YAML here: nested too deeply") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigurationError(f"{path}:1:1: not valid YAML ({type(error).__name__})") from None


def read_yaml(path: Path) -> object:
    """One YAML document as plain values. Raises ConfigurationError as `file:line:column: what`."""
    with yaml_loader(read_text(path, "the right file", _MOST_MIB), path) as loader:
        return None if (node := loader.get_single_node()) is None else loader.construct_document(node)


def write_yaml(document: object) -> str:
    """Plain values as YAML text, keys in the order given."""
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
