"""What axe finds on the page, in both themes, in every state: nothing."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.page.conftest import Watched
from tests.page.scene import enter, write

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]
TEXT = "I am Amara Okafor of Leeds, card 4111 1111 1111 1111, write to amara@mail-example.org, DB_PASSWORD=Tr0ub4dor&3"
_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def expect_nothing(page: Page, state: str) -> None:
    found = Axe().run(page, options=_RULES)
    told = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found.response["violations"]]
    assert told == [], f"{state}: {told}"
    assert len(found.response["passes"]) > 10


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(watched: Watched, scheme: str) -> None:
    page, site = watched.page, watched.site
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(site.url)
    page.get_by_role("button", name="Open", exact=True).click()
    expect_nothing(page, "the door, with a complaint")
    enter(page, site, "boss")
    expect_nothing(page, "before a prompt")
    site.upstream.says("Dear <PERSON_1>, ask bob@other-example.com or see ![x](https://evil-example.com/x.png).\u202e")
    write(page, TEXT)
    page.get_by_role("button", name="Ask the model").click()
    expect(page.locator("#answer")).to_be_visible()
    expect_nothing(page, "an answer")
    page.get_by_role("tab", name="Policy").click()
    expect(page.locator("#policy-state")).to_have_text("Valid")
    expect_nothing(page, "a policy")
    page.get_by_role("textbox", name="A policy to try").fill("version: 1\nname: x y\n")
    expect(page.locator("#policy-told")).to_contain_text("models is missing")
    expect_nothing(page, "a policy with mistakes")
    page.get_by_role("tab", name="Counts").click()
    expect(page.locator("#kinds table")).to_be_visible()
    page.get_by_text("The same as a table").click()
    expect_nothing(page, "counts")


def test_axe_finds_nothing_on_a_small_screen(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 360, "height": 740})
    enter(page, watched.site, "looker")
    write(page, "My social security number is 536-22-1234.")
    expect_nothing(page, "a refused prompt")
    page.get_by_role("tab", name="Policy").click()
    expect_nothing(page, "a view that is closed")
