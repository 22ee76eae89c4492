"""What comes from the cache goes through the same filters, for whoever gets it."""

from __future__ import annotations

import pytest

from tests.guard.scene import Guarded
from tests.guard.texts import HANDBOOK, PASSAGE, PROSE, shared

pytestmark = pytest.mark.xdist_group("guard-cached")


def question(request: pytest.FixtureRequest) -> str:
    """One that no other test asks."""
    return f"What about {request.node.name}?"


def test_an_answer_of_its_own_is_kept(cached: Guarded, stream: bool, request: pytest.FixtureRequest) -> None:
    cached.says(PROSE)
    answers = [cached.ask(question(request), stream=stream) for _ in range(2)]
    assert [got.text for got in answers] == [PROSE, PROSE]
    assert [got.cache for got in answers] == ["miss", "hit"]
    assert cached.asked == 1


def test_a_stopped_answer_is_not_kept(cached: Guarded, stream: bool, request: pytest.FixtureRequest) -> None:
    cached.says(PASSAGE)
    answers = [cached.ask(question(request), stream=stream) for _ in range(2)]
    assert [got.finish for got in answers] == ["content_filter", "content_filter"]
    assert [got.cache for got in answers] == ["miss", "miss"]
    assert cached.asked == 2


def test_after_a_stopped_answer_another_one_may_come(
    cached: Guarded, stream: bool, request: pytest.FixtureRequest
) -> None:
    cached.says_in_turn([PASSAGE], [PROSE])
    assert cached.ask(question(request), stream=stream).finish == "content_filter"
    assert cached.ask(question(request), stream=stream).text == PROSE


def test_a_hit_is_stopped_for_who_may_not_read_it(
    cached: Guarded, stream: bool, request: pytest.FixtureRequest
) -> None:
    """Who may read the document has filled the cache for the whole tenant."""
    cached.says(HANDBOOK)
    first = cached.ask(question(request), who=cached.tokens["hr"], stream=stream)
    second = cached.ask(question(request), stream=stream)
    assert (first.text, first.cache) == (HANDBOOK, "miss")
    assert (second.finish, second.cache) == ("content_filter", "hit")
    assert not shared(second.body, HANDBOOK)


def test_a_hit_is_stopped_in_the_other_way_of_answering_too(
    cached: Guarded, stream: bool, request: pytest.FixtureRequest
) -> None:
    cached.says(HANDBOOK)
    cached.ask(question(request), who=cached.tokens["hr"], stream=stream)
    second = cached.ask(question(request), who=cached.tokens["law"], stream=not stream)
    assert (second.finish, second.cache) == ("content_filter", "hit")
    assert not shared(second.body, HANDBOOK)


def test_who_may_read_a_document_is_answered_after_a_hit_was_stopped(
    cached: Guarded, stream: bool, request: pytest.FixtureRequest
) -> None:
    cached.says(HANDBOOK)
    cached.ask(question(request), who=cached.tokens["hr"], stream=stream)
    assert cached.ask(question(request), stream=stream).finish == "content_filter"
    again = cached.ask(question(request), who=cached.tokens["hr"], stream=stream)
    assert (again.text, again.finish) == (HANDBOOK, "stop")


def test_a_hit_is_masked_by_what_its_own_prompt_says(
    cached: Guarded, stream: bool, request: pytest.FixtureRequest
) -> None:
    """The same question about other people: each gets their own value, and nobody a third one's."""
    cached.says("From <EMAIL_ADDRESS_1> to grace@corp.example.")
    for mine, source in (("ada@example.org", "miss"), ("joe@example.net", "hit")):
        got = cached.ask(f"{question(request)} I am {mine}", stream=stream)
        assert (got.text, got.cache) == (f"From {mine} to [withheld].", source)


def test_another_tenant_shares_nothing(cached: Guarded, stream: bool, request: pytest.FixtureRequest) -> None:
    cached.says(PROSE)
    cached.ask(question(request), stream=stream)
    assert cached.ask(question(request), who=cached.tokens["stranger"], stream=stream).cache == "miss"


def test_slices_from_the_cache_are_put_together_too(
    cached: Guarded, stream: bool, request: pytest.FixtureRequest
) -> None:
    who, words = cached.somebody(), PASSAGE.split()
    for number, finish in enumerate(("stop", "content_filter")):
        part = " ".join(words[10 * number : 10 * number + 10])
        asked = f"{question(request)} {number}"
        cached.says(part)
        assert cached.ask(asked, stream=stream).text == part
        got = cached.ask(asked, who=who, stream=stream)
        assert (got.finish, got.cache) == (finish, "hit")
