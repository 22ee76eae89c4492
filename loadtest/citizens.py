"""What well-behaved users do, a request or a conversation at a time. Every answer is checked for the right values."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any

from loadtest import prompts
from loadtest.canaries import People, Person
from loadtest.client import Answer, Line, Lost
from loadtest.judge import values, wrongs
from loadtest.search import Found
from loadtest.tally import Tally

CHAT = "/v1/chat/completions"
_EMBEDDINGS = "/v1/embeddings"
_TURNS = 6
_FEW_TURNS = 2
"""With a real model, whose context is short."""


class Citizen:
    """One user: a connection, the people that they write about, and the tally of all."""

    def __init__(self, line: Line, people: People, tally: Tally, rng: random.Random, *, quoting: bool) -> None:
        """`quoting`: the model quotes what it saw, so an answer can be checked for having all values."""
        self._line = line
        self._people = people
        self._tally = tally
        self._rng = rng
        self._quoting = quoting

    def close(self) -> None:
        self._line.close()

    def chat(self) -> None:
        one = self._people.draw()
        self._ask("chat", prompts.chat([prompts.user(prompts.text(self._rng, one))]), [one])

    def stream(self) -> None:
        one = self._people.draw()
        self._ask("stream", prompts.chat([prompts.user(prompts.text(self._rng, one))], stream=True), [one])

    def tools(self) -> None:
        one = self._people.draw()
        self._ask("tools", prompts.with_tools(prompts.text(self._rng, one), stream=self._rng.random() < 0.5), [one])

    def cached(self) -> None:
        """The same few questions about ever new people: answers come from the cache, values must not."""
        one = self._people.draw()
        content = prompts.text(random.Random(self._rng.randrange(4)), one)
        stream = self._rng.random() < 0.3
        self._ask("cached", prompts.chat([prompts.user(content)], temperature=0, stream=stream), [one])

    def turns(self) -> None:
        """A conversation that grows, with somebody new in every second turn."""
        messages: list[prompts.Body] = []
        people: list[Person] = []
        for turn in range(_TURNS if self._quoting else _FEW_TURNS):
            if turn % 2 == 0:
                people.append(self._people.draw())
                messages.append(prompts.user(prompts.text(self._rng, people[-1])))
            else:
                messages.append(prompts.user(f"And what about {people[-1].email}? Say again what you know."))
            answer = self._ask("turns", prompts.chat(messages, stream=turn % 3 == 2), people)
            if answer is None or answer.error:
                return
            messages.append({"role": "assistant", "content": answer.said})

    def embeddings(self) -> None:
        people = [self._people.draw() for _ in range(self._rng.randint(1, 4))]
        body, counts = prompts.embeddings([prompts.text(self._rng, one) for one in people])
        answer = self._ask("embeddings", body, people, path=_EMBEDDINGS)
        if answer is not None and not answer.error and (told := _vectors(answer.document)) != counts:
            self._tally.restored_wrongly("embeddings", [f"vectors of {told} instead of {counts}"])

    def _ask(self, kind: str, body: dict[str, Any], people: Sequence[Person], path: str = CHAT) -> Answer | None:
        """None if the connection broke before anything came."""
        began = time.monotonic()
        try:
            answer = self._line.ask(path, body)
        except Lost:
            self._tally.note(kind, time.monotonic() - began, "connection lost")
            return None
        self._tally.note(kind, time.monotonic() - began, answer.error, checked=not answer.error, note=answer.cache)
        self._check(kind, answer, values(people), texts=path == CHAT)
        return answer

    def _check(self, kind: str, answer: Answer, sent: Sequence[Found], *, texts: bool) -> None:
        if answer.status != 200:
            # An error says what is wrong in words of the gateway's own.
            for problem in wrongs(answer.raw.decode("utf-8", "replace"), (), whole=False):
                self._tally.leaked_to(f"{kind} (error {answer.status})", problem)
            return
        quoted = self._quoting and texts
        if problems := wrongs(answer.said, sent, whole=not answer.error, quoted=quoted):
            self._tally.restored_wrongly(kind, problems)


def _vectors(document: Any) -> list[int]:
    try:
        return [int(one["embedding"][0]) for one in document["data"]]
    except (KeyError, IndexError, TypeError, ValueError):
        return []
