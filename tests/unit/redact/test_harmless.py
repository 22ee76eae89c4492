from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.span import Span
from gateway.redact.harmless import harmless
from gateway.redact.precision.surroundings import WINDOW_CHARS


def verdict(text: str, value: str, entity: str, score: float = 0.5, source: str = "") -> bool:
    start = text.index(value)
    return harmless(text, Span(start, start + len(value), entity, score, source))


PHONE, PERSON, IP, MAIL = "PHONE_NUMBER", "PERSON", "IP_ADDRESS", "EMAIL_ADDRESS"
HARMLESS = [
    ("commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad", "8300", PHONE),
    ("uuid 6ba7b810-9dad-11d1-80b4-00c04fd430c8", "430", PHONE),
    ("order no. 4471-0092 arrives in 3-5 days", "4471-0092", PHONE),
    ("Rechnungsnummer: 20231234", "20231234", PHONE),
    ("ISBN 0-306-40615-2 check digit?", "0-306-40615-2", PHONE),
    ("assert total == 1_000_000", "000_000", PHONE),
    ("fixed in #12345678", "12345678", PHONE),
    ("it cost $1234567", "1234567", PHONE),
    ("it has 1234567 bytes", "1234567", PHONE),
    ("ts=1700000000", "1700000000", PHONE),
    ("from 1998-2004 on", "1998-2004", PHONE),
    ("at 48.8583701, 2.2", "48.8583701", PHONE),
    ("GET /orders/5551234567", "5551234567", PHONE),
    ("listen on 10.0.0.0/8", "10.0.0.0", IP),
    ("allow 81.2.69.0/24", "81.2.69.0", IP),
    ("and 192.168.0.1", "192.168.0.1", IP),
    ("on 127.0.0.1:80", "127.0.0.1", IP),
    ("std::vector", "::", IP),
    ("release v1.2.3.4", "1.2.3.4", IP),
    ("use foo@example.com in the docs", "foo@example.com", MAIL),
    ("user@localhost.test", "user@localhost.test", MAIL),
    ("git@github.com:a/b.git", "git@github.com", MAIL),
    ("see https://example.com/x", "https://example.com/x", "URL"),
    ("run main.py", "main.py", "URL"),
    ("the getUserName call", "getUserName", PERSON),
    ("import HashMap;", "HashMap", PERSON),
    ("run print(x)", "print", PERSON),
    ("raise MAX_SIZE", "MAX_SIZE", "ORGANIZATION"),
    ("pass --verbose", "verbose", PERSON),
    ("Explain Mercury the element", "Mercury", PERSON),
    ("the Jenkins pipeline failed", "Jenkins", PERSON),
    ("with Docker and", "Docker", PERSON),
    ("Dijkstra's algorithm", "Dijkstra", PERSON),
    ("the Fourier transform", "Fourier", PERSON),
    ("nach dem Satz von Bayes", "Bayes", PERSON),
    ("pip install foo==1.2.3.4", "1.2.3.4", IP),
    ("gave 7 * 5551234567", "5551234567", PHONE),
    ("GET users/5551234567", "5551234567", PHONE),
    ("see api.example.com/v1/555-1234567", "555-1234567", PHONE),
    ("it is 0,1234567 now", "1234567", PHONE),
    ("{{ name }}", "name", PERSON),
    ("<Button>Go</Button>", "Button", PERSON),
    ("from app.models import x", "app.models", PERSON),
    ("the Schrödinger's cat paradox", "Schrödinger", PERSON),
    ("the Fibonacci numbers", "Fibonacci", PERSON),
    ("install Cassandra on the server", "Cassandra", PERSON),
    ("## [2.1.0] - 2024-05-01", "0] - 2024-05-01", PHONE),
    ("rgb 255.255.255.0 mask", "255.255.255.0", PHONE),
    ("listening on port 8080 now", "port 8080", "LOCATION"),
    ("email TEXT UNIQUE, x", "UNIQUE", PERSON),
    ("return nil", "nil", "LOCATION"),
    ("Parkinson's disease", "Parkinson", PERSON),
    ("on Monday", "Monday", PERSON),
    ("in May we", "May", PERSON),
    ("Best Regards", "Best Regards", PERSON),
    ("# Getting Started", "Getting Started", "ORGANIZATION"),
    ("sha256: 9f86d081884c7d659a2feaa0c55ad015", "9f86d081884c7d659a2feaa0c55ad015", "SECRET"),
]
PERSONAL = [
    ("last_ip = '192.0.2.146'", "192.0.2.146", IP),
    ("from 81.2.69.142 at", "81.2.69.142", IP),
    ("ask jane.doe@example.org", "jane.doe@example.org", MAIL),
    ("from noreply@acme.io", "noreply@acme.io", MAIL),
    ("call 212-555-0187", "212-555-0187", PHONE),
    ("unter +49 30 901820 zurück", "+49 30 901820", PHONE),
    ("my registered 668 5702. Could", "668 5702", PHONE),
    ("Phone:\n467 3395", "467 3395", PHONE),
    ("https://wa.me/491701234567", "491701234567", PHONE),
    ("555-1234 x12", "555-1234", PHONE),
    ("Here's my SSN: 791-10-5487", "791-10-5487", "US_SSN"),
    ("number is 2270-66-1551", "2270-66-1551", "US_DRIVER_LICENSE"),
    ("Ms McDonald", "McDonald", PERSON),
    ("Mr. Jenkins called", "Jenkins", PERSON),
    ("we met April yesterday", "April", PERSON),
    ("art and joy meet", "art", PERSON),
    ("J.R.R. Tolkien", "J.R.R. Tolkien", PERSON),
    ("Anna(34) wrote", "Anna", PERSON),
    ("Anna found an algorithm", "Anna", PERSON),
    ("ip.addr == 81.2.69.142", "81.2.69.142", IP),
    ("ip.addr==81.2.69.142 && tcp", "81.2.69.142", IP),
    ("Jane: **212-555-0187**", "212-555-0187", PHONE),
    ("Jane: *2125550187*", "2125550187", PHONE),
    ("212-555-0187 - 24/7", "212-555-0187", PHONE),
    ("Room 5 - 212-555-0187", "212-555-0187", PHONE),
    ("Jane Doe/212-555-0187", "212-555-0187", PHONE),
    ("Jane Doe/2125550187", "2125550187", PHONE),
    ("direct line: 212-555-0187", "212-555-0187", PHONE),
    ("my number is #212-555-0187", "212-555-0187", PHONE),
    ("Anna Berg,42,2125550187", "2125550187", PHONE),
    ("Anna Berg,2125550187,42", "2125550187", PHONE),
    ("Thanks! -Anna", "Anna", PERSON),
    ("--Anna Berg", "Anna Berg", PERSON),
    ("From: {{Anna Berg}}", "Anna Berg", PERSON),
    ("<Amara>: hello", "Amara", PERSON),
    ("let JoAnn know", "JoAnn", PERSON),
    ("mail from anna.berg today", "anna.berg", PERSON),
    ("Anna's cat is sick", "Anna", PERSON),
    ("Berg's numbers are bad", "Berg", PERSON),
    ("Jordan wrote the code", "Jordan", PERSON),
    ("please ask Jasmine about the server", "Jasmine", PERSON),
    ("Julia from the database team", "Julia", PERSON),
    ("ZIP: 3520", "3520", "LOCATION"),
    ("token abcdef0123456789abcdef0123456789", "abcdef0123456789abcdef0123456789", "SECRET"),
]


