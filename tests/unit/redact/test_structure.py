from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.redact.structure.detector import StructureDetector, find
from gateway.redact.structure.fields import NAME_MAYBE, field_of
from gateway.redact.structure.kinds import ENTITIES
from tests.laws.strategies import exchange

FOUND = [
    ("Hi Sarah,\n\nthanks\n\nCheers,\nMike Ross", [("PERSON", "Sarah"), ("PERSON", "Mike Ross")]),
    (
        "id;name;mail\n7;Ivy Castellanos;ivy.c@piedra.mx\n8;Rahul Deshpande;rahul.d@monsoon.in",
        [
            ("PERSON", "Ivy Castellanos"),
            ("EMAIL_ADDRESS", "ivy.c@piedra.mx"),
            ("PERSON", "Rahul Deshpande"),
            ("EMAIL_ADDRESS", "rahul.d@monsoon.in"),
        ],
    ),
    (
        "here is the file:\nfirstName,lastName,tel,city\nAnna,Berg,+49 30 "
        '1234567,Berlin\n"Jo, Ann","Lee",NULL,\n\nthanks',
        [
            ("PERSON", "Anna"),
            ("PERSON", "Berg"),
            ("PHONE_NUMBER", "+49 30 1234567"),
            ("LOCATION", "Berlin"),
            ("PERSON", "Jo, Ann"),
            ("PERSON", "Lee"),
        ],
    ),
    (
        "| Name | Email |\n|---|---|\n| Anna Berg | anna@x.de |\n| - | N/A |",
        [("PERSON", "Anna Berg"), ("EMAIL_ADDRESS", "anna@x.de")],
    ),
    (
        "Nachname\tgeburtsdatum\tIBAN\nMüller\t03.11.1969\tDE89 3704 0044 0532 0130 00",
        [("PERSON", "Müller"), ("DATE_OF_BIRTH", "03.11.1969"), ("IBAN_CODE", "DE89 3704 0044 0532 0130 00")],
    ),
    (
        '{"customer":{"name":"Amélie Fontaine","mobile":"07 98 76 54 32"}}',
        [("PERSON", "Amélie Fontaine"), ("PHONE_NUMBER", "07 98 76 54 32")],
    ),
    ('{"name": "my-app", "version": "1.0.0", "author": "Anna Berg <anna@berg.de>"}', [("PERSON", "Anna Berg")]),
    ("user:\n  name: anna berg\n  email: anna@berg.de", [("PERSON", "anna berg"), ("EMAIL_ADDRESS", "anna@berg.de")]),
    (
        "Name: Anna Berg\nTel.: 030 1234567\nAdresse: Hauptstraße 17, 4020 Linz",
        [("PERSON", "Anna Berg"), ("PHONE_NUMBER", "030 1234567"), ("LOCATION", "Hauptstraße 17, 4020 Linz")],
    ),
    ("Patient: Lukas Hofstätter, geb. 03.11.1969", [("PERSON", "Lukas Hofstätter")]),
    (
        "Phone:\n467 3395\n\nE-mail:\nJulietaSouza@cuvox.de\n\nAddress:\n230 107 Igias Street Suite 503 Cyprus.",
        [
            ("PHONE_NUMBER", "467 3395"),
            ("EMAIL_ADDRESS", "JulietaSouza@cuvox.de"),
            ("LOCATION", "230 107 Igias Street Suite 503 Cyprus"),
        ],
    ),
    (
        "<customer><firstName>Anna</firstName><phone>030 123456</phone></customer>",
        [("PERSON", "Anna"), ("PHONE_NUMBER", "030 123456")],
    ),
    (
        "INSERT INTO users (id, name, email) VALUES (1, 'Anna Berg', 'a@b.de'), (2, 'Tom O''Neil', 't@b.de');",
        [("PERSON", "Anna Berg"), ("EMAIL_ADDRESS", "a@b.de"), ("PERSON", "Tom O''Neil"), ("EMAIL_ADDRESS", "t@b.de")],
    ),
    (
        "UPDATE t SET first_name = 'anna' WHERE email = 'amara.n@baobab.co.ke' AND last_ip = '192.0.2.146'",
        [("PERSON", "anna"), ("EMAIL_ADDRESS", "amara.n@baobab.co.ke"), ("IP_ADDRESS", "192.0.2.146")],
    ),
    ('From: Anna Berg <anna@berg.de>\nTo: "Lee, Tom" <tom@x.io>', [("PERSON", "Anna Berg"), ("PERSON", "Lee, Tom")]),
    (
        "commit 3b18\nAuthor: Anna Berg <anna@berg.de>\n\n    Signed-off-by: Tom Lee <t@x.io>",
        [("PERSON", "Anna Berg"), ("PERSON", "Tom Lee")],
    ),
    (
        "BEGIN:VCARD\nN:Berg;Anna;;;\nFN:Anna Berg\nTEL;TYPE=cell:+49 171 1234567\n"
        "BDAY:1980-01-02\nADR:;;Main St 5;Linz;;4020;AT\nEND:VCARD",
        [
            ("PERSON", "Berg"),
            ("PERSON", "Anna"),
            ("PERSON", "Anna Berg"),
            ("PHONE_NUMBER", "+49 171 1234567"),
            ("DATE_OF_BIRTH", "1980-01-02"),
            ("LOCATION", "Main St 5;Linz;;4020;AT"),
        ],
    ),
    (
        "open /home/anna.berg/x.txt and C:\\Users\\Anna\\Desktop and /Users/tom/ "
        "but /home/ubuntu/ and /home/runner/work",
        [("USERNAME", "anna.berg"), ("USERNAME", "Anna"), ("USERNAME", "tom")],
    ),
    (
        "Accepted password for anna from 1.2.3.4 port 22 ssh2\nFailed password for invalid user admin from 1.2.3.4",
        [("USERNAME", "anna")],
    ),
    (
        "session opened for user jdoe by (uid=0), run as user bob42, a list of user commands or options, off as user "
        "supplied environment, from user input.",
        [("USERNAME", "jdoe"), ("USERNAME", "bob42")],
    ),
    ('10.1.2.3 - bsmith [10/Oct/2000:13:55:36] "GET / HTTP/1.0" 200', [("USERNAME", "bsmith")]),
    (
        "https://x.io/a?email=anna%40x.de&name=Anna+Berg&page=2&token=abcdef123456",
        [("EMAIL_ADDRESS", "anna%40x.de"), ("PERSON", "Anna+Berg"), ("SECRET", "abcdef123456")],
    ),
    (
        "# TODO(anna): fix\n@author Anna Berg\nCopyright (c) 2021 Anna Berg",
        [("USERNAME", "anna"), ("PERSON", "Anna Berg")],
    ),
    ("Dear Ms. Kowalska,\nplease\nBest regards,\nAnna", [("PERSON", "Kowalska"), ("PERSON", "Anna")]),
    (
        "Sehr geehrter Herr Müller,\nMit freundlichen Grüßen\nPetra von Hagen",
        [("PERSON", "Müller"), ("PERSON", "Petra von Hagen")],
    ),
    (
        "Chère Madame Dupont, Estimado Sr. García López: Szanowna Pani Wiśniewska,",
        [("PERSON", "Dupont"), ("PERSON", "García López"), ("PERSON", "Wiśniewska")],
    ),
    ("my landlord joao in braga wont fix the heating", [("PERSON", "joao")]),
    ("my name is anna berg. I'm Tom. I am American and I am Happy", [("PERSON", "anna berg"), ("PERSON", "Tom")]),
    (
        "ich heiße Jürgen, je m'appelle Zoé Martin et me llamo José",
        [("PERSON", "Jürgen"), ("PERSON", "Zoé Martin"), ("PERSON", "José")],
    ),
    ("password = getpass.getpass()\ntoken: str\npassword: hunter2secret", [("SECRET", "hunter2secret")]),
    ("DB_PASSWORD=hunter2x\nUSER=root\nNAME=prod", [("SECRET", "hunter2x")]),
    (
        "Cookie: session_id=abcdef1234567890; theme=dark\nAuthorization: Bearer abcdef.1234567890",
        [("SECRET", "abcdef1234567890"), ("SECRET", "abcdef.1234567890")],
    ),
    ("Pat. Lukas Hofstätter, geb. 03.11.1969", [("PERSON", "Lukas Hofstätter")]),
    ("ATTENDEE;CN=Anna Berg;RSVP=TRUE:mailto:anna@x.de", [("PERSON", "Anna Berg")]),
    (
        "dn: uid=aberg,ou=people,dc=x\ncn: Anna Berg\nsn: Berg\nmail: a@b.de",
        [("USERNAME", "aberg"), ("PERSON", "Anna Berg"), ("EMAIL_ADDRESS", "a@b.de")],
    ),
    ("rief Frau Özdemir unter +49", [("PERSON", "Özdemir")]),
    (
        "customer = {'name': 'Anna Berg', 'card': '4111 1111 1111 1111'}",
        [("PERSON", "Anna Berg"), ("CREDIT_CARD", "4111 1111 1111 1111")],
    ),
    ("Kunde: Petra Lang\nKundennummer: 12345", [("PERSON", "Petra Lang")]),
    (
        "Pan Am flew. Miss it? Mr Smith and Mrs Jones-Lee met Prof. Dr. K. Schmidt",
        [("PERSON", "Smith"), ("PERSON", "Jones-Lee"), ("PERSON", "K. Schmidt")],
    ),
    ("class Foo:\n    name = 'Anna Berg'\n    city: str = 'x'", [("PERSON", "Anna Berg")]),
]
NOTHING = [
    "User: hello there Assistant: hi",
    "the Patient Portal is down",
    "name;price;stock\nBlue Widget;3.20;5\nRed Chair;7;2",
    "name,population\nNew York,8000000\nLos Angeles,4000000",
    '{"name": "Blue Widget", "price": 3}',
    "apiVersion: v1\nkind: Pod\nmetadata:\n  name: nginx\n  namespace: default",
    "my boss said no, my wife and I, my friend hates it, my doctor appointment",
    "Dear Sir or Madam,\nHi there,\nDear Customer,\nDear Hiring Manager,",
    "def f(name: str, email: str = None): return User(name=name, phone=phone)",
    "The address: how do I find it? Note: the function name: foo. Time: 10:30",
    "Explain the phone: is it 5G? Token: what is it? City: a concept.",
    "title,author,isbn\nDune,Frank Herbert,123",
    "name: Build and Test\non: push\njobs:\n  build:\n    runs-on: "
    "ubuntu-latest\n    steps:\n    - name: Checkout Code\n      uses: "
    "actions/checkout@v4",
    "email,phone\nfoo,abc\n",
]


