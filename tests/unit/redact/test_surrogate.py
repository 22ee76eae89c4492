from __future__ import annotations

import ipaddress
import json
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.pipeline.channel import Channel, Field
from gateway.policy.schema import Redact
from gateway.redact.placeholder import Grammar
from gateway.redact.restore import RestoreFilter
from gateway.redact.surrogate.chooser import Surrogates
from gateway.redact.surrogate.dates import moved
from gateway.redact.surrogate.lists import COMPANIES, NAMES, PLACES
from gateway.redact.surrogate.numbers import iban_check, luhn
from gateway.redact.vault import Vault
from tests.laws.strategies import exchange, prompt, run, texts_of
from tests.support.stages import redact_stage
from tests.unit.redact.test_stage import Words

KEY = b"k" * 32


def stand_in(entity: str, value: str, *, tenant: str = "t", prompt_text: str = "") -> str | None:
    made = Surrogates(KEY, tenant)
    made.read(prompt_text)
    return made.stand_in(entity, value)


def shape(text: str) -> str:
    return re.sub(r"[A-Z]", "A", re.sub(r"[a-z]", "a", re.sub(r"\d", "0", text)))


class Told:
    """Values and their stand-ins, and answers that speak of them."""

    def __init__(self, **values: str) -> None:
        self.made = Surrogates(KEY, "t")
        self.of = {value: self.made.stand_in(entity, value) or "" for entity, value in values.items()}

    def says(self, answer: str, *, is_json: bool = False) -> str:
        vault = Vault(self.made)
        outputs = set()
        for cut in range(len(answer)):
            opened = RestoreFilter(vault, Grammar([]), Channel(0, Field.CONTENT, is_json=is_json))
            outputs.add(run(opened, [answer[:cut], answer[cut:]])[0])
        assert len(outputs) == 1
        return outputs.pop()


def test_the_lists_are_large_plain_and_of_different_words() -> None:
    given_names = [name for names in NAMES.values() for name in names.women + names.men]
    families = [name for names in NAMES.values() for name in names.families]
    words = [*given_names, *families, *PLACES, *COMPANIES]
    assert len(given_names) >= 200
    assert len(families) >= 200
    assert len({word.lower() for word in words}) == len(words)
    latin = [word for code, names in NAMES.items() if code not in ("ru", "el") for word in names.families]
    assert all(word.isascii() and word.isalpha() for word in [*latin, *PLACES, *COMPANIES])


def test_the_parts_of_a_name_stay_the_same_person() -> None:
    made = Surrogates(KEY, "t")
    first, last = (made.stand_in("PERSON", "Anna Berg") or "").split()
    assert made.stand_in("PERSON", "Anna") == first
    assert made.stand_in("PERSON", "Berg") == last
    assert made.stand_in("PERSON", "ANNA BERG") == f"{first} {last}".upper()
    assert made.stand_in("PERSON", "Berg, Anna") == f"{last}, {first}"
    assert made.stand_in("PERSON", "Frau Dr. Berg") == f"Frau Dr. {last}"
    assert (made.stand_in("EMAIL_ADDRESS", "anna.berg@acme.com") or "").startswith(f"{first}.{last}@".lower())


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("Anna Maria Berg", r"[A-Z][a-z]+ [A-Z][a-z]+ [A-Z][a-z]+"),
        ("Hans-Peter von Stein", r"[A-Z][a-z]+-[A-Z][a-z]+ von [A-Z][a-z]+"),
        ("J. R. Smith", r"[A-Z]\. [A-Z]\. [A-Z][a-z]+"),
        ("Conan O'Brien", r"[A-Z][a-z]+ [A-Z][a-z]+"),
        ("Mr. Lee", r"Mr\. [A-Z][a-z]+"),
        ("maria da silva", r"[a-z]+ da [a-z]+"),
        ("Иван Петров", r"[А-ЯЁ][а-яё]+ [А-ЯЁ][а-яё]+"),
    ],
)
def test_a_name_keeps_its_shape(name: str, pattern: str) -> None:
    assert re.fullmatch(pattern, stand_in("PERSON", name) or "")


def test_gender_and_language_are_kept_where_they_are_known() -> None:
    assert (stand_in("PERSON", "Brigitte Müller") or "").split()[0] in NAMES["de"].women
    assert (stand_in("PERSON", "Grzegorz Brzęczyszczykiewicz") or "").split()[0] in NAMES["pl"].men


