"""Counts of several workers, each of which knows its own only."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.conftest import POLICY
from tests.page import scene

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]


def test_the_page_adds_up_what_all_workers_have_counted(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("workers")
    with scene.site(folder, "--workers", "2", policy=POLICY) as site:
        for _ in range(12):
            assert site.chat("jane", "Hi.").status_code == 200
        page = browser.new_page()
        scene.enter(page, site, "jane")
        page.get_by_role("tab", name="Counts").click()
        expect(page.locator("#tiles")).to_contain_text("Exchanges")
        state = page.locator("#counts-state")
        for _ in range(20):
            if "all 2 workers together" in state.inner_text():
                break
            page.get_by_role("button", name="Refresh").click()
            page.wait_for_timeout(300)
        expect(state).to_contain_text("all 2 workers together")
        expect(page.locator(".tile .big").first).to_have_text("12")
        page.close()
