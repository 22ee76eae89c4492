"""What somebody does on the page, in a browser, with a real gateway behind it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.page.conftest import Watched
from tests.page.scene import enter, write

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]

TEXT = "I am Amara Okafor, card 4111 1111 1111 1111, write to amara@mail-example.org."
SEES = "I am <PERSON_1>, card <CREDIT_CARD>, write to <EMAIL_ADDRESS_1>."


def tab_to(page: Page, name: str, most: int = 40) -> None:
    """Press Tab until the element of that name or id has the focus."""
    for _ in range(most):
        focused = page.evaluate(
            "[document.activeElement.id, (document.activeElement.textContent || '').trim().slice(0, 40)]"
        )
        if name in focused:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} was not reached by the keyboard")


def test_the_whole_way_by_keyboard_alone(watched: Watched) -> None:
    page, site = watched.page, watched.site
    site.upstream.says("Dear <PERSON_1>, your card <CREDIT_CARD> is fine; ask bob@other-example.com.")
    page.goto(site.url)
    expect(page.locator("#token")).to_be_focused()
    page.keyboard.insert_text(site.tokens["boss"])
    page.keyboard.press("Enter")
    expect(page.locator("#prompt")).to_be_focused()
    assert page.locator("#token").input_value() == ""
    page.keyboard.type(TEXT)
    expect(page.locator("#found mark")).to_have_count(3)
    expect(page.locator("#sees")).to_have_text(SEES)
    expect(page.locator("#found-table tbody tr")).to_have_count(3)
    expect(page.locator("#found-table")).to_contain_text("EmailRecognizer")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#before")).to_have_text("Dear <PERSON_1>, your card <CREDIT_CARD> is fine; ask [withheld].")
    # What was removed stays removed.
    expect(page.locator("#after")).to_have_text("Dear Amara Okafor, your card <CREDIT_CARD> is fine; ask [withheld].")
    expect(page.locator("#fired")).to_contain_text("personal data of others")
    expect(page.locator("#ask-state")).to_contain_text("cache: miss")
    assert site.upstream.bodies[-1]["messages"] == [{"role": "user", "content": SEES}]
    page.locator("#tab-inspect").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-policy")).to_be_focused()
    expect(page.locator("#policy-state")).to_have_text("Valid")
    expect(page.locator("#differs")).to_contain_text("the same")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tiles")).to_contain_text("Exchanges")
    tab_to(page, "refresh")
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    page.locator("#main").focus()
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#leave")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#token")).to_be_focused()
    assert "Amara" not in page.locator("body").inner_text()
    assert page.locator("#prompt").input_value() == ""


def test_every_control_is_reached_by_tab_and_shows_its_focus(watched: Watched) -> None:
    page, site = watched.page, watched.site
    enter(page, site, "jane")
    write(page, TEXT)
    page.locator("h1").click()
    seen: list[tuple[str, bool]] = []
    for _ in range(25):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "(() => { const at = document.activeElement; const style = getComputedStyle(at);"
            " return [at.id || at.getAttribute('aria-label'), style.outlineStyle !== 'none']; })()"
        )
        if focused[0] in [name for name, _ in seen]:
            break
        seen.append((focused[0], focused[1]))
    names = [name for name, _ in seen]
    wanted = [
        "theme",
        "leave",
        "tab-inspect",
        "example",
        "prompt",
        "found",
        "sees",
        "copy-sees",
        "model",
        "most",
        "ask",
    ]
    assert set(wanted) <= set(names), names
    assert all(shown for name, shown in seen if name in wanted), seen


def test_a_prompt_that_the_policy_refuses_is_said_to_be(watched: Watched) -> None:
    page = watched.page
    enter(page, watched.site, "jane")
    write(page, "My social security number is 536-22-1234.")
    expect(page.locator("#found")).to_contain_text("redact.entities.US_SSN")
    page.get_by_role("button", name="Ask the model").click()
    expect(page.locator("#ask-told")).to_contain_text("rule: redact.entities.US_SSN")
    watched.expect_refusals()
    assert watched.site.upstream.bodies == []


def test_an_answer_that_a_filter_stops_is_not_shown(watched: Watched) -> None:
    page, site = watched.page, watched.site
    key = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
    site.upstream.says(f"The key is {key} and this is behind it.")
    enter(page, site, "jane")
    write(page, "Tell me the key.")
    page.get_by_role("button", name="Ask the model").click()
    expect(page.locator("#ask-told")).to_contain_text("A filter stopped the answer")
    expect(page.locator("#fired")).to_contain_text("block")
    whole = page.locator("html").inner_html()
    assert key not in whole
    assert "behind it" not in whole


def test_an_edited_policy_shows_its_effect_and_its_mistakes(watched: Watched) -> None:
    page, site = watched.page, watched.site
    enter(page, site, "boss")
    write(page, TEXT)
    page.get_by_role("tab", name="Policy").click()
    editor = page.get_by_role("textbox", name="A policy to try")
    text = editor.input_value()
    # What is not the bearer's to know is not in it.
    assert "Bluebird" not in text
    assert "E-" not in text
    assert "initech" not in text
    assert "tiny-llama" not in text
    expect(page.locator("#policy-state")).to_have_text("Valid")
    editor.fill(text.replace("CREDIT_CARD: remove", "CREDIT_CARD: mask\n    PERSON: allow"))
    expect(page.locator("#tried-sees")).to_have_text(
        "I am Amara Okafor, card **** **** **** ****, write to <EMAIL_ADDRESS_1>."
    )
    expect(page.locator("#differs tbody tr")).to_have_count(2)
    expect(page.locator("#differs")).to_contain_text("left as it is")
    editor.fill(text.replace("CREDIT_CARD: remove", "CREDIT_CRAD: remove").replace("threshold: 0.5", "treshold: 0.5"))
    expect(page.locator("#policy-told")).to_contain_text("unknown key treshold; did you mean threshold?")
    page.locator("#policy-told button").first.click()
    line = editor.evaluate("at => at.value.slice(0, at.selectionStart).split('\\n').length")
    assert text.splitlines()[line - 1].strip().startswith(("threshold", "CREDIT_CARD"))
    # Nothing of it is in force.
    assert site.ask("POST", "/ui/inspect", "boss", {"text": TEXT}).json()["pieces"][1]["becomes"] == "<PERSON_1>"


def test_hints_say_what_can_stand_at_the_cursor(watched: Watched) -> None:
    page = watched.page
    enter(page, watched.site, "boss")
    page.get_by_role("tab", name="Policy").click()
    editor = page.get_by_role("textbox", name="A policy to try")
    editor.fill("version: 1\nredact:\n  entities:\n    PERSON: pl")
    hint = page.locator("#hints button", has_text="placeholder")
    hint.click()
    assert editor.input_value().endswith("PERSON: placeholder")
    editor.fill("version: 1\nredact:\n  thr")
    expect(page.locator("#hints")).to_contain_text("Findings with a lower score are ignored.")
    expect(page.locator("#hints-title")).to_contain_text("redact")
    editor.fill("answers:\n  links:\n    action: ")
    expect(page.locator("#hints button")).to_have_text(["allow", "report", "neutralise", "block"])


def test_a_file_is_opened_on_the_page_alone(watched: Watched, tmp_path: Path) -> None:
    page = watched.page
    enter(page, watched.site, "boss")
    write(page, "My code is E-123456, I am employee.")
    page.get_by_role("tab", name="Policy").click()
    own = "version: 1\nname: m\nmodels: {a: {id: b}}\nredact: {recognizers: [{entity: OWN_CODE, pattern: 'E-\\d{6}'}]}"
    file = tmp_path / "policy.yaml"
    file.write_text(own)
    page.locator("#policy-file").set_input_files(file)
    expect(page.locator("#tried-sees")).to_have_text("My code is <OWN_CODE_1>, I am employee.")


@pytest.mark.parametrize(
    ("token", "says", "hint"),
    [
        ("", "Paste a token first", "pgw_"),
        ("pgw_nonsense", "token", "gateway token mint"),
        ("schlüssel", "A token has no such characters", "pgw_"),
        ("chatter", "lacks the scope ui", "--scope ui"),
    ],
)
def test_who_may_not_enter_is_told_what_is_missing(watched: Watched, token: str, says: str, hint: str) -> None:
    page = watched.page
    page.goto(watched.site.url)
    page.get_by_label("Access token").fill(watched.site.tokens.get(token, token))
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(says)
    expect(page.get_by_role("alert")).to_contain_text(hint)
    expect(page.locator("#inside")).to_be_hidden()
    watched.expect_refusals()


def test_what_a_token_lacks_is_said_where_it_is_missed(watched: Watched) -> None:
    page = watched.page
    enter(page, watched.site, "looker")
    expect(page.locator("#ask-told")).to_contain_text("lacks the scope chat")
    expect(page.locator("#ask")).to_be_hidden()
    page.get_by_role("tab", name="Policy").click()
    expect(page.locator("#policy-closed")).to_contain_text("admin:policy")
    expect(page.locator("#policy")).to_be_hidden()


def test_only_models_that_the_token_may_use_are_offered(watched: Watched) -> None:
    enter(watched.page, watched.site, "narrow")
    assert watched.page.locator("#model option").all_inner_texts() == ["other"]


def test_counts_are_shown_as_they_grow(watched: Watched) -> None:
    page, site = watched.page, watched.site
    enter(page, site, "other")
    page.get_by_role("tab", name="Counts").click()
    expect(page.locator("#tiles")).to_contain_text("Exchanges")
    expect(page.locator("#whose-field")).to_be_hidden()
    before = int(page.locator(".tile .big").first.inner_text())
    assert site.chat("other", TEXT, temperature=0).status_code == 200
    page.get_by_role("button", name="Refresh").click()
    expect(page.locator(".tile .big").first).to_have_text(str(before + 1))
    expect(page.locator("#kinds")).to_contain_text("EMAIL_ADDRESS")
    expect(page.locator("#chart svg")).to_be_visible()
    page.get_by_text("The same as a table").click()
    expect(page.locator("#chart-table tbody tr")).not_to_have_count(0)


def test_an_operator_sees_all_tenants_together(watched: Watched) -> None:
    page, site = watched.page, watched.site
    assert site.chat("jane", "Hi.").status_code == 200
    enter(page, site, "operator")
    page.get_by_role("tab", name="Counts").click()
    expect(page.locator(".tile .big").first).to_have_text("0")
    page.get_by_label("Of", exact=True).select_option("all")
    expect(page.locator(".tile .big").first).not_to_have_text("0")
    assert "acme" not in page.locator("#view-counts").inner_text()


def test_the_theme_follows_the_system_until_it_is_switched(watched: Watched) -> None:
    page = watched.page
    page.emulate_media(color_scheme="dark")
    page.goto(watched.site.url)
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(background)
    assert dark != light
    switch = page.get_by_role("button", name="Dark theme")
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.click()
    assert page.evaluate(background) == dark
    expect(switch).to_have_attribute("aria-pressed", "true")


def test_nothing_runs_out_of_the_window(watched: Watched) -> None:
    page = watched.page
    watched.site.upstream.says("x" * 3000)
    enter(page, watched.site, "boss")
    write(page, f"{TEXT} {'w' * 3000}")
    page.get_by_role("button", name="Ask the model").click()
    expect(page.locator("#answer")).to_be_visible()
    for name in ("Inspect", "Policy", "Counts"):
        page.get_by_role("tab", name=name).click()
        for width in (360, 700, 1600):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_page_that_is_left_forgets(watched: Watched) -> None:
    page = watched.page
    enter(page, watched.site, "jane")
    write(page, TEXT)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    expect(page.locator("#inside")).to_be_hidden()
    assert "Amara" not in page.locator("html").inner_html()
    page.reload()
    expect(page.locator("#token")).to_be_visible()
    assert page.locator("#prompt").input_value() == ""


def test_the_headers_forbid_what_the_page_does_not_need(watched: Watched) -> None:
    page, site = watched.page, watched.site
    page.goto(site.url)
    policy = site.ask("GET", "/ui").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert re.match(r"default-src 'none';", policy)
    # The browser holds to it: what is injected does not run, and HTML cannot be parsed at all.
    assert "TrustedHTML" in page.evaluate(
        "(() => { try { document.body.innerHTML = '<b>x</b>'; return ''; } catch (error) { return String(error); } })()"
    )
    page.evaluate(
        "() => { const made = document.createElement('img'); made.src = 'https://elsewhere.example/x.png';"
        " document.body.append(made); }"
    )
    for _ in range(100):
        if "img-src https://elsewhere.example/x.png" in page.evaluate("window.violations"):
            break
        page.wait_for_timeout(100)
    assert page.evaluate("window.violations").count("img-src https://elsewhere.example/x.png") == 1
    page.evaluate("window.violations.length = 0")
    watched.requests = [url for url in watched.requests if "elsewhere" not in url]
    watched.complaints.clear()
