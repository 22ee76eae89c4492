"""Postal addresses in the forms of the languages, and numbers beside capitals that are none."""

from __future__ import annotations

import pytest

from gateway.redact.recognizers import places
from tests.unit.redact.rows import Finder


@pytest.fixture(scope="module")
def find() -> Finder:
    return Finder(places.rows())


@pytest.mark.parametrize(
    "address",
    [
        "742 Evergreen Terrace, Springfield, IL 62704",
        "350 Fifth Avenue, Apt 4B, New York, NY 10118",
        "221B Baker Street, London NW1 6XE",
        "Flat 3, 45 Park Lane, London W1K 1PN",
        "10 Downing Street",
        "742 evergreen terrace",
        "Hauptstraße 17, 4020 Linz",
        "Berliner Straße 5, 10115 Berlin",
        "Am Markt 3, 28195 Bremen",
        "Straße des 17. Juni 135, 10623 Berlin",
        "12 rue de la Paix, 75002 Paris",
        "12 bis avenue Victor Hugo, 69003 Lyon",
        "Calle Mayor 5, 3ºB, 28013 Madrid",
        "C/ Alcalá 50, 2º izq",
        "Via Roma 10, 20121 Milano",
        "Piazza del Duomo 1, 20122 Milano (MI)",
        "Rua Augusta 100, 1100-053 Lisboa",
        "Avenida Paulista, 1578, São Paulo - SP, 01310-200",
        "ul. Długa 7/3, 00-238 Warszawa",
        "os. Piastów 12/5, 31-624 Kraków",
        "Kerkstraat 12, 1017 GP Amsterdam",
        "Vesterbrogade 12, 1620 København",
        "Storgatan 5, 111 51 Stockholm",
        "via Garibaldi 22, 50123 Firenze",
        "PO Box 1234, Portland, OR 97208",
        "PSC 0413, Box 8144\nAPO AA 42323",
        "Toronto, ON M5V 2T6",
        "Springfield, IL 62704",
        "1987 74 Diakou Street\n Suite 680\n Kissousa\n Cyprus 36903",
        "40°26′46″N 79°58′56″W",
    ],
)
def test_an_address_is_found_whole(find: Finder, address: str) -> None:
    assert address in find(f"send it to {address}")
    assert address in find(f"{address}, please")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("my zip code is 35350", "35350"),
        ("postcode SW1A 1AA", "SW1A 1AA"),
        ("PLZ 10115", "10115"),
        ("lat: 48.8566, lng: 2.3522", "48.8566"),
        ("parked at 48.858370, 2.294481 since noon", "48.858370, 2.294481"),
        ("ich wohne in der musterstraße 5a", "musterstraße 5a"),
    ],
)
def test_parts_of_addresses_are_found(find: Finder, text: str, value: str) -> None:
    assert value in find(text)


@pytest.mark.parametrize(
    "text",
    [
        "a 5 minute drive on a 2 way street",
        "12 angry men walk down the road",
        "Spring 2024 was wet",
        "Python 3, 2008 Release",
        "Windows 10, 2021 Update",
        "see Table 4, 2010 Data",
        "Formula 1, 2021 Season",
        "In March 12, 2024 Berlin was",
        "place 5 orders via HTTP 2",
        "bake at 200 C for 35 min",
        "weights = [0.123456, 0.654321]",
        "p=0.00001, 0.123456",
        "1500 MB Ram and 2000 Hz",
        "Error E0382: use of moved value",
        "Arbeitsplatz 3 Personen",
        "GPT 4 is on route 66",
        "version 2.0, 3 Way merge",
        "Apollo 11, 1969 Moon landing",
    ],
)
def test_what_is_no_address_is_left_alone(find: Finder, text: str) -> None:
    assert find(text) == set()
