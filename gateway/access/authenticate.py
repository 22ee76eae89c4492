"""Turns an Authorization header into a Principal, or refuses. No principal, no work."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

from gateway.access.addresses import Address, is_within
from gateway.access.principal import Principal
from gateway.access.token import Token, parse
from gateway.access.token_file import TokenRecord, load_tokens
from gateway.access.watch import Watch
from gateway.errors import ExpiredKey, Forbidden, MissingKey, NotReady, Unauthenticated
from gateway.settings import ConfigurationError
from gateway.store.port import StoreUnavailable

WRONG = "This token is not valid; it may be mistyped or revoked."


Told = Callable[[Literal["reloaded", "refused"]], None]


@dataclass(frozen=True, slots=True)
class Credential:
    """What is known of a token, and whom it stands for."""

    record: TokenRecord
    principal: Principal

    @classmethod
    def of(cls, record: TokenRecord) -> Credential:
        return cls(record, record.principal())


# Compared with if there is no such token, so that this takes as long.
_NO_ONE = Credential.of(TokenRecord(id="0" * 8, sha256="0" * 64, tenant="nobody", created=datetime.min))


class Minted(Protocol):
    """Tokens that were made while the gateway runs; a TokenStore has them."""

    def at_once(self, token_id: str) -> Credential | None:
        """If it is known without asking anybody."""
        ...

    async def find(self, token_id: str) -> Credential | None:
        """None if there is none. Raises StoreUnavailable."""
        ...


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Authenticator:
    """Checks tokens against the tokens file, and reads the file again within a second of a change.

    A file that has become unreadable or invalid lets nobody new in and nobody revoked back: the records last read
    stay, and a warning says so. `clock` is monotonic.
    """

    def __init__(
        self,
        path: Path,
        clock: Callable[[], float],
        minted: Minted | None = None,
        now: Callable[[], datetime] = _utc_now,
        told: Told | None = None,
    ) -> None:
        """`minted`: where to look for tokens that are not in the file. `told`: how readings of a changed file ended.

        Raises ConfigurationError.
        """
        self._path = path
        self._told = told
        self._problem = ""
        self._minted = minted
        self._now = now
        self._watch = Watch(path, clock)
        self._known: Mapping[str, Credential] = _read(path)

    def principal(self, authorization: bytes | None, address: Address | None = None) -> Principal:
        """For a token of the file; takes the same time for every wrong secret. `address`: whence the request comes.

        Raises MissingKey, Unauthenticated, ExpiredKey, or Forbidden if the token is not for use from there.
        """
        self._refresh()
        token = _token(authorization)
        return self._checked(token, self._known.get(token.id), address)

    async def admit(self, authorization: bytes | None, address: Address | None = None) -> Principal:
        """The same, for tokens that were minted at run time too. It waits for those only, and once a second at most.

        Raises NotReady too, if it cannot be known now whether there is such a token.
        """
        self._refresh()
        token = _token(authorization)
        credential = self._known.get(token.id)
        if credential is None and self._minted is not None:
            credential = self._minted.at_once(token.id)
            if credential is None:
                try:
                    credential = await self._minted.find(token.id)
                except StoreUnavailable:
                    raise NotReady("It cannot be checked now whether this token is valid; try again.") from None
        return self._checked(token, credential, address)

    def record(self, token_id: str) -> TokenRecord | None:
        """Of a token in the file."""
        self._refresh()
        credential = self._known.get(token_id)
        return credential.record if credential is not None else None

    def records(self, tenant: str) -> list[TokenRecord]:
        """Those of a tenant's tokens that are in the file."""
        self._refresh()
        return [known.record for known in self._known.values() if known.record.tenant == tenant]

    def _checked(self, token: Token, credential: Credential | None, address: Address | None) -> Principal:
        now = self._now()
        known = credential or _NO_ONE
        if not known.record.is_proved_by(token, now) or credential is None:
            raise Unauthenticated(WRONG)
        if known.record.is_expired(now):
            raise ExpiredKey("This token has expired; mint a new one.").by(known.principal)
        if known.record.is_early(now):
            raise Unauthenticated("This token is not in force yet; wait, or check the clocks.").by(known.principal)
        if known.record.networks and not is_within(address, known.record.networks):
            away = Forbidden("This token may not be used from where you are; ask for one that may.")
            raise away.by(known.principal)
        return known.principal

    def problem(self) -> str:
        """What is wrong with the file, if it is not what is in force."""
        self._refresh()
        return self._problem

    def look_now(self) -> None:
        """Read the file again at the next look, whether it has changed or not."""
        self._watch.forget()

    def _refresh(self) -> None:
        if not self._watch.changed():
            return
        try:
            self._known = _read(self._path)
        except Exception as error:
            self._problem = str(error) if isinstance(error, ConfigurationError) else type(error).__name__
            logging.getLogger("gateway").warning("tokens file is not valid; the tokens read before stay in force")
        else:
            self._problem = ""
        if self._told is not None:
            self._told("refused" if self._problem else "reloaded")


def _read(path: Path) -> dict[str, Credential]:
    return {token_id: Credential.of(record) for token_id, record in load_tokens(path).items()}


def _token(authorization: bytes | None) -> Token:
    if not authorization:
        raise MissingKey("Send a token as `Authorization: Bearer pgw_…`; `gateway token mint` makes one.")
    scheme, _, text = authorization.partition(b" ")
    token = parse(text.strip().decode("latin-1")) if scheme.lower() == b"bearer" else None
    if token is None:
        raise Unauthenticated(WRONG)
    return token
