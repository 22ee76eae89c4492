"""Tokens that are refused although they are good, in all workers and replicas within a second.

The store has a log: a counter, and a sealed entry for each number up to it, which ends when the token would. Each
worker has read it to some number. It looks at the counter twice a second, and at once when it is told to by a message,
so a message that is lost costs half a second and nothing else. Nobody ever changes an entry, so nobody can undo
another's; what was revoked stays so until the token's own time is over.

An entry is for a token of one tenant: an administrator can revoke no token of another, whatever id he names.

Workers remember what they have read. When the log has been lost (a store that was emptied) or begins anew (a keyset
that was rotated), they write into it what they know.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.access.kept import TOPIC, Kept, Names
from gateway.errors import NotReady
from gateway.seal.errors import SealError
from gateway.store.port import Place, Store, StoreUnavailable, Trouble

POLL_S = 0.5
FOREVER_S = 10 * 365 * 86_400.0
"""How long the counter lasts, and entries for tokens that do not expire."""
LARGEST = 100_000
"""So many entries are read at most, the newest, and so many are remembered."""
_PAUSE_S = 0.02
_AGAIN_S = 1.0
_BATCH = 16
_LATE_S = 10.0
"""How long an entry may take to come after its number was taken; one that is not there then has ended, or never was."""
_NEWEST = 64
_AS_GOOD_S = 86_400.0
"""An entry that ends so much earlier is as good as a new one."""

Key = tuple[str, str]
"""Tenant and token id."""


@dataclass(slots=True)
class _Log:
    """How far the log under one key was read."""

    read: int = 0
    entries: set[Key] = field(default_factory=set)
    missing: dict[int, float] = field(default_factory=dict)
    """Numbers without an entry as yet, and until when to look for it."""


class Revocations:
    """`clock` is monotonic, `wall_clock` gives Unix time. `report` is told, by kind, of what failed:
    revocations_unread, revocations_unheard, revocations_unsent, revocations_full. `changed` is called when something
    about tokens changed elsewhere.
    """

    def __init__(
        self,
        store: Store,
        kept: Kept,
        *,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
        report: Callable[[str], None],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._kept = kept
        self._clock = clock
        self._wall_clock = wall_clock
        self._report = report
        self._changed = changed
        self._revoked: dict[Key, float] = {}
        self._logs: dict[bytes, _Log] = {}
        self._was_read = False
        self._woken = asyncio.Event()
        self._reading = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Read the log, and follow it. A store that cannot be reached is no error: nobody is let in until it can."""
        await self._refreshed()
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._listen())]

    async def close(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def is_ready(self) -> bool:
        """Whether the log was read at least once."""
        return self._was_read

    def is_revoked(self, tenant: str, token_id: str) -> bool:
        """Raises NotReady if the log was never read: nobody knows then."""
        if not self._was_read:
            raise NotReady("It cannot be checked yet whether this token was revoked; try again.")
        until = self._revoked.get((tenant, token_id))
        return until is not None and self._wall_clock() < until

    async def revoke(self, tenant: str, token_id: str, until_s: float | None) -> None:
        """Until a Unix time, or for ever. This worker refuses the token at once, even if StoreUnavailable is raised."""
        until = self._wall_clock() + FOREVER_S if until_s is None else until_s
        key, names = (tenant, token_id), self._kept.names()[0]
        known, log = self._revoked.get(key, 0.0), self._logs.get(names.key)
        self._remember(key, until)
        # Whoever revokes the same token again and again does not fill the log.
        if log is None or key not in log.entries or known < until - _AS_GOOD_S:
            await self._append(names, key, until)
        await self.announce()

    async def announce(self) -> None:
        """Tell the others that something about tokens has changed. Those who do not hear it find out by themselves."""
        try:
            await self._store.publish(TOPIC, b"")
        except StoreUnavailable:
            self._report("revocations_unsent")

    async def refresh(self) -> None:
        """Read what is new. Raises StoreUnavailable, SealError."""
        async with self._reading:
            self._drop_what_is_over()
            names = self._kept.names()
            logs = {each.key: self._logs.get(each.key) or _Log() for each in names}
            for each in names:
                await self._read(each, logs[each.key])
            self._logs = logs
            self._was_read = True
            present = logs[names[0].key]
            for key, until in list(self._revoked.items()):
                if key not in present.entries:
                    await self._append(names[0], key, until)

    def _drop_what_is_over(self) -> None:
        now = self._wall_clock()
        for key in [key for key, until in self._revoked.items() if until <= now]:
            del self._revoked[key]
            for log in self._logs.values():
                log.entries.discard(key)

    async def _read(self, names: Names, log: _Log) -> None:
        count = await self._count(names)
        if count < log.read:
            log.read = 0
            log.entries.clear()
            log.missing.clear()
        first = log.read == 0
        start = max(log.read, count - LARGEST)
        numbers = [*log.missing, *range(start + 1, count + 1)]
        until = self._clock() + _LATE_S
        for at in range(0, len(numbers), _BATCH):
            batch = numbers[at : at + _BATCH]
            values = await asyncio.gather(*(self._store.get(_entry(names, number)) for number in batch))
            for number, value in zip(batch, values, strict=True):
                if value is not None:
                    log.missing.pop(number, None)
                    self._take(log, _entry(names, number), value)
                elif number not in log.missing and not (first and number <= count - _NEWEST):
                    log.missing[number] = until
        log.read = count
        log.missing = {number: until for number, until in log.missing.items() if self._clock() < until}

    async def _count(self, names: Names) -> int:
        value = await self._store.get(Place(names.log(), "count"))
        try:
            return max(0, int(value or b"0"))
        except ValueError:
            raise StoreUnavailable(Trouble.FAILED) from None

    def _take(self, log: _Log, place: Place, value: bytes) -> None:
        try:
            tenant, token_id, until = self._kept.open(value, place)
            key, until = (str(tenant), str(token_id)), float(until)
        except (SealError, ValueError, TypeError):
            self._report("revocations_unread")
            return
        if until > self._wall_clock():
            log.entries.add(key)
            self._remember(key, until)

    def _remember(self, key: Key, until: float) -> None:
        self._revoked[key] = max(until, self._revoked.get(key, until))
        if len(self._revoked) > LARGEST:
            # What ends soonest goes; there is no room to remember everything, and for ever.
            del self._revoked[min(self._revoked, key=lambda key: self._revoked[key])]
            self._report("revocations_full")

    async def _append(self, names: Names, key: Key, until: float) -> None:
        left_s = until - self._wall_clock()
        if left_s <= 0:
            return
        number = await self._store.add(Place(names.log(), "count"), 1, FOREVER_S)
        place = _entry(names, number)
        await self._store.put(place, self._kept.seal([*key, until], place), left_s)
        if (log := self._logs.get(names.key)) is not None:
            log.entries.add(key)

    async def _refreshed(self) -> None:
        try:
            await self.refresh()
        except Exception:  # whatever it is, the next look must come
            self._report("revocations_unread")

    async def _follow(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._woken.wait()
            self._woken.clear()
            await self._refreshed()
            # Whoever floods us with messages gets no more of it than this.
            await asyncio.sleep(_PAUSE_S)

    async def _listen(self) -> None:
        while True:
            try:
                async with self._store.subscribe(TOPIC) as messages:
                    # What came before we listened.
                    self._wake()
                    async for _ in messages:
                        self._wake()
            except Exception:  # the look twice a second does without
                self._report("revocations_unheard")
            await asyncio.sleep(_AGAIN_S)

    def _wake(self) -> None:
        self._changed()
        self._woken.set()


def _entry(names: Names, number: int) -> Place:
    return Place(names.log(), str(number))