@pytest.mark.parametrize(("text", "value", "entity"), HARMLESS)
def test_what_identifies_nobody_is_harmless(text: str, value: str, entity: str) -> None:
    assert verdict(text, value, entity)


@pytest.mark.parametrize(("text", "value", "entity"), PERSONAL)
def test_personal_data_stays_a_finding(text: str, value: str, entity: str) -> None:
    assert not verdict(text, value, entity)


def test_checked_numbers_are_harmless_only_within_a_longer_word() -> None:
    card = "4111111111111111"
    assert not verdict(f"order {card}", card, "CREDIT_CARD", 1.0)
    assert not verdict(f"id_{card}_x", card, "CREDIT_CARD", 1.0)
    assert verdict(f"sha {card}d00dfeed", card, "CREDIT_CARD", 1.0)


@pytest.mark.parametrize("source", ["recognizers[0]", "deny[2]", "StructureRecognizer"])
def test_what_a_policy_or_the_layout_asked_for_is_never_harmless(source: str) -> None:
    assert not verdict("order no. 4471-0092", "4471-0092", PHONE, source=source)


@pytest.mark.parametrize(("text", "value", "entity"), [*HARMLESS, *PERSONAL])
@given(before=st.text(max_size=60), after=st.text(max_size=60))
def test_only_the_near_surroundings_count(text: str, value: str, entity: str, before: str, after: str) -> None:
    whole = before + " " + text + " " + after
    start = len(before) + 1 + text.index(value)
    end = start + len(value)
    first = max(0, start - WINDOW_CHARS)
    window = whole[first : end + WINDOW_CHARS]
    assert harmless(whole, Span(start, end, entity, 0.5)) == harmless(
        window, Span(start - first, end - first, entity, 0.5)
    )