def seen(text: str) -> set[tuple[str, str]]:
    return {(found.entity, text[found.start : found.end]) for found in find(text)}


@pytest.mark.parametrize(("text", "expected"), FOUND)
def test_the_layout_says_what_a_value_is(text: str, expected: list[tuple[str, str]]) -> None:
    assert seen(text) == set(expected)


@pytest.mark.parametrize("text", NOTHING)
def test_things_and_code_are_left_alone(text: str) -> None:
    assert seen(text) == set()


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("customerName", "PERSON"), ("e-mail", "EMAIL_ADDRESS"), ("Billing_Phone_No", "PHONE_NUMBER"),
        ("prénom", "PERSON"), ("NACHNAME", "PERSON"), ("imię", "PERSON"), ("Straße", "LOCATION"),
        ("geburtsdatum", "DATE_OF_BIRTH"), ("IBAN", "IBAN_CODE"), ("user.password", "SECRET"), ("name", NAME_MAYBE),
        ("productName", None), ("mac_address", None), ("price", None), ("emailTemplate", None), ("", None),
    ],
)  # fmt: skip
def test_fields_are_known_in_all_the_cases_of_programmers(key: str, kind: str | None) -> None:
    assert field_of(key) == kind


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Don't ask the customer, x&aunt Marisol, about it.", "Marisol"),
        ("I don't know (Mr. Okafor) there.", "Okafor"),
        ("Ask your boss. MY NAME IS Marisol, he said.", "Marisol"),
        ("The name of the file: Name\u0130s. my name \u0131s Marisol.", "Marisol"),
        ("The customer and x/my ex-husband Marek, he said.", "Marek"),
        ("Take care: I'm d'Arcy, and I'm happy.", "d'Arcy"),
    ],
)
def test_a_cue_is_seen_beside_others_and_in_any_case(text: str, name: str) -> None:
    assert name in [text[found.start : found.end] for found in find(text) if found.entity == "PERSON"]


