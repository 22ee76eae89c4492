"""The parts of the load test that decide whether it is good: its values, its search, its judge, its bounds."""

from __future__ import annotations

import base64
import json
import random
from collections import Counter
from dataclasses import astuple
from pathlib import Path
from urllib.parse import quote

import pytest

from loadtest import prompts, tally
from loadtest.afterwards import Search
from loadtest.canaries import MOST, People, person
from loadtest.chaos import Harm
from loadtest.client import said_in
from loadtest.judge import values, wrongs
from loadtest.phases import SHAPES, Shape, users_at
from loadtest.search import found, in_file, of_value
from loadtest.verdict import Outcome

ADA, BOB = person(1, 17), person(1, 18)
KINDS = ["name", "email", "phone", "card", "iban"]


def test_no_value_comes_twice() -> None:
    people = [person(7, number) for number in range(0, MOST, 7)]
    for column in zip(*map(astuple, people), strict=True):
        assert len(set(column)) == len(people)


def test_processes_draw_different_people() -> None:
    first, second = People(5, 0, 2), People(5, 1, 2)
    drawn = [people.draw() for people in (first, second) for _ in range(50)]
    assert len({one.email for one in drawn}) == 100


@pytest.mark.parametrize("number", [0, 1, 99, 5_000, 99_999])
def test_every_value_is_found_as_what_it_is(number: int) -> None:
    text = prompts.text(random.Random(number), one := person(3, number))
    assert sorted(seen.kind for seen in found(text.encode())) == sorted(KINDS)
    assert set(found(text.encode())) == set(values([one]))


def test_values_are_found_in_other_forms() -> None:
    for form in (ADA.card.replace(" ", ""), ADA.card.replace(" ", "-"), quote(ADA.card), f'{{"a": "{ADA.card}"}}'):
        assert [seen.kind for seen in found(form.encode())] == ["card"], form
    assert found(quote(ADA.email, safe="").encode())
    for value in astuple(ADA):
        assert of_value(value) in found(json.dumps(f"so\n{value}\n").encode())
    assert found(ADA.name.split("-")[1].encode()), "half a name"
    for before in ("", "x", "xy"):
        assert found(base64.b64encode(f"{before}{ADA.email} and more".encode()))


def test_what_only_looks_like_a_value_is_none() -> None:
    digits = ADA.card.replace(" ", "")
    wrong = digits[:-1] + str((int(digits[-1]) + 1) % 10)
    for text in (wrong, "f" + digits + "0", "1764455551579", "Please note: nobody.", json.dumps({"ts": 491579})):
        assert found(text.encode()) == []


def test_a_value_across_two_pieces_of_a_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"." * ((1 << 20) - 8) + f" {ADA.email} ".encode() + b"." * 100)
    assert [seen for seen in in_file(path) if seen.value == ADA.email]


def test_a_right_answer_is_right_with_or_without_the_card() -> None:
    one = ADA
    for card in ("<CREDIT_CARD>", one.card):
        answer = f"{one.name}; {one.email}; {one.phone}; {card}; {one.iban}"
        assert wrongs(answer, values([one]), whole=True) == []
    assert wrongs(f"{one.name}; ", values([one]), whole=False) == []


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (f"{ADA.name}; {BOB.email}; {ADA.phone}; {ADA.iban}", "a foreign email"),
        (f"{ADA.name}; {ADA.email}; {ADA.iban}", "a missing phone"),
        (f"{ADA.name}; {ADA.email}; <PHONE_NUMBER_1>; {ADA.iban}", "a placeholder left"),
        (f"{ADA.email}; {ADA.name}; {ADA.phone}; {ADA.iban}", "the right values in the wrong order"),
    ],
)
def test_a_wrong_answer_is_told(answer: str, problem: str) -> None:
    assert any(said.startswith(problem) for said in wrongs(answer, values([ADA]), whole=True))


