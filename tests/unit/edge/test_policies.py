"""Policies follow their files: only when these have come to rest, all at once, and never to what is not valid."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.access.limits import LimitRules, Limits
from gateway.access.principal import Principal
from gateway.edge.policies import Policies, PolicySet, Reading
from gateway.edge.service import ActivePolicy
from gateway.errors import Forbidden
from gateway.settings import ConfigurationError

pytestmark = pytest.mark.slow


class Bench:
    """Policies whose text is all that there is of them."""

    def __init__(self, folder: Path) -> None:
        self.files = (folder / "one.yaml", folder / "two.yaml")
        self.named = folder / "named"
        """A file that a policy with the text `more` names."""
        self.told: list[str] = []
        self.readings = 0
        self.meanwhile: Callable[[], object] = lambda: None
        """What happens just after the files were read."""
        self.write("good", "good")
        self.policies = Policies(self.build, lambda result, _digest: self.told.append(result))

    def write(self, *texts: str) -> None:
        for file, text in zip(self.files, texts, strict=True):
            file.write_text(text)

    def build(self, _before: PolicySet | None, reading: Reading) -> PolicySet:
        self.readings += 1
        texts = []
        for file in self.files:
            reading.note(file)
            texts.append(file.read_text())
        if "more" in texts:
            reading.note(self.named)
            texts[texts.index("more")] = self.named.read_text()
        self.meanwhile()
        if "bad" in texts:
            raise ConfigurationError("two.yaml:1:1: bad")
        if "broken" in texts:
            raise RuntimeError("a secret")
        one, two = (_named(text) for text in texts)
        return PolicySet(one, {"one": one, "two": two}, {"globex": "two"})

    @property
    def digests(self) -> tuple[str, str]:
        return self.policies.of(_bearer("acme")).digest, self.policies.of(_bearer("globex")).digest

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        async def offload(work: Callable[[], PolicySet]) -> PolicySet:
            return work()

        task = asyncio.create_task(self.policies.follow(offload))
        await asyncio.sleep(0)
        yield
        task.cancel()


def _named(digest: str, rules: Any = None) -> ActivePolicy:
    nothing = cast(Any, None)
    return ActivePolicy(nothing, digest, nothing, nothing, rules, {}, {}, 0)


def _bearer(tenant: str, policy: str = "") -> Principal:
    return Principal("token", tenant, "", frozenset(), frozenset(), policy=policy)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_the_token_s_policy_comes_before_the_tenant_s(bench: Bench) -> None:
    bench.write("first", "second")
    bench.policies = Policies(bench.build, lambda *_: None)
    assert bench.digests == ("first", "second")
    assert bench.policies.of(_bearer("globex", "one")).digest == "first"
    with pytest.raises(Forbidden):
        bench.policies.of(_bearer("acme", "three"))
    assert bench.policies.named("acme", "three") is None
    assert bench.policies.named("globex", "") is bench.policies.of(_bearer("globex"))


async def test_a_changed_file_is_followed(bench: Bench) -> None:
    async with bench.followed():
        bench.write("good", "better")
        await _until(lambda: bench.told == ["reloaded"])
    assert bench.digests == ("good", "better")
    assert bench.readings == 2


async def test_a_file_that_is_being_written_is_left_alone(bench: Bench) -> None:
    async with bench.followed():
        for length in range(30):  # two seconds, and never the same for a whole look
            bench.write("good", "x" * length)
            await asyncio.sleep(0.07)
        assert bench.digests == ("good", "good")
        assert bench.readings == 1
        await _until(lambda: bench.digests == ("good", "x" * 29))


@pytest.mark.parametrize(("text", "problem"), [("bad", "two.yaml:1:1: bad"), ("broken", "RuntimeError")])
async def test_one_that_is_not_valid_changes_nothing(bench: Bench, text: str, problem: str) -> None:
    async with bench.followed():
        bench.write("better", text)
        await _until(lambda: bench.told == ["refused"])
        assert (bench.digests, bench.policies.problem) == (("good", "good"), problem)
        bench.write("better", "good")
        await _until(lambda: bench.told == ["refused", "reloaded"])
        assert (bench.digests, bench.policies.problem) == (("better", "good"), "")


async def test_a_file_that_is_gone_changes_nothing(bench: Bench) -> None:
    async with bench.followed():
        os.unlink(bench.files[1])
        await _until(lambda: bench.told == ["refused"])
        assert bench.digests == ("good", "good")


async def test_whoever_asks_need_not_wait(bench: Bench) -> None:
    async with bench.followed():
        bench.policies.look_now()
        await _until(lambda: bench.told == ["reloaded"])
    assert bench.readings == 2


async def test_what_was_missing_is_found_when_it_comes(bench: Bench) -> None:
    """A file that only a policy names that was refused is looked at too."""
    async with bench.followed():
        bench.write("more", "good")
        await _until(lambda: bench.told == ["refused"])
        bench.named.write_text("found")
        await _until(lambda: bench.told == ["refused", "reloaded"])
    assert bench.digests == ("found", "good")


async def test_a_change_while_the_files_are_read_is_followed(bench: Bench) -> None:
    def once() -> None:
        bench.meanwhile = lambda: None
        bench.write("more", "newest")

    bench.named.write_text("found")
    bench.meanwhile = once
    async with bench.followed():
        bench.write("more", "newer")
        await _until(lambda: bench.digests == ("found", "newest"))


async def test_a_change_while_the_gateway_starts_is_followed(tmp_path: Path) -> None:
    class Slow(Bench):
        def build(self, before: PolicySet | None, reading: Reading) -> PolicySet:
            made = super().build(before, reading)
            if before is None:
                self.write("changed", "good")
            return made

    bench = Slow(tmp_path)
    assert bench.digests == ("good", "good")
    async with bench.followed():
        await _until(lambda: bench.digests == ("changed", "good"))


async def test_who_asks_while_the_files_are_read_is_heard(bench: Bench) -> None:
    def once() -> None:
        bench.meanwhile = lambda: None
        bench.policies.look_now()

    bench.meanwhile = once
    async with bench.followed():
        bench.write("good", "better")
        await _until(lambda: bench.told == ["reloaded", "reloaded"])


@pytest.mark.parametrize("kind", ["fifo", "folder", "device"])
async def test_what_is_no_file_is_not_read(bench: Bench, kind: str) -> None:
    """A pipe would be waited for, for ever."""
    place = bench.files[1]
    async with bench.followed():
        place.unlink()
        match kind:
            case "fifo":
                os.mkfifo(place)
            case "folder":
                place.mkdir()
            case _:
                place.symlink_to("/dev/zero")
        await _until(lambda: bench.told == ["refused"])
        assert "is not a file" in bench.policies.problem
        assert bench.digests == ("good", "good")


def test_a_person_and_a_tenant_are_held_to_the_limits_of_the_tenant_s_policy(bench: Bench) -> None:
    """Under whatever policy a token is: or else one that may name another would be held to none."""
    few, many = Limits(requests_per_minute=3), Limits(requests_per_minute=100)
    home = _named("home", lambda *_: LimitRules(subject=few, tenant=few))
    other = _named("other", lambda *_: LimitRules(token=many, tenant=many, model=many))
    bench.policies = Policies(
        lambda *_: PolicySet(home, {"home": home, "other": other}, {"initech": "other"}), lambda *_: None
    )
    asked = bench.policies.limits_of(_bearer("acme", "other"), other, "llama")
    assert asked == LimitRules(token=many, subject=few, tenant=few, model=many)
    assert bench.policies.limits_of(_bearer("acme"), home, "llama") == LimitRules(subject=few, tenant=few)
    assert bench.policies.limits_of(_bearer("initech"), other, "llama") == other.limit_rules("", "")
