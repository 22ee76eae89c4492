"""Texts that would be something else than texts if the page let them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from tests.page.conftest import Watched
from tests.page.scene import enter, write

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]
SCRIPTS = [
    "<script>window.owned = 1</script>",
    "<img src=x onerror='window.owned = 1'>",
    "<svg onload='window.owned = 1'><animate onbegin='window.owned = 1' attributeName=x></svg>",
    "<iframe srcdoc='<script>parent.owned = 1</script>'></iframe>",
    "</textarea><script>window.owned = 1</script>",
    "<a href='javascript:window.owned = 1' autofocus onfocus='window.owned = 1'>x</a>",
    "{{constructor.constructor('window.owned = 1')()}} ${window.owned = 1}",
    "<form action='https://elsewhere.example'><button id=ask>Ask</button></form>",
    "<style>body{display:none}</style><link rel=stylesheet href=https://elsewhere.example/x.css>",
    "<base href=https://elsewhere.example/><meta http-equiv=refresh content='0;url=https://elsewhere.example'>",
]


def test_html_and_scripts_are_shown_as_they_are_written(watched: Watched) -> None:
    page, site = watched.page, watched.site
    enter(page, site, "jane")
    text = "\n".join(SCRIPTS)
    # A filter would take links out, and then nothing were tried.
    site.upstream.says(text.replace("https://elsewhere.example", "x"))
    write(page, text)
    assert "<script>window.owned = 1</script>" in page.locator("#found").inner_text()
    page.get_by_role("button", name="Ask the model").click()
    expect(page.locator("#answer")).to_be_visible()
    assert "onerror='window.owned = 1'" in page.locator("#after").inner_text()
    assert page.evaluate("window.owned") is None
    for name in ("script", "img", "iframe", "form", "base", "style", "animate"):
        assert page.locator(f"#inside {name}").count() == 0
    assert page.locator("#ask").count() == 1


def test_values_and_types_of_a_policy_are_texts_too(watched: Watched) -> None:
    page, site = watched.page, watched.site
    enter(page, site, "boss")
    write(page, "<img src=x onerror='window.owned = 1'>@mail.example.org is amara@mail-example.org")
    page.get_by_role("tab", name="Policy").click()
    editor = page.get_by_role("textbox", name="A policy to try")
    expect(page.locator("#policy-state")).to_have_text("Valid")
    editor.fill("version: 1\nname: <img src=x onerror='window.owned = 1'>\nmodels: {a: {id: b}}\n<b>x</b>: 1")
    expect(page.locator("#policy-told")).to_contain_text("unknown key <b>x</b>")
    assert page.evaluate("window.owned") is None
    assert page.locator("#inside img, #inside b b").count() == 0


def test_what_cannot_be_seen_is_shown(watched: Watched) -> None:
    page = watched.page
    hidden = ["\u202e", "\u200b", "\u2066", "\ufeff", "\U000e0041", "\u0007", "\u0085"]
    enter(page, watched.site, "jane")
    write(page, f"{' and '.join(f'user{each}name' for each in hidden)} of amara@mail-example.org")
    expect(page.locator("#found .unseen")).to_have_text([f"U+{ord(each):04X}" for each in hidden])
    for shown in ("#found", "#sees"):
        text = page.locator(shown).evaluate("at => at.textContent")
        assert not [each for each in hidden if each in text]


def test_letters_from_right_to_left_stay_where_they_are(watched: Watched) -> None:
    page = watched.page
    enter(page, watched.site, "jane")
    write(page, "שלום amara@mail-example.org مرحبا")
    assert page.locator("#found mark bdi").inner_text() == "amara@mail-example.org"
    assert page.locator("#found .unseen").count() == 0


def test_a_long_text_is_read_and_one_that_is_too_long_is_refused(watched: Watched) -> None:
    page = watched.page
    enter(page, watched.site, "jane")
    write(page, "Write to amara@mail-example.org soon. " * 1500)
    expect(page.locator("#found mark")).to_have_count(1500)
    expect(page.locator("#found-table tbody tr")).to_have_count(1)
    expect(page.locator("#found-table")).to_contain_text("× 1500")
    page.get_by_role("textbox", name="Your prompt").fill("x" * 200_000)
    expect(page.locator("#found")).to_contain_text("larger than")
    watched.expect_refusals()


def test_many_values_are_listed_in_part(watched: Watched) -> None:
    page = watched.page
    enter(page, watched.site, "jane")
    write(page, " ".join(f"amara{i}@mail-example.org" for i in range(300)))
    expect(page.locator("#found mark")).to_have_count(300)
    expect(page.locator("#found-table tbody tr")).to_have_count(200)
    expect(page.locator("#found-table")).to_contain_text("The first 200 of 300")


def test_an_answer_that_comes_late_is_not_shown_to_whoever_signs_in_next(watched: Watched) -> None:
    page, site = watched.page, watched.site

    def late(route: Route) -> None:
        page.wait_for_timeout(800)
        route.continue_()

    enter(page, site, "jane")
    page.route("**/ui/ask", late)
    site.upstream.says("The secret of <PERSON_1>.")
    write(page, "I am Amara Okafor.")
    page.evaluate(
        "document.getElementById('ask').click(); setTimeout(() => document.getElementById('leave').click(), 50)"
    )
    expect(page.locator("#token")).to_be_visible()
    page.get_by_label("Access token").fill(site.tokens["other"])
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_role("textbox", name="Your prompt").wait_for()
    page.wait_for_timeout(1200)
    assert "Amara" not in page.locator("html").inner_html()
    assert "secret of" not in page.locator("html").inner_html()
    assert page.locator("#ask").is_enabled()


def test_counts_of_somebody_before_are_not_shown(watched: Watched) -> None:
    page, site = watched.page, watched.site
    assert site.chat("jane", "Hi.").status_code == 200
    enter(page, site, "jane")
    page.get_by_role("tab", name="Counts").click()
    expect(page.locator(".tile .big").first).not_to_have_text("0")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_label("Access token").fill(site.tokens["operator"])
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_role("tab", name="Counts").click()
    expect(page.locator(".tile .big").first).to_have_text("0")
