"""A probe from its documents to its figures. Whoever calls it hands over how a model is asked; nothing here does I/O.

Texts live as long as their questions are under way: what is kept of answers is places and counts.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from gateway.evaluate.probe_results import Answer, CanaryOutcome, Probe, Setup, Side
from gateway.evaluate.probe_score import Exposure, Prompt, Target, compare

_PHRASES_PER_REQUEST = 32


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a question. `text`: None if nothing did. `fault`: what went wrong, also after some text."""

    text: str | None = field(repr=False)
    is_stopped: bool = False
    fault: str = ""


class NoProbabilities(Exception):
    """A server that tells no log probabilities of prompts. The message says why."""


Ask = Callable[[str, int], Awaitable[Heard]]
"""A prompt and the number of the sample."""
Measure = Callable[[Sequence[str]], Awaitable[list[float]]]
"""Log probabilities of texts. Raises NoProbabilities."""


@dataclass(frozen=True)
class Plan:
    """What is asked."""

    setup: Setup
    documents: Mapping[str, str] = field(repr=False)
    canaries: Mapping[str, str] = field(default_factory=dict, repr=False)
    alternatives: Sequence[str] = field(default=(), repr=False)
    """Phrases drawn like the canaries and planted nowhere."""
    jobs: int = 8
    show: bool = False
    """Whether answers keep the words that came back."""
    is_known: Callable[[str], bool] | None = None
    """Whether the index finds a passage in a text."""

    @property
    def most_questions(self) -> int:
        """What there will be at most; short documents have fewer."""
        setup = self.setup
        each = len(setup.prefixes) * setup.positions * len(self.documents) + len(self.canaries)
        return each * setup.samples * len(setup.servers)


@dataclass(frozen=True, slots=True)
class _Task:
    prompt: Prompt
    side: Side
    sample: int
    is_canary: bool = False


@dataclass
class _Tally:
    """What has come so far."""

    answers: list[Answer] = field(default_factory=list)
    of_canaries: list[Answer] = field(default_factory=list)
    too_short: list[str] = field(default_factory=list)
    failures: Counter[tuple[Side, str]] = field(default_factory=Counter)


async def run(plan: Plan, asks: Mapping[Side, Ask], measure: Measure, progressed: Callable[[int], object]) -> Probe:
    """Ask everything and compare. `progressed` is told how many questions are done or need not be asked."""
    tally = _Tally()

    async def work(task: _Task) -> None:
        heard = await asks[task.side](task.prompt.text, task.sample)
        _note(plan, task, heard, tally)
        progressed(1)

    tasks = _tasks(plan, tally, progressed)
    async for _ in some_at_a_time(tasks, work, plan.jobs):
        pass
    exposures: dict[str, Exposure] = {}
    why = ""
    try:
        exposures = await _exposures(plan, measure)
    except NoProbabilities as error:
        why = str(error)
    too_short = set(tally.too_short)
    return Probe(
        plan.setup,
        tuple(id_ for id_ in plan.documents if id_ not in too_short),
        tuple(tally.answers),
        tuple(tally.too_short),
        tuple(_canary(id_, tally, plan, exposures) for id_ in plan.canaries),
        why,
        dict(tally.failures),
    )


def _tasks(plan: Plan, tally: _Tally, progressed: Callable[[int], object]) -> Iterator[_Task]:
    """Question by question, so that few documents are held as words at a time."""
    setup = plan.setup
    sides = tuple(setup.servers)
    most = len(setup.prefixes) * setup.positions
    for id_, text in plan.documents.items():
        prompts = Target.of(id_, text).prompts(setup.prefixes, setup.positions, setup.least)
        if not prompts:
            tally.too_short.append(id_)
        progressed((most - len(prompts)) * setup.samples * len(sides))
        for prompt in prompts:
            yield from (_Task(prompt, side, n) for n in range(setup.samples) for side in sides)
    for id_, phrase in plan.canaries.items():
        target = Target.of(id_, phrase)
        prompt = Prompt(target, 0, len(target.pieces) // 2)
        yield from (_Task(prompt, side, n, is_canary=True) for n in range(setup.samples) for side in sides)


def _note(plan: Plan, task: _Task, heard: Heard, tally: _Tally) -> None:
    if heard.fault:
        tally.failures[task.side, heard.fault] += 1
    if heard.text is None:
        return
    comparison = compare(task.prompt, heard.text)
    answer = Answer.of(task.prompt, task.side, comparison, is_stopped=heard.is_stopped, show=plan.show)
    if task.is_canary:
        tally.of_canaries.append(answer)
        return
    if plan.is_known is not None:
        answer = replace(answer, is_known=plan.is_known(heard.text))
    tally.answers.append(answer)


def _canary(id_: str, tally: _Tally, plan: Plan, exposures: Mapping[str, Exposure]) -> CanaryOutcome:
    """A side that gave no answer has no word in it."""
    said: dict[Side, bool] = {}
    for answer in tally.of_canaries:
        if answer.id == id_:
            _, (start, end) = answer.rest
            said[answer.side] = said.get(answer.side, False) or answer.comparison.run_words >= end - start
    return CanaryOutcome(id_, said, exposures.get(id_))


async def _exposures(plan: Plan, measure: Measure) -> dict[str, Exposure]:
    """Of each canary, among the same alternatives. Raises NoProbabilities."""
    if not plan.canaries or not plan.alternatives:
        return {}
    phrases = [*plan.canaries.values(), *plan.alternatives]
    starts = range(0, len(phrases), _PHRASES_PER_REQUEST)

    async def work(start: int) -> tuple[int, list[float]]:
        return start, await measure(phrases[start : start + _PHRASES_PER_REQUEST])

    measured: dict[int, list[float]] = {}
    async for start, some in some_at_a_time(starts, work, plan.jobs):
        measured[start] = some
    every = [one for start in starts for one in measured[start]]
    others = every[len(plan.canaries) :]
    return {id_: Exposure.of(one, others) for id_, one in zip(plan.canaries, every, strict=False)}


Task = TypeVar("Task")
Result = TypeVar("Result")


async def some_at_a_time(
    tasks: Iterable[Task], work: Callable[[Task], Awaitable[Result]], jobs: int
) -> AsyncIterator[Result]:
    """The results as they come, of at most `jobs` tasks at once. Tasks are taken one by one, when there is room."""
    running: set[asyncio.Future[Result]] = set()
    waiting = iter(tasks)
    is_over = False
    try:
        while True:
            while not is_over and len(running) < jobs:
                try:
                    task = next(waiting)
                except StopIteration:
                    is_over = True
                else:
                    running.add(asyncio.ensure_future(work(task)))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                yield one.result()
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
