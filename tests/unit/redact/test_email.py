"""E-mail addresses: any letters, any suffix, and nothing of what stands around them."""

from __future__ import annotations

import pytest

from gateway.redact.recognizers.email import OfflineEmailRecognizer


@pytest.fixture(scope="module")
def recognizer() -> OfflineEmailRecognizer:
    return OfflineEmailRecognizer("en")


def found(recognizer: OfflineEmailRecognizer, text: str) -> list[tuple[str, float]]:
    results = recognizer.analyze(text, ["EMAIL_ADDRESS"])
    return [(text[result.start : result.end], result.score) for result in results]


@pytest.mark.parametrize(
    "address",
    [
        "jane.doe@example.org",
        "jane+tag@mail.example.co.uk",
        "o'brien@example.ie",
        "jürgen.müller@bücher.de",
        "用户@例子.中国",
        "info@xn--bcher-kva.de",
        "a@b.io",
        "x_y-z@sub-domain.example.com",
        '"john doe"@example.com',
    ],
)
@pytest.mark.parametrize(
    "around", ["{}", "mail {}, please", "<{}>", "to='{}'", "user={} status=1", "({}).", "mailto:{}"]
)
def test_an_address_is_found_alone(recognizer: OfflineEmailRecognizer, address: str, around: str) -> None:
    assert (address, 1.0) in found(recognizer, around.format(address))


def test_an_address_under_no_public_suffix_is_found(recognizer: OfflineEmailRecognizer) -> None:
    assert found(recognizer, "ask jane@corp.internal now") == [("jane@corp.internal", 0.5)]


@pytest.mark.parametrize(
    "text",
    [
        "npm i react@18.2.0",
        "@decorator",
        "a @ b",
        "user@",
        "@example.com",
        "meet @ 5.pm",
        "x@y",
        "docker pull a@sha256:00",
    ],
)
def test_what_is_no_address_is_left_alone(recognizer: OfflineEmailRecognizer, text: str) -> None:
    assert found(recognizer, text) == []