@pytest.mark.parametrize(
    ("entity", "value"),
    [
        ("PERSON", "李伟"), ("PERSON", 'O"Neil\\'), ("PERSON", "Tom & <b>"), ("PERSON", "Mr."), ("PERSON", "R2D2"),
        ("DATE_TIME", "tomorrow"), ("DATE_TIME", "31.02.2020"), ("NRP", "Catholic"), ("ID", "1"), ("ID", "Bluebird"),
        ("EMAIL_ADDRESS", "not an address"), ("IP_ADDRESS", "300.1.1.1"), ("LOCATION", "12 Main St"), ("X", ""),
        ("IBAN_CODE", "DE"), ("CREDIT_CARD", "12"), ("PHONE_NUMBER", "12"), ("URL", "https://x.org/?q=1"),
    ],
)  # fmt: skip
def test_what_has_no_sensible_stand_in_gets_a_placeholder(entity: str, value: str) -> None:
    assert stand_in(entity, value) is None


@pytest.mark.parametrize(
    ("value", "pattern"),
    [
        ("+1 (212) 555-0187", r"\+1 \([2-9]\d\d\) 555-01\d\d"),
        ("212-555-0187", r"[2-9]\d\d-555-01\d\d"),
        ("+12125550187", r"\+1[2-9]\d\d55501\d\d"),
        ("+49 30 1234567", r"\+49 \d\d \d{7}"),
        ("+49 (0)30 123456", r"\+49 \(0\)\d\d \d{6}"),
        ("020 7946 0321", r"02\d \d{4} \d{4}"),
        ("+33 6 12 34 56 78", r"\+33 (6 39 98|1 99 00|2 61 91|3 53 01|4 65 71|5 36 49) \d\d \d\d"),
    ],
)
def test_phones_keep_shape_and_country(value: str, pattern: str) -> None:
    made = stand_in("PHONE_NUMBER", value)
    assert re.fullmatch(pattern, made or "")
    assert made != value


@given(st.text("0123456789", min_size=15, max_size=15))
def test_cards_are_valid_and_of_a_test_range(body: str) -> None:
    digits = f"4{body[:14]}"
    value = " ".join((digits + luhn(digits))[i : i + 4] for i in (0, 4, 8, 12))
    made = stand_in("CREDIT_CARD", value) or ""
    plain = made.replace(" ", "")
    assert shape(made) == "0000 0000 0000 0000"
    assert plain.startswith("424242")
    assert luhn(plain[:-1]) == plain[-1]


@pytest.mark.parametrize(
    "value", ["DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "FR1420041010050500013M02606"]
)
def test_ibans_are_valid_and_of_the_country(value: str) -> None:
    made = stand_in("IBAN_CODE", value) or ""
    plain = made.replace(" ", "")
    assert shape(made) == shape(value)
    assert made[:2] == value[:2]
    assert iban_check(plain[:2], plain[4:]) == plain[2:4]
    assert int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def test_a_check_digit_stays_one() -> None:
    made = re.sub(r"\D", "", stand_in("IMEI", "49-015420-323751-8") or "")
    assert luhn(made[:-1]) == made[-1]


def test_addresses_are_those_kept_for_documentation() -> None:
    assert ipaddress.ip_address(stand_in("IP_ADDRESS", "8.8.8.8") or "") in ipaddress.ip_network("192.0.0.0/2")
    assert ipaddress.ip_address(stand_in("IP_ADDRESS", "fe80::1") or "") in ipaddress.ip_network("2001:db8::/32")
    assert re.fullmatch(
        r"[a-z]+_[a-z]+\d\d@example\.(com|org|net)", stand_in("EMAIL_ADDRESS", "jane_doe77@acme.de") or ""
    )
    assert re.fullmatch(
        r"https://example\.(com|org|net)/[a-z]{3}/[a-z]\d", stand_in("URL", "https://acme.de/abc/d1") or ""
    )
    assert re.fullmatch(r"9\d\d-0\d-\d{4}", stand_in("US_SSN", "536-90-4399") or "")


def test_other_numbers_keep_the_class_of_each_character() -> None:
    for value in (
        "E-123456",
        "AB 12 34 56 C",
        "0f3a9c7721",
        "123e4567-e89b-12d3-a456-426614174000",
        "00:1B:44:11:3A:B7",
    ):
        made = stand_in("ID", value) or ""
        assert len(made) == len(value)
        assert [c.isdigit() for c in made] == [c.isdigit() for c in value]
        assert [c.isupper() for c in made] == [c.isupper() for c in value]
        assert made != value


WRITTEN = [
    "03.11.1969", "1969-11-03", "3 November 1969", "11/03/69", "25/12/1999", "November 3rd, 1969", "Nov 3, 1969",
    "3. März 1969", "3 de marzo de 1969", "3 MARCH 1969", "1.2.2003", "2003/02/01",
]  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
@pytest.mark.parametrize("weeks", [-104, -8, 9, 77])
def test_dates_move_and_are_written_as_they_were(text: str, weeks: int) -> None:
    there = moved(text, weeks)
    assert there is not None
    assert there[0] != text
    # Each letter and each digit is still one; day and month may get or lose a digit where they are not filled up.
    assert re.sub(r"\d+", "0", shape(there[0])).count("0") == re.sub(r"\d+", "0", shape(text)).count("0")
    back = moved(there[0], -weeks)
    assert back is not None
    assert back[0] == text or text in ("11/03/69", "1.2.2003", "2003/02/01")


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(1, 104))
def test_a_date_moves_by_whole_weeks(day: date, weeks: int) -> None:
    there = moved(day.isoformat(), weeks)
    assert there is not None
    assert (date.fromisoformat(there[0]) - day).days == 7 * weeks


