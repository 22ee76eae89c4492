from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Callable

import pytest

from gateway.pipeline.prompt import Segment
from gateway.pipeline.span import Span
from gateway.redact.views.encodings import ENCODED, readings
from gateway.redact.views.octets import clean_text
from gateway.redact.views.views import segment_views
from tests.laws.strategies import exchange, prompt, texts_of
from tests.support.stages import redact_stage
from tests.unit.redact.test_views_reading import POLICY, detector, found, values

EMAIL = "ada.lovelace@example.org"
OCTETS = EMAIL.encode()


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


OPAQUE: dict[str, tuple[str, str]] = {
    "base64": (b64(EMAIL), "base64"),
    "base64 with padding": ("bWluYS5vaEBoYW5vay5rcg==", "base64"),
    "base64 without padding": (b64("Mail " + EMAIL + "!!").rstrip("="), "base64"),
    "base64url": (base64.urlsafe_b64encode(b"\xc3\x9c~~?" + OCTETS).decode(), "base64"),
    "base64 of UTF-16": (base64.b64encode(EMAIL.encode("utf-16-le")).decode(), "base64"),
    "base64 of Latin-1": (base64.b64encode(f"José {EMAIL}".encode("latin-1")).decode(), "base64"),
    "hex": (OCTETS.hex(), "hex"),
    "hex with 0x": ("0x" + OCTETS.hex(), "hex"),
    "hex in pairs": (OCTETS.hex(" "), "hex"),
    "hex with colons": (OCTETS.hex(":").upper(), "hex"),
    "hex as a list": (", ".join(f"0x{o:02x}" for o in OCTETS), "hex"),
    "base32": (base64.b32encode(OCTETS).decode(), "base32"),
    "data URL": (f"data:text/plain;base64,{b64(EMAIL)}", "data-url"),
    "data URL that lies": (f"data:image/png;base64,{b64(EMAIL)}", "data-url"),
    "lines": (
        base64.encodebytes(b"A letter that goes on for more than a line of " + OCTETS * 3).decode()[:-1],
        "base64",
    ),
}
WRITTEN: dict[str, tuple[str, str]] = {
    "percent": ("ada.lovelace%40example.org", "encoded:percent"),
    "all percent": ("".join(f"%{o:02X}" for o in OCTETS), "encoded:percent"),
    "percent twice": ("ada.lovelace%2540example.org", "encoded:percent"),
    "percent u": ("ada.lovelace%u0040example.org", "encoded:percent"),
    "decimal entity": ("ada.lovelace&#64;example.org", "encoded:html"),
    "hex entity": ("ada.lovelace&#x00040;example.org", "encoded:html"),
    "named entity": ("ada.lovelace&commat;example&period;org", "encoded:html"),
    "entity twice": ("ada.lovelace&amp;#64;example.org", "encoded:html"),
    "JSON escape": ("ada.lovelace\\u0040example.org", "escapes"),
    "braces": ("ada.lovelace\\u{40}example.org", "escapes"),
    "long escape": ("ada.lovelace\\U00000040example.org", "escapes"),
    "hex escape": ("ada.lovelace\\x40example.org", "escapes"),
    "octal escape": ("ada.lovelace\\100example.org", "escapes"),
    "escape twice": ("ada.lovelace\\\\u0040example.org", "escapes"),
    "quoted-printable": ("ada.lovelace=40example.org", "encoded:quoted-printable"),
    "mixed": ("ada%2Elovelace&#64;example\\u002eorg", "encoded:html"),
}


@pytest.mark.parametrize(("run", "kind"), OPAQUE.values(), ids=OPAQUE)
def test_an_opaque_run_is_hidden_whole(run: str, kind: str) -> None:
    assert ("EMAIL_ADDRESS", run, f"encoded:{kind}") in found(f'see "{run}", please')


