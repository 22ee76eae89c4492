"""A gateway with the page /ui, the model behind it, people with tokens, and a browser that looks at it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from demo.chromium import chromium
from tests.support.gateway import GatewayProcess, mint, start_gateway
from tests.support.upstream import Background, ScriptedUpstream

POLICY = Path(__file__).parent / "policy.yaml"
_PEOPLE = {
    "jane": ("acme", "ui", "chat"),
    "boss": ("acme", "ui", "chat", "admin:policy"),
    "looker": ("acme", "ui"),
    "chatter": ("acme", "chat"),
    "admin": ("acme", "admin:policy"),
    "other": ("globex", "ui", "chat"),
    "operator": ("ops", "ui", "ui:all"),
}


@dataclass
class Site:
    """`tokens` by the name of a person."""

    process: GatewayProcess
    upstream: ScriptedUpstream
    tokens: dict[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        return f"{self.process.url}/ui"

    def ask(self, method: str, path: str, who: str = "", body: Any = None, **headers: str) -> httpx.Response:
        if who:
            headers["authorization"] = f"Bearer {self.tokens[who]}"
        with httpx.Client(trust_env=False, timeout=60) as client:
            return client.request(method, self.process.url + path, json=body, headers=headers)

    def chat(self, who: str, text: str, path: str = "/v1/chat/completions", **more: Any) -> httpx.Response:
        body = {"model": "llama", "messages": [{"role": "user", "content": text}], **more}
        return self.ask("POST", path, who, body)


@contextmanager
def site(directory: Path, *arguments: str, policy: Path = POLICY) -> Iterator[Site]:
    """A real gateway with the page on, in front of a scripted model."""
    tokens = {
        name: mint(directory / "tokens.yaml", tenant, "--subject", name, *(f"--scope={scope}" for scope in scopes))
        for name, (tenant, *scopes) in _PEOPLE.items()
    }
    # What a person may not use is not shown to them.
    tokens["narrow"] = mint(
        directory / "tokens.yaml", "acme", "--subject", "narrow", "--scope=ui", "--scope=chat", "--model", "other"
    )
    with Background(ScriptedUpstream()) as upstream:
        process = start_gateway(directory, upstream.url, policy, "--ui", "on", *arguments)
        try:
            yield Site(process, upstream, tokens)
        finally:
            process.stop()


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # Tests run as root in containers, where Chromium has no sandbox; it opens nothing but the page.
        options = ["--no-sandbox", "--disable-dev-shm-usage"]
        launched = playwright.chromium.launch(executable_path=chromium(), args=options)
        yield launched
        launched.close()


def enter(page: Page, site: Site, who: str) -> None:
    """Open the page and sign in."""
    page.goto(site.url)
    page.get_by_label("Access token").fill(site.tokens[who])
    page.get_by_role("button", name="Open", exact=True).click()
    page.get_by_role("textbox", name="Your prompt").wait_for()


def write(page: Page, text: str) -> None:
    """Write a prompt, and wait until it has been read."""
    page.get_by_role("textbox", name="Your prompt").fill(text)
    page.locator("#found-state", has_text="found").or_(page.locator("#found-state", has_text="Refused")).wait_for()