def test_all_dates_of_an_exchange_move_alike() -> None:
    made = Surrogates(KEY, "t")
    dates = [date.fromisoformat(made.stand_in("DATE_TIME", text) or "") for text in ("2020-01-01", "2020-03-01")]
    assert (dates[1] - dates[0]).days == 60


def test_a_stand_in_follows_from_key_tenant_and_value() -> None:
    assert stand_in("PERSON", "Anna Berg") == stand_in("PERSON", "Anna Berg")
    tenants = {stand_in("PERSON", "Anna Berg", tenant=f"t{i}") for i in range(20)}
    assert len(tenants) > 10


def test_no_word_of_the_prompt_becomes_a_stand_in() -> None:
    first = stand_in("PERSON", "Anna Berg") or ""
    other = stand_in("PERSON", "Anna Berg", prompt_text=f"{first.split()[0].upper()}s house, {first.split()[1]}") or ""
    assert not set(first.split()) & set(other.split())
    phone = stand_in("PHONE_NUMBER", "212-555-0187") or ""
    assert stand_in("PHONE_NUMBER", "212-555-0187", prompt_text=f"call {phone.replace('-', '.')}") != phone


def test_many_people_get_different_names() -> None:
    made = Surrogates(KEY, "t")
    names = [f"Anna{chr(97 + i // 26)}{chr(97 + i % 26)} Berg{chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(300)]
    given_out = [name for value in names if (name := made.stand_in("PERSON", value)) is not None]
    assert len(set(given_out)) == len(given_out)
    # When the lists are used up, placeholders follow.
    assert 100 < len(given_out) < 300


def test_names_are_given_back_in_every_form() -> None:
    told = Told(PERSON="Anna Berg")
    first, last = told.of["Anna Berg"].split()
    forms = {
        f"{first} {last}": "Anna Berg",
        f"{first} {last}'s": "Anna Berg's",
        f"{first}s": "Annas",
        f"{last}’s": "Berg’s",
        f"{last}sche": "Bergsche",
        f"{last}'schen": "Berg'schen",
        f"{first.upper()} {last.upper()}": "ANNA BERG",
        f"{first.lower()} {last.lower()}": "anna berg",
        f"{first.lower()}.{last.lower()}@acme.org": "anna.berg@acme.org",
        f"{first}_{last}": "Anna_Berg",
        f"{first}\n{last}": "Anna\nBerg",
        f"{last}, {first}": "Berg, Anna",
        f"Ms {last}": "Ms Berg",
        f"{first[0]}. {last}": "A. Berg",
        f"**{first}**": "**Anna**",
        f"{last}さん": "Bergさん",
        f"&lt;b&gt;{first}&lt;/b&gt;": "&lt;b&gt;Anna&lt;/b&gt;",
    }
    for written, wanted in forms.items():
        assert told.says(f"Yes, {written}. So") == f"Yes, {wanted}. So"


def test_words_that_only_contain_a_name_are_left_alone() -> None:
    told = Told(PERSON="Anna Berg")
    first, last = told.of["Anna Berg"].split()
    for text in (f"{first}x", f"x{last}", last.lower(), f"{last}stadt", first[:-1]):
        assert told.says(f"a {text} b") == f"a {text} b"


def test_numbers_are_given_back_however_they_are_separated() -> None:
    told = Told(PHONE_NUMBER="+1 617 555 0187", CREDIT_CARD="4111111111111111")
    phone, card = told.of["+1 617 555 0187"], told.of["4111111111111111"]
    digits = re.sub(r"\D", "", phone)
    area, rest = digits[1:4], f"{digits[4:7]}-{digits[7:]}"
    for written in (
        phone,
        f"+{digits}",
        digits,
        f"+1 ({area}) {rest}",
        f"+1-{area}-{rest}",
        f"({area}) {rest}",
        digits[1:],
    ):
        assert told.says(f"call {written}, now") == "call +1 617 555 0187, now"
    spaced = " ".join(card[i : i + 4] for i in (0, 4, 8, 12))
    assert told.says(f"card {spaced}!") == "card 4111111111111111!"
    assert told.says(f"card {card}9!") == f"card {card}9!"


def test_dates_are_given_back_in_the_form_in_which_the_model_writes_them() -> None:
    told = Told(DATE_TIME="1969-11-03")
    day = date.fromisoformat(told.of["1969-11-03"])
    assert told.says(f"on {day:%B} {day.day}, {day.year}.") == "on November 3, 1969."
    assert told.says(f"on {day.day} {day:%b} {day.year}.") == "on 3 Nov 1969."


def test_values_are_escaped_where_the_answer_is_json() -> None:
    told = Told(PERSON="Anna Berg", IP_ADDRESS="8.8.8.8")
    first, last = told.of["Anna Berg"].split()
    document = json.dumps({"to": f"{first} {last}", "text": f"Dear\n{first},\n\u003c{last}\t{told.of['8.8.8.8']}"})
    assert json.loads(told.says(document)) == {"to": "Anna Berg", "text": "Dear\nAnna,\n<Berg\t8.8.8.8"}


def test_plain_text_is_not_held_back() -> None:
    told = Told(PERSON="Anna Berg")
    opened = RestoreFilter(Vault(told.made), Grammar([]), Channel(0, Field.CONTENT))
    assert opened.push("The weather is good. ") == "The weather is good. "
    assert opened.push(told.of["Anna Berg"][:5]) == ""
    assert opened.push("!") == f"{told.of['Anna Berg'][:5]}!"


def redact(found: dict[str, list[tuple[str, str, float]]], *texts: str, **policy: Any) -> list[str]:
    stage = redact_stage(Redact.model_validate({"default": "surrogate", **policy}), Words(found))
    return texts_of(stage.on_request(prompt(*texts), exchange()))


def test_placeholders_and_surrogates_stand_side_by_side() -> None:
    text = "Anna Berg, 81.8.8.8"
    found = {text: [("Anna Berg", "PERSON", 0.9), ("81.8.8.8", "IP_ADDRESS", 0.9)]}
    (seen,) = redact(found, text, entities={"IP_ADDRESS": "placeholder"})
    assert re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+, <IP_ADDRESS_1>", seen)


def test_a_later_text_that_says_a_surrogate_does_not_change_it() -> None:
    text = "I am Anna Berg."
    found = {text: [("Anna Berg", "PERSON", 0.9)]}
    (seen,) = redact(found, text)
    name = seen.removeprefix("I am ").removesuffix(".")
    assert redact(found, text, f"Is {name} there?") == [seen, "Is <PLACEHOLDER_1> there?"]


def test_a_value_that_touches_a_word_gets_a_placeholder_there() -> None:
    text = "Id E-123456 and xE-123456y"
    found = {text: [("E-123456", "ID", 0.9)]}
    (seen,) = redact(found, text)
    assert re.fullmatch(r"Id [A-Z]-\d{6} and x<ID_1>y", seen)