@pytest.mark.parametrize(("written", "kind"), WRITTEN.values(), ids=WRITTEN)
def test_a_transparent_notation_is_hidden_where_it_stands(written: str, kind: str) -> None:
    assert ("EMAIL_ADDRESS", written, kind) in found(f"see {written} please")


def test_offsets_are_those_of_the_run() -> None:
    text = "Please decode: bWluYS5vaEBoYW5vay5rcg== now"
    (view,) = segment_views(Segment(("x",), text))[1:]
    at = view.text.index("mina.oh@hanok.kr")
    assert text[15:39] == "bWluYS5vaEBoYW5vay5rcg=="
    assert [(s.start, s.end) for _, s in view.found(Span(at, at + 16, "X", 1.0))] == [(15, 39)]


@pytest.mark.parametrize(
    "text",
    [
        "commit 3f786850e387550fdab836ed7e6dc881de23001b",
        "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "getElementByIdAndRemove, password, Internationalization, antidisestablishmentarianism",
        "/usr/local/share/applications/SomeProgramName and some/other/Path/WithCapitals",
        "4111 is no card and 00:1b:44:11:3a:b7 no text",
        f"data:image/png;base64,{base64.b64encode(bytes(range(256)) * 4).decode()}",
        "100% of 5%de, AT&T & co; x=20 and y=30",
    ],
)
def test_what_is_no_encoded_text_is_not_found(text: str) -> None:
    assert not [f for f in found(text) if f[2].startswith("encoded:")]


@pytest.mark.parametrize("octets", [b"", b"short", bytes(range(128, 160)), b"\x00\x01" * 20, b"\x89PNG\r\n\x1a\n" * 9])
def test_binary_is_no_clean_text(octets: bytes) -> None:
    assert clean_text(octets) is None


def test_three_layers_are_read_and_a_fourth_is_a_finding_itself() -> None:
    once = b64(EMAIL)
    thrice = b64(b64(once))
    assert values(f"see {thrice}.", "EMAIL_ADDRESS") == {thrice}
    assert values(f"see {b64(thrice)}.", ENCODED) == {b64(thrice)}


def test_a_bomb_stays_within_its_budget_and_is_a_finding() -> None:
    run = EMAIL * 3000
    for _ in range(5):
        run = b64(run)
    views = segment_views(Segment(("x",), run))
    assert sum(map(len, views)) <= 5 * len(run) + 2**18
    assert any(view.given for view in views)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda v: b64(urllib.parse.quote(v, safe="")),
        lambda v: b64(json.dumps({"a": [{"mail": v}]})),
        lambda v: base64.b64encode(v.encode().hex().encode()).decode(),
        lambda v: "key_" + b64(v),
        lambda v: "https://x.test/v1/" + b64(v),
        lambda v: urllib.parse.quote(b64(v + "!!"), safe=""),
        lambda v: b64('{"alg":"HS256"}').rstrip("=") + "." + b64(f'{{"email":"{v}"}}').rstrip("=") + ".c2lnbmF0dXJl",
        lambda v: json.dumps(json.dumps({"a": v.replace("@", "\\u0040")})),
    ],
)
def test_layers_of_several_notations(wrap: Callable[[str], str]) -> None:
    assert values(wrap(EMAIL), "EMAIL_ADDRESS")


def test_the_stage_hides_an_encoded_value_and_nothing_else() -> None:
    stage = redact_stage(POLICY, detector(), detector().entities, b"k" * 32)
    asked = f"decode {b64(EMAIL)} and O&#39;x ada&#64;example.org."
    assert texts_of(stage.on_request(prompt(asked), exchange())) == [
        "decode <EMAIL_ADDRESS_1> and O&#39;x <EMAIL_ADDRESS_2>."
    ]


def test_a_text_without_encodings_is_read_once() -> None:
    (base,) = segment_views(Segment(("x",), "Please summarise the notes of the implementation meeting in 3 lines."))
    assert readings(base) == [base]