def test_the_detector_gives_spans_of_all_types_it_names() -> None:
    text = "Name: Anna Berg\nTel.: 030 1234567"
    spans = StructureDetector().detect([text], exchange().deadline)[0]
    phones = [span for span in spans if span.entity == "PHONE_NUMBER"]
    assert [(span.entity, text[span.start : span.end]) for span in phones] == [("PHONE_NUMBER", "030 1234567")]
    assert {span.entity for span in spans} == {"PHONE_NUMBER", "PERSON"} <= StructureDetector.entities


def test_a_header_speaks_for_rows_far_below() -> None:
    rows = "".join(f"{i};x\n" for i in range(5000))
    text = f"phone;note\n{rows}030 1234567;y"
    assert ("PHONE_NUMBER", "030 1234567") in seen(text)


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            (
                'name|email|;|,|\n|"|: |=|{|}|<a>|</a>|Anna Berg|anna@x.org|Dear |Mr |/home/|my boss |'
                "INSERT INTO t (name) VALUES (|'|)|BEGIN:VCARD\n|N:|\t|?phone=|030 1234567| - |[|TODO(|regards,\n|é|ß"
            ).split("|")
        ),
        st.text(max_size=4),
    ),
    max_size=16,
).map("".join)


@settings(max_examples=500, deadline=None)
@given(PIECES)
def test_every_finding_lies_in_the_text_and_is_of_a_known_kind(text: str) -> None:
    for found in find(text):
        assert 0 <= found.start < found.end <= len(text)
        assert found.entity in ENTITIES


@settings(deadline=None, max_examples=15)
@given(
    st.sampled_from(["a:", 'a,"b\n', "name,email\n", "name=", "Dear Dr. ", "A. ", "my friend ", "((", "<a ", 'q: "'])
)
def test_a_long_text_without_sense_comes_to_an_end(piece: str) -> None:
    list(find(piece * (100_000 // len(piece))))
