"""Processes that read: what breaks, hangs or eats memory takes one of them with it, and one document is reported."""

from __future__ import annotations

import logging
import os
import resource
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from pebble import ProcessExpired, ProcessPool

from gateway.guard.regurgitation.reading.core import Document, IndexKey, PartOf
from gateway.guard.regurgitation.reading.documents import Fault, Labels, content_of, documents
from gateway.guard.regurgitation.reading.extracted import Unreadable
from gateway.guard.regurgitation.reading.limits import Limits
from gateway.guard.regurgitation.reading.parts import Parts, Record, name_of
from gateway.guard.regurgitation.reading.sources import Source
from gateway.settings import ConfigurationError

_PART_CHARS = 8 * 2**20
_WAITING_PER_JOB = 2
_SMALLER = 16
_LOOK_S = 0.5
_SLACK_S = 5.0
_SECONDS_PER_COST = 8 / 2**20

Group = tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """What all groups of a build have in common."""

    folder: Path
    key: IndexKey
    part_of: PartOf
    labels: Labels
    limits: Limits


def records(task: Task, groups: Iterable[Group], jobs: int) -> Iterator[tuple[Group, Record]]:
    """For each group in order what became of it. Raises what reading raises (OSError: no place for the parts)."""
    # Started afresh, since a fork would inherit the locks of threads that do not exist in it.
    pool = ProcessPool(
        jobs, context=get_context("spawn"), initializer=_start, initargs=(os.getpid(), task.limits.worker_bytes)
    )
    waiting: deque[tuple[Group, Future[Record]]] = deque()
    try:
        for group in groups:
            waiting.append((group, _schedule(pool, task, group)))
            if len(waiting) >= jobs * _WAITING_PER_JOB:
                yield _settled(pool, task, *waiting.popleft())
        while waiting:
            yield _settled(pool, task, *waiting.popleft())
    except BrokenProcessPool:
        raise ConfigurationError(
            "the processes that read are ended by something outside, before they can read: "
            "look for a lack of memory, or a limit on processes; --resume goes on with what is done"
        ) from None
    except BaseException:
        # With what is under way: it can be done again.
        pool.stop()  # type: ignore[no-untyped-call]  # pebble types what it takes and gives only
        raise
    finally:
        pool.close()  # type: ignore[no-untyped-call]
        pool.join()


def _schedule(pool: ProcessPool, task: Task, group: Group) -> Future[Record]:
    # A little more than a document may take that ends by itself when its time is over.
    cost = sum(source.cost for source in group)
    limit = _SLACK_S + task.limits.seconds + min(cost * _SECONDS_PER_COST, task.limits.seconds)
    future: Future[Record] = pool.schedule(read_group, args=(task, group), timeout=limit)
    return future


def _settled(pool: ProcessPool, task: Task, group: Group, future: Future[Record]) -> tuple[Group, Record]:
    try:
        return group, future.result()
    except TimeoutError:
        why = f"took more than {task.limits.seconds:g} s to read"
    except (ProcessExpired, MemoryError):
        why = "broke the process that read it"
    if len(group) == 1:
        return group, Record(faults=(Fault(group[0].name, why),))
    # Which of them it was is seen when fewer are read at a time, and at last each by itself.
    size = -(-len(group) // _SMALLER)
    smaller = [group[first : first + size] for first in range(0, len(group), size)]
    scheduled = [(some, _schedule(pool, task, some)) for some in smaller]
    return group, _joined(_settled(pool, task, *some)[1] for some in scheduled)


def _joined(each: Iterable[Record]) -> Record:
    each = list(each)
    return Record(
        tuple(part for record in each for part in record.parts),
        sum(record.documents for record in each),
        sum(record.chars for record in each),
        tuple(fault for record in each for fault in record.faults),
    )


def _start(parent: int, worker_bytes: int) -> None:
    """In a process that reads: it is bounded, says nothing of what it reads, and does not outlive its parent."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = worker_bytes if most == resource.RLIM_INFINITY else min(worker_bytes, most)
    resource.setrlimit(resource.RLIMIT_AS, (limit, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable(logging.CRITICAL)
    threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os._exit(1)


def read_group(task: Task, group: Group) -> Record:
    """Read, hash and write the parts of a group, unless that is done already. Raises OSError, MemoryError."""
    parts = Parts(task.folder)
    contents = [(source, _content(source, task.limits)) for source in group]
    name = name_of(task.key, task.labels, task.limits, contents)
    if done := parts.record(name):
        return done
    record = _Work(task, parts, name).done(contents)
    parts.write_record(name, record)
    return record


def _content(source: Source, limits: Limits) -> bytes | str:
    try:
        return content_of(source, limits)
    except Unreadable as error:
        return error.why


class _Work:
    """Documents gathered into parts of bounded size."""

    def __init__(self, task: Task, parts: Parts, name: str) -> None:
        self._task = task
        self._parts = parts
        self._name = name
        self._batch: list[tuple[Document, str]] = []
        self._batch_chars = 0
        self._written: list[str] = []
        self._faults: list[Fault] = []
        self._documents = 0
        self._chars = 0

    def done(self, contents: list[tuple[Source, bytes | str]]) -> Record:
        """Read all. The list is emptied on the way, since it may be most of the memory that is taken."""
        contents.reverse()
        while contents:
            source, content = contents.pop()
            if isinstance(content, str):
                self._faults.append(Fault(source.name, content))
                continue
            for found in documents(source, content, self._task.labels, self._task.limits):
                if isinstance(found, Fault):
                    self._faults.append(found)
                else:
                    self._take(*found)
        self._write()
        return Record(tuple(self._written), self._documents, self._chars, tuple(self._faults))

    def _take(self, document: Document, text: str) -> None:
        self._batch.append((document, text))
        self._batch_chars += len(text)
        if self._batch_chars >= _PART_CHARS:
            self._write()

    def _write(self) -> None:
        if not self._batch:
            return
        part = self._task.part_of(self._task.key, self._batch)
        self._written.append(self._parts.write_part(f"{self._name}-{len(self._written)}", part))
        self._documents += len(self._batch)
        self._chars += self._batch_chars
        self._batch, self._batch_chars = [], 0
