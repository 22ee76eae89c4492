"""The users for Locust, which imports this file; what they do is in citizens.py and abuse.py."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gevent
from locust import LoadTestShape, User, between, constant, events, task
from locust.env import Environment
from locust.exception import LocustError
from locust.runners import MasterRunner

from loadtest.abuse import Abuser
from loadtest.canaries import People
from loadtest.citizens import Citizen
from loadtest.client import Line
from loadtest.phases import users_at
from loadtest.scene import Scene, of_environment
from loadtest.tally import Tally

_WRITE_EVERY_S = 2.0
_RATE = 50.0


class Here:
    """What the users of this process share. Locust makes them without arguments, so it hangs on its environment."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.tally = Tally()
        self._count: Iterator[int] = itertools.count()
        self._people: People | None = None
        self._path = Path(scene.folder) / f"tally-{os.getpid()}.json"

    def people(self, environment: Environment) -> People:
        """All users of this process draw from the same row."""
        if self._people is None:
            index = max(0, getattr(environment.runner, "worker_index", 0))
            self._people = People(self.scene.seed, index, self.scene.processes)
        return self._people

    def newcomer(self, environment: Environment) -> tuple[str, random.Random]:
        """The token of one more user, and what they draw from."""
        number = next(self._count)
        index = self.people(environment).first
        return self.scene.tokens[number % len(self.scene.tokens)], random.Random(f"{self.scene.seed} {index} {number}")

    def broke(self, exception: BaseException, **_: Any) -> None:
        """What a user did not expect is a fault of this test, and must be seen."""
        self.tally.note("users", 0.0, f"raised {type(exception).__name__}: {exception}"[:200])

    def write(self) -> None:
        self.tally.write(self._path)

    def write_again_and_again(self) -> None:
        while True:
            gevent.sleep(_WRITE_EVERY_S)
            self.write()


@events.init.add_listener
def _begin(environment: Environment, **_: Any) -> None:
    """A process with users, not one that only directs others."""
    here = Here(of_environment())
    environment.here = here  # type: ignore[attr-defined]
    if not isinstance(environment.runner, MasterRunner):
        gevent.spawn(here.write_again_and_again)
        environment.events.quitting.add_listener(lambda **_: here.write())
        environment.events.user_error.add_listener(here.broke)
        here.tally.listener = partial(_tell, environment)


def _tell(environment: Environment, kind: str, took_s: float, error: str) -> None:
    """For Locust's own figures."""
    exception = LocustError(error) if error else None
    environment.events.request.fire(
        request_type="", name=kind, response_time=took_s * 1e3, response_length=0, exception=exception, context={}
    )


def here_of(environment: Environment) -> Here:
    here: Here = environment.here  # type: ignore[attr-defined]
    return here


class WellBehaved(User):
    """A user with a connection and a token of their own."""

    abstract = True
    wait_time = between(0.05, 0.4)

    def on_start(self) -> None:
        here = here_of(self.environment)
        token, rng = here.newcomer(self.environment)
        line = Line(here.scene.host, here.scene.port, token)
        self.does = Citizen(line, here.people(self.environment), here.tally, rng, quoting=here.scene.quoting)

    def on_stop(self) -> None:
        self.does.close()


class Chats(WellBehaved):
    weight = 5

    @task
    def chat(self) -> None:
        self.does.chat()


class Streams(WellBehaved):
    weight = 5

    @task
    def stream(self) -> None:
        self.does.stream()


class Talks(WellBehaved):
    weight = 2

    @task
    def turns(self) -> None:
        self.does.turns()


class Repeats(WellBehaved):
    weight = 3

    @task
    def cached(self) -> None:
        self.does.cached()


if of_environment().quoting:
    # A small real model neither calls tools nor has vectors to give; the mock does both.

    class Tools(WellBehaved):
        weight = 2

        @task
        def tools(self) -> None:
            self.does.tools()

    class Embeds(WellBehaved):
        weight = 2

        @task
        def embeddings(self) -> None:
            self.does.embeddings()


class Abuses(User):
    """Each does all of it, one thing after another."""

    weight = 3
    wait_time = constant(0.3)

    def on_start(self) -> None:
        here = here_of(self.environment)
        token, rng = here.newcomer(self.environment)
        abuser = Abuser(here.scene, token, here.people(self.environment), here.tally, rng)
        acts = list(abuser.kinds + (abuser.vandals if here.scene.vandals else ()))
        rng.shuffle(acts)
        self.acts = itertools.cycle(acts)

    @task
    def harm(self) -> None:
        try:
            next(self.acts)()
        except OSError:
            # A gateway that just lost a worker; whoever behaves well tells of it.
            gevent.sleep(0.2)


class Phases(LoadTestShape):
    """The number of users over time, as the scene says."""

    scene = of_environment()

    def tick(self) -> tuple[int, float] | None:
        scene = self.scene
        users = users_at(scene.shape, self.get_run_time(), scene.seconds, scene.users)
        return None if users is None else (users, _RATE)
