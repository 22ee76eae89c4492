"""One gateway and one browser for all tests of the page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from demo.chromium import chromium
from tests.page import scene
from tests.page.scene import Site

# A busy machine takes its time.
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with scene.site(tmp_path_factory.mktemp("page")) as started:
        yield started


@pytest.fixture
def site(shared_site: Site) -> Site:
    """The gateway, whose model has been told nothing yet."""
    shared_site.upstream.reset()
    return shared_site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Not longer than a module: an event loop runs as long as there is one, and other tests want to run their own."""
    if chromium() is None:
        pytest.skip("no Chromium; `make test` installs it")
    with scene.browser() as launched:
        yield launched


@dataclass
class Watched:
    """A page, and all that must not happen on it."""

    page: Page
    context: BrowserContext
    site: Site
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def expect_refusals(self) -> None:
        """The browser writes a line for each status from 400 on; these are what the test is about."""
        self.complaints = [line for line in self.complaints if "the server responded with a status of" not in line]


_WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""


@pytest.fixture
def watched(browser: Browser, site: Site) -> Iterator[Watched]:
    """A page in a context of its own. At the end: no complaint in the console, no violation of the content security
    policy, no request to another origin, no token in an URL or in anything that is stored."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(30_000)
    context.add_init_script(_WATCH)
    page = context.new_page()
    made = Watched(page, context, site)
    page.on("request", lambda request: made.requests.append(request.url))
    page.on("console", lambda message: made.complaints.append(message.text))
    page.on("pageerror", lambda error: made.complaints.append(str(error)))
    page.on("dialog", lambda dialog: made.complaints.append(dialog.message))
    yield made
    if page.url != "about:blank":
        assert page.evaluate("window.violations") == []
        kept = page.evaluate(
            "async () => JSON.stringify([location.href, document.cookie, {...localStorage}, {...sessionStorage},"
            " (await indexedDB.databases()), (await caches.keys()), history.state, window.name])"
        )
        assert json.loads(kept) == [site.url, "", {}, {}, [], [], None, ""]
        assert context.cookies() == []
    assert made.complaints == []
    assert all(url.startswith(f"{site.process.url}/ui") for url in made.requests), made.requests
    for token in site.tokens.values():
        assert not any(token in url for url in made.requests)
    context.close()
