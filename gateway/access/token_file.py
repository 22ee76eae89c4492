"""What is kept of a token, and the tokens file: YAML records with hashes, never a token. The file is written
atomically, and readable by its owner only."""

from __future__ import annotations

import fcntl
import hmac
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gateway.access.addresses import Network, network_of
from gateway.access.limits import Limits
from gateway.access.principal import ASKING, DOCUMENTS, Principal, Scope
from gateway.access.token import Token
from gateway.policy.positions import read_positioned
from gateway.settings import ConfigurationError, write_yaml

_MOST_MIB = 64
NOBODY = "0" * 64
"""A digest that no token has."""
NAMELESS = "token "
"""So begins the name under which the cache keeps what a token without a subject has asked."""


def _network(value: object) -> object:
    """A text only: a number would be taken for an address."""
    if not isinstance(value, str):
        raise ValueError("expected a network such as 10.0.0.0/8 or 2001:db8::/32")  # noqa: TRY004 - as pydantic wants
    return network_of(value)


def _in_utc(value: datetime) -> datetime:
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)


DocumentScope = Annotated[str, Field(pattern=f"^{DOCUMENTS}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Time = Annotated[datetime, AfterValidator(_in_utc)]
"""A time without a zone is taken as UTC."""


class TokenRecord(BaseModel):
    """What is kept of a token."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{8}$")]
    sha256: Annotated[Digest, Field(repr=False)]
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
    subject: Annotated[str, Field(max_length=256)] = ""
    scopes: tuple[Scope | DocumentScope, ...] = ASKING
    models: tuple[str, ...] = ("*",)
    created: Time
    not_before: Time | None = None
    expires: Time | None = None
    networks: tuple[Annotated[Network, BeforeValidator(_network)], ...] = ()
    """Whence it may be used; empty for anywhere."""
    policy: Annotated[str, Field(pattern=r"^([a-z0-9][a-z0-9._-]{0,62})?$")] = ""
    limits: Limits | None = None
    old_sha256: Annotated[Digest | None, Field(repr=False)] = None
    old_until: Time | None = None
    """The secret before the last rotation, and until when it is good too."""
    minted_by: Annotated[str, Field(max_length=64)] = ""
    """The id of the token with which it was made through the API."""

    def is_expired(self, now: datetime) -> bool:
        """Whether the token's time is over at `now`, which must have a zone."""
        return self.expires is not None and now >= self.expires

    def is_early(self, now: datetime) -> bool:
        """Whether the token's time has not begun at `now`, which must have a zone."""
        return self.not_before is not None and now < self.not_before

    def is_proved_by(self, token: Token, now: datetime) -> bool:
        """Whether this is the record's token. Takes the same time for every wrong secret."""
        old = self.old_sha256 if self.old_until is not None and now < self.old_until else None
        digest = token.digest
        return hmac.compare_digest(digest, self.sha256) | hmac.compare_digest(digest, old or NOBODY)

    def principal(self) -> Principal:
        """Whoever bears the token."""
        return Principal(
            token_id=self.id,
            tenant=self.tenant,
            subject=self.subject,
            scopes=frozenset(self.scopes),
            models=frozenset(self.models),
            policy=self.policy,
            limits=self.limits,
            networks=self.networks,
            expires=self.expires,
        )

    def rotated(self, token: Token, now: datetime, old_until: datetime) -> TokenRecord:
        """With a new secret. The one that it has now is good until then, too; the one before it, no more."""
        keeps = old_until > now
        changes = {"sha256": token.digest, "old_sha256": self.sha256 if keeps else None}
        return self.model_copy(update={**changes, "old_until": old_until if keeps else None})

    def written(self) -> dict[str, Any]:
        """As it is kept: what was not said is left out."""
        kept = self.model_dump(mode="json", exclude_none=True)
        return {name: value for name, value in kept.items() if name not in _LEFT_OUT or value}


_LEFT_OUT = frozenset({"networks", "policy", "limits", "minted_by"})


class InvalidRecord(ValueError):
    """A field of a record that is to be made is wrong."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


def new_record(**fields: object) -> TokenRecord:
    """Raises InvalidRecord."""
    try:
        record = TokenRecord.model_validate(fields)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise InvalidRecord(str(problem["loc"][0]), problem["msg"]) from None
    if record.subject.startswith(NAMELESS) or not record.subject.isprintable():
        raise InvalidRecord("subject", f"write a name of printable characters that does not begin with `{NAMELESS}`")
    if record.expires is not None and record.not_before is not None and record.expires <= record.not_before:
        raise InvalidRecord("not_before", "the token would have expired before it is in force")
    return record


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    version: Annotated[int, Field(ge=1, le=1)] = 1
    tokens: list[TokenRecord] = []


def load_tokens(path: Path) -> dict[str, TokenRecord]:
    """Records by token id. Raises ConfigurationError."""
    if not path.exists():
        raise ConfigurationError(f"{path}: there is no such file; `gateway token mint --tokens {path} …` makes it")
    source = read_positioned(path, "the tokens file", None, _MOST_MIB)
    try:
        file = _File.model_validate({} if source.document is None else source.document)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise ConfigurationError(source.problem(problem["loc"], f"{place}: {problem['msg']}")) from None
    records = {record.id: record for record in file.tokens}
    if len(records) != len(file.tokens):
        raise ConfigurationError(f"{path}: two tokens have the same id; remove one")
    return records


@contextmanager
def edit_tokens(path: Path) -> Iterator[dict[str, TokenRecord]]:
    """The records to change; they are written back when the block ends well. One editor at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        records = load_tokens(path) if path.exists() else {}
        yield records
        _write(path, records)
    finally:
        os.close(lock)


def _write(path: Path, records: Mapping[str, TokenRecord]) -> None:
    tokens = [record.written() for record in records.values()]
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("# Hashes of tokens, made by `gateway token mint`. A token itself is shown once and never kept.\n")
        file.write(write_yaml({"version": 1, "tokens": tokens}))
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, path)
