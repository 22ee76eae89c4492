"""Turns an Authorization header into a Principal, or refuses. No principal, no work."""

from __future__ import annotations

import hmac
import logging
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from gateway.access.principal import Principal
from gateway.access.token import parse
from gateway.access.token_file import TokenRecord, load_tokens
from gateway.errors import ExpiredKey, MissingKey, Unauthenticated
from gateway.settings import ConfigurationError

_LOOK_EVERY_S = 1.0
_NOBODY = "0" * 64


class Authenticator:
    """Checks tokens against the tokens file, and reads the file again within a second of a change.

    A file that has become unreadable or invalid lets nobody new in and nobody revoked back: the records last read
    stay, and a warning says so.
    """

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._path = path
        self._clock = clock
        self._seen = _stamp(path)
        self._records: Mapping[str, TokenRecord] = load_tokens(path)
        self._look_at = clock() + _LOOK_EVERY_S

    def principal(self, authorization: bytes | None) -> Principal:
        """Raises MissingKey, Unauthenticated or ExpiredKey. Takes the same time for every wrong secret."""
        self._refresh()
        if not authorization:
            raise MissingKey("Send a token as `Authorization: Bearer pgw_…`; `gateway token mint` makes one.")
        scheme, _, text = authorization.partition(b" ")
        token = parse(text.strip().decode("latin-1")) if scheme.lower() == b"bearer" else None
        record = self._records.get(token.id) if token is not None else None
        known = record.sha256 if record is not None else _NOBODY
        if token is None or not hmac.compare_digest(token.digest, known) or record is None:
            raise Unauthenticated("This token is not valid; it may be mistyped or revoked.")
        if record.is_expired(datetime.now(UTC)):
            raise ExpiredKey("This token has expired; mint a new one.")
        return Principal(record.id, record.tenant, record.subject, frozenset(record.scopes), frozenset(record.models))

    def _refresh(self) -> None:
        if self._clock() < self._look_at:
            return
        self._look_at = self._clock() + _LOOK_EVERY_S
        if (stamp := _stamp(self._path)) == self._seen:
            return
        self._seen = stamp
        try:
            self._records = load_tokens(self._path)
        except ConfigurationError:
            logging.getLogger("gateway").warning("tokens file is not valid; the tokens read before stay in force")


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
