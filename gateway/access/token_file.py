"""The tokens file: YAML records with hashes, never a token. Written atomically, readable by its owner only."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.access.principal import ASKING, DOCUMENTS, Scope
from gateway.settings import ConfigurationError, read_yaml, write_yaml

DocumentScope = Annotated[str, Field(pattern=f"^{DOCUMENTS}$")]


class TokenRecord(BaseModel):
    """What is kept of a token."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{8}$")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    tenant: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
    subject: Annotated[str, Field(max_length=256)] = ""
    scopes: tuple[Scope | DocumentScope, ...] = ASKING
    models: tuple[str, ...] = ("*",)
    created: datetime
    expires: datetime | None = None

    def is_expired(self, now: datetime) -> bool:
        """Whether the token's time is over at `now`, which must have a zone."""
        return self.expires is not None and now >= self.expires


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Annotated[int, Field(ge=1, le=1)] = 1
    tokens: list[TokenRecord] = []


def load_tokens(path: Path) -> dict[str, TokenRecord]:
    """Records by token id. Raises ConfigurationError; a time without a zone is taken as UTC."""
    if not path.exists():
        raise ConfigurationError(f"{path}: there is no such file; `gateway token mint --tokens {path} …` makes it")
    document = read_yaml(path)
    try:
        file = _File.model_validate({} if document is None else document)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in problem["loc"])
        raise ConfigurationError(f"{path}: {place}: {problem['msg']}") from None
    records = {record.id: _in_utc(record) for record in file.tokens}
    if len(records) != len(file.tokens):
        raise ConfigurationError(f"{path}: two tokens have the same id; remove one")
    return records


def _in_utc(record: TokenRecord) -> TokenRecord:
    if record.expires is None or record.expires.tzinfo is not None:
        return record
    return record.model_copy(update={"expires": record.expires.replace(tzinfo=UTC)})


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
    tokens = [record.model_dump(mode="json", exclude_none=True) for record in records.values()]
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write("# Hashes of tokens, made by `gateway token mint`. A token itself is shown once and never kept.\n")
        file.write(write_yaml({"version": 1, "tokens": tokens}))
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, path)