def test_a_broken_answer_may_lack_values_but_has_no_foreign_ones() -> None:
    assert wrongs(f"{ADA.name}; {ADA.email}", values([ADA]), whole=False) == []
    assert wrongs(f"{ADA.name}; {BOB.email}", values([ADA]), whole=False)
    half = ADA.name.rpartition("-")[0]
    assert wrongs(half, values([ADA]), whole=False) == []
    assert wrongs(half, values([BOB]), whole=False)


def test_the_text_of_half_a_stream_is_read() -> None:
    events = [b'data: {"choices": [{"delta": {"content": "%s"}}]}' % piece for piece in (b"Ada ", b"Love", b"lace")]
    assert said_in(b"HTTP/1.1 200 OK\r\n\r\n3f\r\n" + b"\n\n".join(events) + b'\n\ndata: {"cho') == "Ada Lovelace"


@pytest.mark.parametrize("shape", SHAPES)
def test_users_come_and_the_time_ends(shape: Shape) -> None:
    counts = [users_at(shape, second, 100, 20) for second in range(101)]
    assert counts[-1] is None
    assert all(count is not None and 1 <= count <= 40 for count in counts[:-1])
    assert max(count or 0 for count in counts) >= 20


def test_a_tally_is_read_as_it_was_written(tmp_path: Path) -> None:
    told = tally.Tally()
    for took_ms in range(1, 101):
        told.note("chat", took_ms / 1e3, "503 overloaded" if took_ms == 100 else "", checked=True, note="miss")
    told.restored_wrongly("chat", ["a foreign email"])
    told.write(tmp_path / "tally-1.json")
    again = tally.read(tmp_path / "tally-1.json")
    again.add(tally.read(tmp_path / "tally-1.json"))
    chat = again.kinds["chat"]
    assert (chat.requests, chat.failed, chat.checked, chat.percentile(0.5)) == (200, 2, 200, 50)
    assert (again.wrongs, again.wrong) == (2, ["chat: a foreign email"] * 2)


def outcome(error: str = "", *, at: int = 0, harms: tuple[Harm, ...] = ()) -> Outcome:
    told, search = tally.Tally(), Search()
    told.note("chat", 0.1, checked=True)
    search.look("metrics", b"nothing")
    if error:
        told.kinds["chat"].errors[error] = Counter({at: 1})
    return Outcome(1.0, told, search, {}, harms)


def test_an_error_is_excused_by_a_harm_at_the_time_only() -> None:
    harm = Harm("model", 1_000.0, 1_002.0)
    assert outcome().failures() == []
    assert outcome("502 upstream_failed", at=1_001, harms=(harm,)).failures() == []
    assert outcome("502 upstream_failed", at=1_500, harms=(harm,)).failures()
    assert outcome("502 upstream_failed", at=1_001).failures()
    assert outcome("500 internal_error", at=1_001, harms=(harm,)).failures()


def test_a_run_that_proves_nothing_is_no_good_run() -> None:
    empty = outcome()
    empty.search.look("audit log", b"")
    assert empty.failures() == ["nothing was there to search: audit log"]
    assert Outcome(1.0, tally.Tally(), Search(), {}).failures() == ["no request was made"]


@pytest.mark.parametrize(
    ("points", "failure"),
    [
        ([(at, 240 + at / 600) for at in range(600)], ""),
        ([(at, 310.0) for at in range(20)], "took 310 MiB"),
        ([(at, 200 + at / 20) for at in range(600)], "grew by 3.0 MiB a minute"),
        ([(at, 200 + at / 20) for at in range(60)], ""),
        ([], ""),
    ],
)
def test_memory_has_bounds(points: list[tuple[float, float]], failure: str) -> None:
    failures = Outcome(1.0, tally.Tally(), Search(), {7: points}).failures()
    told = [line for line in failures if "worker 7" in line]
    assert len(told) == bool(failure)
    assert all(failure in line for line in told)
