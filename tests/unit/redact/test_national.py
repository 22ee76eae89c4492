"""National numbers: found with their check digits or after the words that announce them, and not elsewhere.

The numbers are made up here or are the examples of the agencies' own documentation.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from stdnum import luhn, verhoeff
from stdnum.be import nn
from stdnum.dk import cpr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.nl import bsn
from stdnum.no import fodselsnummer

from gateway.redact.recognizers import machines, money, national, people
from gateway.redact.recognizers.national import english, german, iberian
from tests.unit.redact.rows import Finder


@pytest.fixture(scope="module")
def find() -> Finder:
    return Finder([*national.rows(), *money.rows(), *machines.rows(), *people.rows()])


def completed(start: str, is_valid: Callable[[str], bool], ends: int = 1, signs: str = "0123456789") -> str:
    """The first number that begins like `start` and passes its check."""
    endings = [""]
    for _ in range(ends):
        endings = [ending + sign for ending in endings for sign in signs]
    return next(start + ending for ending in endings if is_valid(start + ending))


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DNI = completed("12345678", dni.is_valid, signs=LETTERS)
NIE = completed("X1234567", nie.is_valid, signs=LETTERS)
NIR = completed("1850578006084", nir.is_valid, 2)
NN = completed("850730033", nn.is_valid, 2)
BSN = completed("11122233", bsn.is_valid)
CPR = completed("0707614", cpr.is_valid, 3)
FNR = completed("150870333", fodselsnummer.is_valid, 2)
NRIC = completed("S1234567", english.fin, signs=LETTERS)
NPI = completed("123456789", english.npi)
PENSION = completed("15070649C10", german.pension_insurance)
KVNR = completed("A12345678", german.health_insurance)
NSS = completed("2812345678", iberian.social_security, 2)
AADHAAR = "2345 6789 012" + verhoeff.calc_check_digit("23456789012")
VIN = "1HGCM82633A004352"


@pytest.mark.parametrize(
    ("entity", "value"),
    [
        ("DE_SOCIAL_SECURITY", PENSION),
        ("CH_AHV", "756.9217.0769.85"),
        ("FR_NIR", NIR),
        ("BE_NATIONAL_NUMBER", f"{NN[:2]}.{NN[2:4]}.{NN[4:6]}-{NN[6:9]}.{NN[9:]}"),
        ("ES_NIF", DNI),
        ("ES_NIE", NIE),
        ("IT_FISCAL_CODE", "RSSMRA85T10A562S"),
        ("IT_FISCAL_CODE", "BNCGNN70A01H501I"),
        ("BR_CPF", "111.444.777-35"),
        ("BR_CNPJ", "11.222.333/0001-81"),
        ("MX_CURP", "HEGG560427MVZRRL04"),
        ("PL_PESEL", "44051401359"),
        ("SE_PERSONNUMMER", "811228-9874"),
        ("NO_FODSELSNUMMER", FNR),
        ("FI_PERSONAL_IDENTITY_CODE", "131052-308T"),
        ("UK_NHS", "943 476 5919"),
        ("UK_NINO", "AB 12 34 56 C"),
        ("IN_PAN", "ABCPE1234F"),
        ("IN_AADHAAR", AADHAAR),
        ("SG_NRIC_FIN", NRIC),
        ("US_MBI", "1EG4-TE5-MK73"),
        ("VIN", VIN),
    ],
)
def test_check_digits_tell_a_number_wherever_it_stands(find: Finder, entity: str, value: str) -> None:
    assert (entity, value) in find.kinds(f"please note {value} for later")


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("social 219-09-9999 of him", "US_SSN", "219-09-9999"),
        ("my ssn is 219 09 9999", "US_SSN", "219 09 9999"),
        ("SS# 219099999", "US_SSN", "219099999"),
        ("NIF 87654321X a nombre de", "ES_NIF", "87654321X"),
        ("my driver's license number is 2270-66-1551", "US_DRIVER_LICENSE", "2270-66-1551"),
        ("My driver's license number is F162823540116", "US_DRIVER_LICENSE", "F162823540116"),
        ("passport no. C01X00T47", "PASSPORT", "C01X00T47"),
        ("Passport: 533401234", "PASSPORT", "533401234"),
        ("Steuer-ID 65929970489", "DE_TAX_ID", "65929970489"),
        (f"versichert unter {KVNR}", "DE_HEALTH_INSURANCE", KVNR),
        ("Personalausweis Nr. L01X00T471", "DE_ID_CARD", "L01X00T471"),
        ("Steuernummer: 181/815/08155", "DE_TAX_NUMBER", "181/815/08155"),
        (f"número de la seguridad social {NSS}", "ES_SOCIAL_SECURITY", NSS),
        (f"bsn {BSN}", "NL_BSN", BSN),
        (f"CPR-nr. {CPR[:6]}-{CPR[6:]}", "DK_CPR", f"{CPR[:6]}-{CPR[6:]}"),
        ("dowód osobisty ABA300000", "PL_ID_CARD", "ABA300000"),
        ("NIP: 123-456-32-18", "PL_NIP", "123-456-32-18"),
        ("SIN 046 454 286", "SOCIAL_INSURANCE", "046 454 286"),
        (f"NPI {NPI}", "US_NPI", NPI),
        ("carta d'identità AX1234567", "IT_IDENTITY_CARD", "AX1234567"),
        ("CPF 12345678900", "BR_CPF", "12345678900"),
        ("sort code 20-00-00", "UK_SORT_CODE", "20-00-00"),
        ("account number 55779911", "ACCOUNT_NUMBER", "55779911"),
        ("Kontonummer 532013000", "ACCOUNT_NUMBER", "532013000"),
        ("BIC COBADEFFXXX", "BIC", "COBADEFFXXX"),
        ("cvv 123", "CREDIT_CARD_CODE", "123"),
        ("exp 12/27", "CREDIT_CARD_EXPIRATION", "12/27"),
        ("Kennzeichen B-AB 1234", "LICENSE_PLATE", "B-AB 1234"),
        ("IMEI 490154203237518", "IMEI", "490154203237518"),
        ("mac: 001A2B3C4D5E", "MAC_ADDRESS", "001A2B3C4D5E"),
        ("MRN 00482913", "MEDICAL_RECORD", "00482913"),
        ("Kundennummer 4711-22", "CUSTOMER_NUMBER", "4711-22"),
        ("policy no. HX-99823", "MEMBER_NUMBER", "HX-99823"),
        ("Aktenzeichen 12 C 345/22", "CUSTOMER_NUMBER", "12 C 345/22"),
        ("numéro client : 889123", "CUSTOMER_NUMBER", "889123"),
        ("geb. 03.11.1969, wohnhaft", "DATE_OF_BIRTH", "03.11.1969"),
        ("born on March 3, 1988 in", "DATE_OF_BIRTH", "March 3, 1988"),
        ("née le 4 juin 1978 à", "DATE_OF_BIRTH", "4 juin 1978"),
        ("nacida el 12 de mayo de 1990", "DATE_OF_BIRTH", "12 de mayo de 1990"),
        ("nato a Roma il 01/02/1970", "DATE_OF_BIRTH", "01/02/1970"),
        ("urodzony 12 maja 1980", "DATE_OF_BIRTH", "12 maja 1980"),
        ("date_of_birth: 1990-02-01", "DATE_OF_BIRTH", "1990-02-01"),
        ("she is a 47-year-old nurse", "AGE", "47-year-old"),
        ("aged 47", "AGE", "47"),
        ("47 Jahre alt", "AGE", "47 Jahre alt"),
        ("my twitter is @jane_doe99", "USERNAME", "@jane_doe99"),
        ("username: jdoe_92", "USERNAME", "jdoe_92"),
    ],
)
def test_words_tell_what_a_number_is(find: Finder, text: str, entity: str, value: str) -> None:
    assert (entity, value) in find.kinds(text)


@pytest.mark.parametrize(
    "value",
    [
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "4111  1111  1111  1111",
        "3782 822463 10005",
        "3 7 8 2 8 2 2 4 6 3 1 0 0 0 5",
        "6011000990139424",
        "3530111333300000",
        "30569309025904",
        "2223003122003222",
    ],
)
def test_cards_are_found_however_they_are_written(find: Finder, value: str) -> None:
    assert ("CREDIT_CARD", value) in find.kinds(f"{value} 12/27 declined")


def test_short_cards_need_a_word(find: Finder) -> None:
    maestro = luhn.calc_check_digit("63042737339")
    assert ("CREDIT_CARD", f"63042737339{maestro}") in find.kinds(f"my card 63042737339{maestro}")


@pytest.mark.parametrize(
    "value",
    [
        "DE89370400440532013000",
        "de89 3704 0044 0532 0130 00",
        "DE89.3704.0044.0532.0130.00",
        "FR76 3000-6000-0112-3456-7890-189",
        "GB82\u00a0WEST\u00a01234\u00a05698\u00a07654\u00a032",
        "NO9386011117947",
    ],
)
def test_ibans_are_found_however_they_are_written(find: Finder, value: str) -> None:
    assert ("IBAN_CODE", value) in find.kinds(f"pay to {value} from my account, 2 days late")


@pytest.mark.parametrize(
    "text",
    [
        "order no. 4471-0092 arrives in 3-5 days",
        "order id 123456 and invoice number 20240001",
        "ticket #4431, tracking number 1Z999AA10123456784",
        "ISBN 0-306-40615-2 check digit?",
        "python 3.11.9 vs 3.12.1 performance",
        "commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad",
        "uuid 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "timestamp 1700000000 or 1700000000000",
        "x = 17 * 23 + 4.5e-3",
        "the passport is required for entry",
        "swift is a language, and plates weigh 250 g",
        "driver license? 2 of them",
        "policy number of iterations: 3",
        "page 47, stage 3, user_id = 42",
        "NATO in 1999",
        "EAN 4006381333931",
        "assert total == 1_000_000",
        "the registration form is due 2024",
        "@Override public void run()",
        "use @media in css",
        "password field id 3",
        "Fermat 4294967297 is no prime",
    ],
)
def test_other_numbers_are_left_alone(find: Finder, text: str) -> None:
    assert find(text) == set()


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("USt-IdNr. DE123456789", "VAT_NUMBER", "DE123456789"),
        ("TVA intracommunautaire FR12345678901", "VAT_NUMBER", "FR12345678901"),
        (
            "send it to 0x52908400098527886E0F7030069857D2E4169EE7",
            "CRYPTO",
            "0x52908400098527886E0F7030069857D2E4169EE7",
        ),
    ],
)
def test_numbers_of_businesses_and_wallets_are_found(find: Finder, text: str, entity: str, value: str) -> None:
    assert (entity, value) in find.kinds(text)
